/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts of the last minute: a count for each of its seconds, which the same second of the next
 * minute takes over.
 */
#pragma once

#include "rules/verdict.h"

#include <stdint.h>

enum { STATS_MINUTE_S = 60 };

struct stats_second {
	int64_t second; /* monotonic; whose counts these are */
	uint32_t verdicts[VERDICT_ACTION_COUNT];
};

/* A plain value; zeros are an empty one. */
struct stats_minute {
	struct stats_second seconds[STATS_MINUTE_S];
};

/* now_s: monotonic, not below 0. */
void stats_minute_count(struct stats_minute *minute, enum verdict_action action, int64_t now_s);

/* How many there were in the minute up to now_s, by verdict. */
void stats_minute_sum(const struct stats_minute *minute, int64_t now_s,
		      uint64_t verdicts[static VERDICT_ACTION_COUNT]);
