/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The networks that a domain's SPF record authorises: the record, and those it leads to, flattened.
 *
 * This is not check_host() (spf_evaluate.h): it asks about no client, but for all that could pass.
 * So it follows what is the same for every client, include, redirect, ip4, ip6, a and mx, and tells
 * what is not: ptr, exists, macros, and whatever does not say "pass".  What it finds replaces what
 * was found before, so that it rather finds nothing than something that is wrong.
 */
#pragma once

#include "base/netaddr.h"
#include "dns_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPF_NETWORKS_QUESTIONS_MAX = 100, /* to DNS; so many domains, too */
	SPF_NETWORKS_MAX = 5000,
	SPF_NETWORKS_TEXT_SIZE = 512,
	/* Bounds of the TTL. */
	SPF_NETWORKS_TTL_MIN_S = 300,
	SPF_NETWORKS_TTL_MAX_S = 86400,
};

enum spf_networks_status {
	SPF_NETWORKS_FOUND,
	SPF_NETWORKS_REFUSED, /* DNS answers, but what it says is not to be used */
	SPF_NETWORKS_FAILED,  /* DNS could not tell; later it may */
};

struct spf_networks {
	enum spf_networks_status status;
	struct network *list; /* owned; sorted, each once; empty but for SPF_NETWORKS_FOUND */
	size_t count;
	int64_t ttl_s;                    /* the shortest of all answers, within the bounds above */
	char why[SPF_NETWORKS_TEXT_SIZE]; /* for people; empty for SPF_NETWORKS_FOUND */
	char left[SPF_NETWORKS_TEXT_SIZE]; /* the terms that could not be flattened, printable */
};

/*
 * Flatten the record of domain with the answers in table, which has room for
 * SPF_NETWORKS_QUESTIONS_MAX.  True: finished, *networks is the result.  False: row *waits_for has
 * to be answered first (replay.h).  The caller clears *networks, which was zeroed at first, in any
 * case.
 *
 * Refused are: no SPF record or several, also behind include and redirect; a syntax error; a record
 * that passes everybody (+all); a network of /8, in IPv6 /16, or wider; networks that are together
 * wider than a /7, in IPv6 a /15; a name with more than ten MX hosts; more than the bounds allow,
 * so that a call takes no longer than some 2 ms; no network at all.
 */
bool spf_networks_flatten(struct span domain, struct dns_table *table, size_t *waits_for,
			  struct spf_networks *networks);

void spf_networks_clear(struct spf_networks *networks);

struct dns;
struct spf_networks_query;

/* The result dies when the function returns. */
typedef void spf_networks_done_fn(const struct spf_networks *networks, void *arg);

/* The same, asking dns.  done() runs exactly once, from the event loop, never from inside this
 * call; after spf_networks_cancel() it never runs. */
struct spf_networks_query *spf_networks_start(struct dns *dns, struct span domain,
					      spf_networks_done_fn *done, void *arg);

void spf_networks_cancel(struct spf_networks_query **query);
