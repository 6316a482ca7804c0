/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_totals.h"

#include "base/memory.h"
#include "base/text_map.h"
#include "stats_table.h"
#include "store/store_errand.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATS_TOTALS_EVERY_S = 60 };

struct stats_totals {
	const struct stats *stats; /* borrowed */
	struct stats_sources sources;
	struct text_map names;        /* of what earlier runs counted: index in values */
	double *values;               /* owned */
	bool is_read;                 /* until then nothing is written: it would be too little */
	struct store_request *asking; /* owned; not NULL exactly while the store is asked */
	struct event *tick;           /* owned */
};

/* What is about to be kept. */
struct stats_totals_draft {
	struct store_total *list; /* owned, and the names */
	size_t count, size;
};

bool stats_totals_are_read(const struct stats_totals *totals)
{
	return totals->is_read;
}

double stats_totals_before(const struct stats_totals *totals, const char *name)
{
	unsigned i;

	return text_map_find(&totals->names, span_of(name), &i) ? totals->values[i] : 0;
}

static void stats_totals_add(const struct stats_totals *totals, struct stats_totals_draft *draft,
			     const char *name, double value)
{
	if (value <= 0)
		return;
	if (draft->count == draft->size) {
		draft->size = draft->size > 0 ? 2 * draft->size : 64;
		draft->list = mem_resize(draft->list, draft->size * sizeof(*draft->list));
	}
	draft->list[draft->count++] = (struct store_total){
		mem_copy_string(name), value + stats_totals_before(totals, name)};
}

static void stats_totals_add_histogram(const struct stats_totals *totals,
				       struct stats_totals_draft *draft,
				       const struct stats_metric *metric)
{
	const struct histogram *histogram =
		stats_metric_histogram(metric, totals->stats, &totals->sources);
	char name[STATS_SERIES_SIZE], step[STATS_STEP_SIZE];

	for (size_t i = 0; i <= metric->steps->count; i++) {
		stats_metric_step(metric, i, step);
		stats_metric_name(metric, 0, "_bucket", step, name);
		stats_totals_add(totals, draft, name, (double)histogram->counts[i]);
	}
	stats_metric_name(metric, 0, "_sum", "", name);
	stats_totals_add(totals, draft, name, histogram->sum);
}

static void stats_totals_add_counter(const struct stats_totals *totals,
				     struct stats_totals_draft *draft,
				     const struct stats_metric *metric)
{
	char name[STATS_SERIES_SIZE];
	double value;

	for (size_t i = 0; i < stats_metric_series(metric); i++) {
		if (!stats_metric_number(metric, totals->stats, &totals->sources, i, &value))
			continue;
		stats_metric_name(metric, i, "", "", name);
		stats_totals_add(totals, draft, name, value);
	}
}

static void on_stats_totals_kept(const struct store_report *report, void *arg)
{
	struct stats_totals *totals = arg;

	/* What could not be kept now is in the next one. */
	(void)report;
	totals->asking = NULL;
}

static void stats_totals_keep(struct stats_totals *totals)
{
	struct stats_totals_draft draft = {0};

	if (!totals->is_read)
		return;
	store_cancel(&totals->asking);
	for (size_t i = 0; i < stats_metric_count; i++) {
		const struct stats_metric *metric = &stats_metrics[i];
		switch (metric->type) {
		case STATS_COUNTER:
			stats_totals_add_counter(totals, &draft, metric);
			break;
		case STATS_HISTOGRAM:
			stats_totals_add_histogram(totals, &draft, metric);
			break;
		case STATS_GAUGE:
			break;
		}
	}
	struct store_errand errand = {
		.task = STORE_TOTALS_KEEP, .totals = draft.list, .total_count = draft.count};
	if (draft.count > 0)
		totals->asking = store_start_errand(totals->sources.store, &errand,
						    on_stats_totals_kept, totals);
	for (size_t i = 0; i < draft.count; i++)
		free((void *)draft.list[i].name);
	free(draft.list);
}

static void on_stats_totals_read(const struct store_report *report, void *arg)
{
	struct stats_totals *totals = arg;

	totals->asking = NULL;
	if (report->status != STORE_ANSWERED)
		return;
	totals->is_read = true;
	totals->values = mem_alloc((report->count + 1) * sizeof(*totals->values));
	for (size_t i = 0; i < report->count; i++) {
		unsigned number = (unsigned)i;
		if (text_map_add(&totals->names, span_of(report->totals[i].name), &number))
			totals->values[number] = report->totals[i].value;
	}
}

static void stats_totals_read(struct stats_totals *totals)
{
	struct store_errand errand = {.task = STORE_TOTALS_READ};

	totals->asking =
		store_start_errand(totals->sources.store, &errand, on_stats_totals_read, totals);
}

static void on_stats_totals_tick(evutil_socket_t fd, short events, void *arg)
{
	struct stats_totals *totals = arg;

	(void)fd;
	(void)events;
	if (totals->is_read)
		stats_totals_keep(totals);
	else if (totals->asking == NULL)
		stats_totals_read(totals);
}

struct stats_totals *stats_totals_new(struct event_base *base, const struct stats *stats,
				      const struct dns *dns, struct store *store)
{
	struct stats_totals *totals = mem_alloc(sizeof(*totals));
	const struct timeval every = {.tv_sec = STATS_TOTALS_EVERY_S};

	totals->stats = stats;
	totals->sources = (struct stats_sources){.dns = dns, .store = store};
	totals->tick = event_new(base, -1, EV_PERSIST, on_stats_totals_tick, totals);
	event_add(totals->tick, &every);
	stats_totals_read(totals);
	return totals;
}

void stats_totals_free(struct stats_totals **totals)
{
	struct stats_totals *freed = *totals;

	if (freed == NULL)
		return;
	*totals = NULL;
	stats_totals_keep(freed);
	/* Nobody waits for it, and it is kept all the same. */
	store_cancel(&freed->asking);
	event_free(freed->tick);
	text_map_clear(&freed->names);
	free(freed->values);
	free(freed);
}
