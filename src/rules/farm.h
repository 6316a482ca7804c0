/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The big providers, each one client whatever address it sends from (sixgate_farms(5)).
 *
 * A farm is recognised by a forward-confirmed host name (ptr:), by its networks (cidr:), or by
 * those that an SPF record names (spf:), which somebody else resolves ahead of time.
 */
#pragma once

#include "base/diag.h"
#include "base/netaddr.h"
#include "base/span.h"
#include "farm_networks.h"

#include <stdbool.h>
#include <stddef.h>

enum { FARM_NAME_MAX = 32 };

struct farm {
	char name[FARM_NAME_MAX + 1];
	bool pass;     /* never greylist it */
	unsigned line; /* in the file */
};

struct farm_table; /* never changes once it is read */

/*
 * Read the farms in path.  A file that is missing is an empty table if may_be_missing, else an
 * error. All that is wrong is added to diag; NULL if that was an error.  Free with farm_free().
 */
struct farm_table *farm_read(const char *path, bool may_be_missing, struct diag *diag);

/*
 * The farm that a client belongs to, or NULL.  name is its forward-confirmed name, empty if it has
 * none; resolved is what the SPF domains stand for, NULL when that is not known.
 *
 * A whole name comes before a suffix, a longer suffix before a shorter one, names before networks,
 * and those of the table before resolved ones.  A smaller network comes before one around it; of
 * farms whose SPF domains name the same network, the one that comes first in the file.  The table
 * owns the farm.
 */
const struct farm *farm_find(const struct farm_table *table, const struct farm_networks *resolved,
			     struct span name, const struct netaddr *addr);

/* How a client was recognised. */
enum farm_way { FARM_BY_NAME, FARM_BY_NETWORK, FARM_BY_SPF };

enum { FARM_PATTERN_SIZE = 257 }; /* the longest host name, with a dot in front, and NUL */

struct farm_match {
	enum farm_way way;
	char pattern[FARM_PATTERN_SIZE]; /* FARM_BY_NAME: what stands behind ptr:; FARM_BY_SPF: the
					    domain; else empty */
	struct network network;          /* not FARM_BY_NAME: the one that the client is in */
};

/* As farm_find(), and how: *match is filled in when there is a farm. */
const struct farm *farm_find_match(const struct farm_table *table,
				   const struct farm_networks *resolved, struct span name,
				   const struct netaddr *addr, struct farm_match *match);

size_t farm_count(const struct farm_table *table);

/* Whether there is a farm of this name. */
bool farm_has(const struct farm_table *table, struct span name);

/* The SPF domains that stand for a farm, each once, in lower case; number i is below the count. */
size_t farm_spf_count(const struct farm_table *table);
const char *farm_spf_domain(const struct farm_table *table, size_t i);

/* The farm that domain (folded) stands for; NULL: none. */
const struct farm *farm_of_spf_domain(const struct farm_table *table, const char *domain);

void farm_free(struct farm_table **table);
