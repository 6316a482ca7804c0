/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of hosts: by network as in netlist.h, or by name, ".example.org" for all names below it.
 */
#pragma once

#include "netlist.h"

struct hostlist {
	struct netlist networks;
	char **suffixes; /* owned, and each; lower case, with the dot in front */
	size_t suffix_count;
};

/* Parse text as netlist_parse() does; a word that begins with a dot is a name. */
void hostlist_parse(struct hostlist *list, struct span text, const char *file, unsigned line,
		    const char *name, struct diag *diag);

/* Whether a host is in it.  name is its forward-confirmed name, or empty. */
bool hostlist_contains(const struct hostlist *list, const struct netaddr *addr, struct span name);

void hostlist_clear(struct hostlist *list);
