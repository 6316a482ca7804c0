/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_minute.h"

#include <string.h>

void stats_minute_count(struct stats_minute *minute, enum verdict_action action, int64_t now_s)
{
	struct stats_second *second = &minute->seconds[now_s % STATS_MINUTE_S];

	if (second->second != now_s)
		*second = (struct stats_second){.second = now_s};
	second->verdicts[action]++;
}

void stats_minute_sum(const struct stats_minute *minute, int64_t now_s,
		      uint64_t verdicts[static VERDICT_ACTION_COUNT])
{
	memset(verdicts, 0, VERDICT_ACTION_COUNT * sizeof(*verdicts));
	for (size_t i = 0; i < STATS_MINUTE_S; i++) {
		const struct stats_second *second = &minute->seconds[i];
		if (now_s - second->second >= STATS_MINUTE_S)
			continue;
		for (size_t j = 0; j < VERDICT_ACTION_COUNT; j++)
			verdicts[j] += second->verdicts[j];
	}
}
