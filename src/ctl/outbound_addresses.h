/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses from which mail of this host may come: those that others can see.
 */
#pragma once

#include "base/netaddr.h"

#include <stdbool.h>
#include <stddef.h>

enum { OUTBOUND_ADDRESSES_MAX = 64 };

/* A plain value. */
struct outbound_addresses {
	struct netaddr addresses[OUTBOUND_ADDRESSES_MAX];
	size_t count;
	bool has_more; /* than there is room for */
	/* An IPv4 address of this host that others do not see, if bits is not 0. */
	struct netaddr hidden;
	/* An IPv6 address that mail may come from although it will not stay, likewise. */
	struct netaddr temporary;
};

/* Add one, unless it is there already. */
void outbound_addresses_add(struct outbound_addresses *list, const struct netaddr *address);

/* Whether there are any of the family with so many bits. */
bool outbound_addresses_has(const struct outbound_addresses *list, unsigned bits);

/* Leave none of the family with so many bits. */
void outbound_addresses_drop(struct outbound_addresses *list, unsigned bits);

/*
 * Add those of all interfaces that are up: global ones, and of IPv6 none that come and go (privacy
 * extensions, RFC 8981) or are on their way out or in.  False with errno set when the kernel does
 * not tell them.
 */
bool outbound_addresses_add_own(struct outbound_addresses *list);

enum outbound_stay {
	OUTBOUND_STAYS,
	OUTBOUND_TEMPORARY, /* in use, until the next one takes its place */
	OUTBOUND_LEAVES,    /* or is not there yet: nothing is sent from it */
};

/*
 * What a line of /proc/net/if_inet6 says: its address, and whether it stays.  False: it is no such
 * line.
 */
bool outbound_addresses_parse_line(const char *line, struct netaddr *address,
				   enum outbound_stay *stay);
