/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be looked at: the addresses, sender and name in HELO that were given, or else those
 * that Postfix and the host have.
 */
#pragma once

#include "outbound_addresses.h"
#include "outbound_postfix.h"

#include <jansson.h>
#include <stdbool.h>

/* Borrowed; NULL or empty: not given. */
struct outbound_wishes {
	struct outbound_addresses addresses;
	const char *sender, *helo, *servers;
};

struct outbound_plan {
	struct outbound_addresses addresses;
	char *sender;              /* owned; user@domain */
	const char *sender_source; /* static; where it is from, for people */
	char *helo;                /* owned */
	const char *helo_source;   /* static */
	json_t *notes;             /* owned; what an admin should know of the choice, sentences */
	bool is_incomplete;        /* mail may also come from an address that is not known here */
};

/* The caller clears plan.  May ask the host's resolver for its name, and wait. */
void outbound_plan_make(struct outbound_plan *plan, const struct outbound_wishes *wishes,
			const struct outbound_postfix *postfix);

void outbound_plan_clear(struct outbound_plan *plan);
