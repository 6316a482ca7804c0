/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every number that is told: its name, its labels and their words, what it means.
 *
 * A new counter is a row here and a field of struct stats, and is in /stats, in /metrics, in
 * sixgate_metrics(7) and among the totals that survive a restart.
 */
#pragma once

#include "stats.h"

#include <stdbool.h>
#include <stddef.h>

enum stats_type { STATS_COUNTER, STATS_GAUGE, STATS_HISTOGRAM };

/* Who counts. */
enum stats_place { STATS_HERE, STATS_OF_DNS, STATS_OF_STORE };

enum { STATS_LABELS_MAX = 3, STATS_SERIES_SIZE = 256 };

struct stats_label {
	const char *name;
	size_t count; /* of words */
	const char *(*word)(size_t i);
};

struct stats_metric {
	const char *name; /* Prometheus' */
	enum stats_type type;
	const char *help; /* one sentence, which is a title for people as well */
	struct stats_label labels[STATS_LABELS_MAX]; /* those with a name; a histogram has none */
	bool is_sparse; /* most combinations of words cannot be: what is 0 is not told */
	/* A counter: uint64_t for each series, from there on; a histogram: a struct histogram. */
	enum stats_place place;
	size_t offset; /* bytes */
	/* A gauge.  False: it is not known now. */
	bool (*gauge)(const struct stats *stats, const struct stats_sources *sources, size_t index,
		      double *value);
	const struct histogram_steps *steps; /* of a histogram */
};

extern const struct stats_metric stats_metrics[];
extern const size_t stats_metric_count;

/* As Prometheus calls it: "counter". */
const char *stats_type_word(enum stats_type type);

/*
 * Series number index of a counter or gauge, which is (label 0 * words of label 1 + label 1) ...;
 * false: it is not known now.
 */
bool stats_metric_number(const struct stats_metric *metric, const struct stats *stats,
			 const struct stats_sources *sources, size_t index, double *value);

/* What a histogram has counted. */
const struct histogram *stats_metric_histogram(const struct stats_metric *metric,
					       const struct stats *stats,
					       const struct stats_sources *sources);

/* How many series a metric has. */
size_t stats_metric_series(const struct stats_metric *metric);

/* The words of series number index, one for each label. */
void stats_metric_words(const struct stats_metric *metric, size_t index,
			const char *words[static STATS_LABELS_MAX]);

enum { STATS_STEP_SIZE = 32 };

/* Step i of a histogram, as a label: 'le="0.1"'; behind the last, 'le="+Inf"'. */
void stats_metric_step(const struct stats_metric *metric, size_t i,
		       char label[static STATS_STEP_SIZE]);

/*
 * What a series is called in Prometheus' text: name, suffix ("_bucket" or empty) and labels; extra:
 * one label more, as 'le="0.1"', or empty.
 */
void stats_metric_name(const struct stats_metric *metric, size_t index, const char *suffix,
		       const char *extra, char text[static STATS_SERIES_SIZE]);
