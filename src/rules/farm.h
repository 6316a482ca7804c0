/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The big providers, each one client whatever address it sends from (sixgate_farms(5)).
 *
 * A farm is recognised by a forward-confirmed host name (ptr:) or by its networks (cidr:).
 */
#pragma once

#include "base/diag.h"
#include "base/netaddr.h"
#include "base/span.h"

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
 * none; a whole name comes before a suffix, a longer suffix before a shorter one, names before
 * networks, a smaller network before one around it.  The table owns the farm.
 */
const struct farm *farm_find(const struct farm_table *table, struct span name,
			     const struct netaddr *addr);

size_t farm_count(const struct farm_table *table);

void farm_free(struct farm_table **table);
