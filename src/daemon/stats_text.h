/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted, for people and scripts (JSON) and for Prometheus.
 */
#pragma once

#include "stats.h"

#include <jansson.h>

struct evbuffer;
struct stats_totals;

/* Every metric, and its series: since the start, and in all runs (totals NULL: the same).  Of a
 * sparse one, those that have ever counted.  A new reference. */
json_t *stats_counters_json(const struct stats *stats, const struct stats_sources *sources,
			    const struct stats_totals *totals);

/* The last minute: verdicts, and the busiest and slowest senders.  A new reference. */
json_t *stats_minute_json(const struct stats *stats);

/* The same as stats_counters_json(), since the start, in Prometheus' text format 0.0.4. */
void stats_write_metrics(const struct stats *stats, const struct stats_sources *sources,
			 struct evbuffer *out);
