/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_text.h"

#include "base/clock.h"
#include "stats_table.h"
#include "stats_totals.h"

#include <event2/buffer.h>
#include <stdio.h>

static double stats_before(const struct stats_totals *totals, const char *name)
{
	return totals != NULL ? stats_totals_before(totals, name) : 0;
}

/* Counts are whole numbers. */
static json_t *stats_number(double value)
{
	return value == (double)(json_int_t)value ? json_integer((json_int_t)value)
						  : json_real(value);
}

static json_t *stats_labels_json(const struct stats_metric *metric, size_t index)
{
	const char *words[STATS_LABELS_MAX];
	json_t *labels = json_object();

	stats_metric_words(metric, index, words);
	for (size_t i = 0; i < STATS_LABELS_MAX && words[i] != NULL; i++)
		json_object_set_new(labels, metric->labels[i].name, json_string(words[i]));
	return labels;
}

static void stats_add_numbers(json_t *list, const struct stats_metric *metric,
			      const struct stats *stats, const struct stats_sources *sources,
			      const struct stats_totals *totals)
{
	char name[STATS_SERIES_SIZE];
	double value;

	for (size_t i = 0; i < stats_metric_series(metric); i++) {
		if (!stats_metric_number(metric, stats, sources, i, &value))
			continue;
		json_t *series = json_pack("{s:o}", "labels", stats_labels_json(metric, i));
		stats_metric_name(metric, i, "", "", name);
		double total = value + stats_before(totals, name);
		if (metric->type == STATS_GAUGE) {
			json_object_set_new(series, "value", stats_number(value));
		} else if (total > 0 || !metric->is_sparse) {
			json_object_set_new(series, "since_start", stats_number(value));
			json_object_set_new(series, "total", stats_number(total));
		} else {
			json_decref(series);
			continue;
		}
		json_array_append_new(list, series);
	}
}

/* Since the start (totals NULL), or in all. */
static json_t *stats_histogram_json(const struct stats_metric *metric,
				    const struct histogram *histogram,
				    const struct stats_totals *totals)
{
	char name[STATS_SERIES_SIZE], step[STATS_STEP_SIZE];
	json_t *buckets = json_array();
	double count = 0;

	for (size_t i = 0; i <= metric->steps->count; i++) {
		stats_metric_step(metric, i, step);
		stats_metric_name(metric, 0, "_bucket", step, name);
		count += (double)histogram->counts[i] + stats_before(totals, name);
		json_t *bound = i < metric->steps->count ? stats_number(metric->steps->bounds[i])
							 : json_string("+Inf");
		json_array_append_new(buckets, json_pack("{s:o, s:o}", "le", bound, "count",
							 stats_number(count)));
	}
	stats_metric_name(metric, 0, "_sum", "", name);
	return json_pack("{s:o, s:o, s:o}", "count", stats_number(count), "sum",
			 stats_number(histogram->sum + stats_before(totals, name)), "buckets",
			 buckets);
}

json_t *stats_counters_json(const struct stats *stats, const struct stats_sources *sources,
			    const struct stats_totals *totals)
{
	json_t *counters = json_array();

	for (size_t i = 0; i < stats_metric_count; i++) {
		const struct stats_metric *metric = &stats_metrics[i];
		json_t *list = json_array();
		if (metric->type == STATS_HISTOGRAM) {
			const struct histogram *histogram =
				stats_metric_histogram(metric, stats, sources);
			json_array_append_new(
				list,
				json_pack("{s:{}, s:o, s:o}", "labels", "since_start",
					  stats_histogram_json(metric, histogram, NULL), "total",
					  stats_histogram_json(metric, histogram, totals)));
		} else {
			stats_add_numbers(list, metric, stats, sources, totals);
		}
		json_array_append_new(counters,
				      json_pack("{s:s, s:s, s:s, s:o}", "name", metric->name,
						"type", stats_type_word(metric->type), "help",
						metric->help, "series", list));
	}
	return counters;
}

static json_t *stats_senders_json(const struct stats *stats, enum stats_senders_order order)
{
	struct stats_sender list[STATS_SENDERS_SHOWN];
	size_t count = stats_senders_list(stats->senders, order, clock_mono_ms() / 1000, list);
	json_t *senders = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(senders,
				      json_pack("{s:s, s:I, s:f}", "sender_domain", list[i].name,
						"requests", (json_int_t)list[i].requests,
						"longest_s", (double)list[i].longest_us / 1e6));
	return senders;
}

json_t *stats_minute_json(const struct stats *stats)
{
	uint64_t verdicts[VERDICT_ACTION_COUNT], requests = 0;
	json_t *by_verdict = json_object();

	stats_minute_sum(&stats->minute, clock_mono_ms() / 1000, verdicts);
	for (size_t i = 0; i < VERDICT_ACTION_COUNT; i++) {
		requests += verdicts[i];
		json_object_set_new(by_verdict, verdict_action_name((enum verdict_action)i),
				    json_integer((json_int_t)verdicts[i]));
	}
	return json_pack("{s:i, s:I, s:f, s:o, s:o, s:o}", "seconds", STATS_MINUTE_S, "requests",
			 (json_int_t)requests, "per_second", (double)requests / STATS_MINUTE_S,
			 "verdicts", by_verdict, "busiest",
			 stats_senders_json(stats, STATS_BUSIEST), "slowest",
			 stats_senders_json(stats, STATS_SLOWEST));
}

static void stats_write_histogram(const struct stats_metric *metric,
				  const struct histogram *histogram, struct evbuffer *out)
{
	char name[STATS_SERIES_SIZE], step[STATS_STEP_SIZE];
	uint64_t count = 0;

	for (size_t i = 0; i <= metric->steps->count; i++) {
		stats_metric_step(metric, i, step);
		stats_metric_name(metric, 0, "_bucket", step, name);
		count += histogram->counts[i];
		evbuffer_add_printf(out, "%s %llu\n", name, (unsigned long long)count);
	}
	evbuffer_add_printf(out, "%s_sum %.9g\n%s_count %llu\n", metric->name, histogram->sum,
			    metric->name, (unsigned long long)count);
}

void stats_write_metrics(const struct stats *stats, const struct stats_sources *sources,
			 struct evbuffer *out)
{
	char name[STATS_SERIES_SIZE];
	double value;

	for (size_t i = 0; i < stats_metric_count; i++) {
		const struct stats_metric *metric = &stats_metrics[i];
		evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
				    metric->name, stats_type_word(metric->type));
		if (metric->type == STATS_HISTOGRAM) {
			stats_write_histogram(metric,
					      stats_metric_histogram(metric, stats, sources), out);
			continue;
		}
		for (size_t j = 0; j < stats_metric_series(metric); j++) {
			if (!stats_metric_number(metric, stats, sources, j, &value) ||
			    (metric->is_sparse && value <= 0))
				continue;
			stats_metric_name(metric, j, "", "", name);
			evbuffer_add_printf(out, "%s %.15g\n", name, value);
		}
	}
}
