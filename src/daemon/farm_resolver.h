/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What spf: in the table of farms stands for, kept up to date in the background.
 *
 * Each SPF domain is resolved ahead of time, again when its TTL is over, and again after a failure,
 * later each time.  What is known stays in force until something valid replaces it, however old it
 * is, and lies in the store as well, so that a start without DNS knows it.  No request ever waits
 * for any of this.
 */
#pragma once

#include "rules/farm.h"
#include "rules/farm_networks.h"

#include <stdint.h>

struct dns;
struct event_base;
struct farm_resolver;
struct store;

/* base, dns and store are borrowed, and outlive the resolver. */
struct farm_resolver *farm_resolver_new(struct event_base *base, struct dns *dns,
					struct store *store);

/*
 * The farms that there are, at the start and whenever they change; the table is not used when this
 * has returned.  Domains that are new are resolved soon, those that are gone are forgotten.  The
 * first call asks the store for what it knows, and DNS only when that is there.
 */
void farm_resolver_set_farms(struct farm_resolver *resolver, const struct farm_table *table);

/* What is known now, for farm_find(); never NULL, and valid until the caller returns to the loop.
 */
const struct farm_networks *farm_resolver_networks(const struct farm_resolver *resolver);

/* What is known of one domain. */
struct farm_resolver_domain {
	const char *domain;
	size_t network_count;  /* 0: nothing is known */
	int64_t resolved_s;    /* Unix time: when DNS said so; 0: never */
	int64_t fresh_until_s; /* Unix time: from when on DNS is asked again */
};

typedef void farm_resolver_domain_fn(const struct farm_resolver_domain *domain, void *arg);

/* Call fn for each domain, at once. */
void farm_resolver_each_domain(const struct farm_resolver *resolver, farm_resolver_domain_fn *fn,
			       void *arg);

/* As if seconds had passed, for tests in which days pass in a microsecond. */
void farm_resolver_skip_for_test(struct farm_resolver *resolver, int64_t seconds);

/* Lookups and store requests may be out. */
void farm_resolver_free(struct farm_resolver **resolver);
