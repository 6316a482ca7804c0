/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The busiest and the slowest sender domains of the last minute, in fixed memory.
 *
 * Strangers choose the names, so that there are places for some hundred of them.  When all that a
 * name may have are taken, the least busy one there makes room, and the newcomer begins with its
 * count (Metwally and others, "Efficient computation of frequent and top-k elements", 2005): who is
 * really busy is never missed, and a count may be too high by what the one before had.  The slowest
 * have places of their own, which only a slower one takes; of these, requests before that are not
 * counted.  Two halves of a minute take turns.
 */
#pragma once

#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct privacy;
struct stats_senders;

enum { STATS_SENDER_NAME_SIZE = 128, STATS_SENDERS_SHOWN = 10 };

enum stats_senders_order { STATS_BUSIEST, STATS_SLOWEST, STATS_SENDERS_ORDER_COUNT };

struct stats_sender {
	char name[STATS_SENDER_NAME_SIZE];
	uint64_t requests;
	int64_t longest_us;
};

/* What the sender of a request counts as: its domain, "<>" without one; a hash with privacy (NULL:
 * off). */
void stats_senders_name(struct span sender, const struct privacy *privacy,
			char name[static STATS_SENDER_NAME_SIZE]);

struct stats_senders *stats_senders_new(void);

/* A request of name (printable; it may be cut) took so long.  now_s: monotonic. */
void stats_senders_count(struct stats_senders *senders, const char *name, int64_t duration_us,
			 int64_t now_s);

/* Those of the last 30 to 60 seconds, the first in order first; how many. */
size_t stats_senders_list(const struct stats_senders *senders, enum stats_senders_order order,
			  int64_t now_s, struct stats_sender list[static STATS_SENDERS_SHOWN]);

void stats_senders_free(struct stats_senders **senders);
