/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the SPF domains in the table of farms stand for at the moment: networks.
 *
 * Resolved elsewhere and ahead of time; this is the table in which an address is looked up.  Which
 * farm a domain stands for is not known here, so that it serves any table of farms, an older one
 * too that a check began with.  Filled once, then only read.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct farm_networks;

/* An empty one, to be filled by farm_networks_add(), and made ready by farm_networks_sort(). */
struct farm_networks *farm_networks_new(void);

/* The networks of domain, once for each domain; both are copied. */
void farm_networks_add(struct farm_networks *networks, struct span domain,
		       const struct network *list, size_t count);

void farm_networks_sort(struct farm_networks *networks);

/* One network that an address is in. */
struct farm_networks_hit {
	struct span domain;     /* of whom it is; borrowed */
	struct network network; /* of several that are equal each is a hit of its own */
	size_t row;             /* the table's own */
};

/* The smallest network that addr is in, and the next smallest; false when there is none. */
bool farm_networks_find(const struct farm_networks *networks, const struct netaddr *addr,
			struct farm_networks_hit *hit);
bool farm_networks_find_next(const struct farm_networks *networks, struct farm_networks_hit *hit);

void farm_networks_free(struct farm_networks **networks);
