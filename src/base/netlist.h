/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of networks as in Postfix's mynetworks (postconf(5)): patterns by blank or comma, "!" in
 * front excludes, /file/name includes a file of patterns, and the first pattern that matches
 * decides.
 */
#pragma once

#include "diag.h"
#include "netaddr.h"
#include "span.h"

#include <stdbool.h>
#include <stddef.h>

struct netlist_pattern {
	struct network network;
	bool excludes;
};

struct netlist {
	struct netlist_pattern *patterns; /* owned */
	size_t count;
};

/*
 * Parse text.  What is wrong is added to diag, as about file:line and the setting named name; a
 * file that text includes is named with its own lines.  The caller clears list in any case.
 */
void netlist_parse(struct netlist *list, struct span text, const char *file, unsigned line,
		   const char *name, struct diag *diag);

bool netlist_contains(const struct netlist *list, const struct netaddr *addr);

void netlist_clear(struct netlist *list);
