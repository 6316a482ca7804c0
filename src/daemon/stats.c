/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

static const double stats_came_back_bounds[] = {60,   300,   600,   900,   1800,  3600,
						7200, 14400, 43200, 86400, 172800};

const struct histogram_steps stats_came_back_steps = {
	stats_came_back_bounds,
	sizeof(stats_came_back_bounds) / sizeof(stats_came_back_bounds[0]),
};

static const char *const stats_bounds[] = {
	[STATS_MAX_CONNECTIONS] = "max_connections",
	[STATS_MAX_REQUEST_SIZE] = "max_request_size",
	[STATS_IDLE_TIMEOUT] = "idle_timeout",
	[STATS_CHECK_DEADLINE] = "check_deadline",
	[STATS_PROTOCOL] = "protocol",
	[STATS_OUT_OF_FILES] = "file descriptors",
	[STATS_NOT_READ] = "answers not read",
};

_Static_assert(sizeof(stats_bounds) / sizeof(stats_bounds[0]) == STATS_BOUND_COUNT,
	       "a word for every bound");

const char *stats_bound_word(enum stats_bound bound)
{
	return stats_bounds[bound];
}

struct stats *stats_new(void)
{
	struct stats *stats = mem_alloc(sizeof(*stats));

	stats->started_s = clock_wall_s();
	stats->senders = stats_senders_new();
	return stats;
}

void stats_count_request(struct stats *stats, const struct stats_request *request)
{
	if (stats == NULL)
		return;
	const struct verdict *verdict = request->verdict;
	int64_t now_s = clock_mono_ms() / 1000;

	stats->requests[verdict->action][verdict->reason]
		       [verdict->is_dry ? STATS_DRY : STATS_ENFORCE]++;
	/* Postfix asks, but not about a recipient: nothing was judged. */
	if (verdict->reason == REASON_NOT_RCPT)
		return;
	if (verdict->gate_row > 0)
		stats->gate[verdict->gate_row - 1]
			   [verdict->gate_dry[0] != '\0' ? STATS_DRY : STATS_ENFORCE]++;
	if (request->evidence != NULL) {
		stats->iprev[request->evidence->iprev.result]++;
		stats->spf[request->evidence->spf.result]++;
	}
	if (request->delay_s > 0)
		histogram_add(&stats->came_back_s, &stats_came_back_steps,
			      (double)request->delay_s);
	histogram_add(&stats->duration_s, &histogram_latency_s, (double)request->duration_us / 1e6);
	stats_minute_count(&stats->minute, verdict->action, now_s);
	stats_senders_count(stats->senders, request->sender_domain, request->duration_us, now_s);
}

void stats_count_rejected(struct stats *stats, enum stats_bound bound)
{
	if (stats != NULL)
		stats->rejected[bound]++;
}

void stats_count_connection(struct stats *stats, bool is_new)
{
	if (stats == NULL)
		return;
	if (is_new)
		stats->connections_accepted++;
	else
		stats->connections_closed++;
}

void stats_free(struct stats **stats)
{
	if (*stats == NULL)
		return;
	stats_senders_free(&(*stats)->senders);
	free(*stats);
	*stats = NULL;
}
