/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_view.h"

#include "stats_dry.h"
#include "table.h"
#include "base/words.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATS_LABELS_SIZE = 256 };

static const struct table_column stats_pair[] = {
	{.align = TABLE_LEFT, .may_shrink_to = 20}, {.align = TABLE_RIGHT}, {.align = TABLE_LEFT}};
static const struct table_column stats_counts[] = {
	{.title = "", .may_shrink_to = 20},
	{.title = "SINCE START", .align = TABLE_RIGHT},
	{.title = "IN ALL", .align = TABLE_RIGHT},
};
static const struct table_column stats_gauges[] = {{.title = ""},
						   {.title = "NOW", .align = TABLE_RIGHT}};

static const struct table_column stats_senders[] = {
	{.title = "SENDER'S DOMAIN", .may_shrink_to = 20},
	{.title = "REQUESTS", .align = TABLE_RIGHT},
	{.title = "LONGEST", .align = TABLE_RIGHT},
};

static const struct table_column stats_times[] = {
	{.title = "", .may_shrink_to = 20},
	{.title = "COUNT", .align = TABLE_RIGHT},
	{.title = "HALF BELOW", .align = TABLE_RIGHT},
	{.title = "90% BELOW", .align = TABLE_RIGHT},
	{.title = "99% BELOW", .align = TABLE_RIGHT},
};

static double stats_number(const json_t *object, const char *name)
{
	double value = json_number_value(json_object_get(object, name));

	/* Beyond it a number is no count, and would not fit where it is put. */
	return value > -9e15 && value < 9e15 ? value : 0;
}

static const char *stats_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static void stats_title(const struct ctl *ctl, FILE *to, const char *title)
{
	char *shown = screen_text(title);

	fprintf(to, "\n%s%s%s\n", screen_paint(ctl, PAINT_BOLD), shown,
		ctl->has_colour ? "\033[0m" : "");
	free(shown);
}

static void stats_add(struct table *table, const char *name, const char *value, const char *note)
{
	table_add(table, PAINT_NONE, name);
	table_add(table, PAINT_NONE, value);
	table_add(table, PAINT_DIM, note);
}

static void stats_add_count(struct table *table, const char *name, double count, double whole)
{
	char words[WORDS_SIZE], share[WORDS_SIZE];

	stats_add(table, name, words_count(words, (int64_t)count),
		  words_percent(share, (int64_t)count, (int64_t)whole));
}

static void stats_finish(struct table *table, const struct ctl *ctl, FILE *to)
{
	table_print(table, ctl, 2, to);
	table_free(&table);
}

static void stats_print_head(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	const json_t *modes = json_object_get(stats, "modes");
	struct table *table = table_new(stats_pair, 3);
	char words[WORDS_SIZE];

	fprintf(to, "%s", screen_paint(ctl, PAINT_BOLD));
	char *version = screen_text(stats_text(stats, "version"));
	fprintf(to, "sixgated %s%s\n", version, ctl->has_colour ? "\033[0m" : "");
	free(version);
	stats_add(table, "up", words_span(words, (int64_t)stats_number(stats, "uptime_s")), "");
	stats_add(table, "greylisting", stats_text(modes, "greylist"), "");
	stats_add(table, "gate", stats_text(modes, "gate"), stats_text(modes, "gate_profile"));
	stats_finish(table, ctl, to);
}

static void stats_print_senders(const json_t *minute, const char *which, const char *title,
				const struct ctl *ctl, FILE *to)
{
	const json_t *senders = json_object_get(minute, which), *sender;
	struct table *table = table_new(stats_senders, 3);
	size_t i;

	json_array_foreach (senders, i, sender) {
		const char *domain = stats_text(sender, "sender_domain");
		char words[WORDS_SIZE], longest[WORDS_SIZE];
		words_count(words, (int64_t)stats_number(sender, "requests"));
		longest[0] = '\0';
		if (json_object_get(sender, "longest_s") != NULL)
			words_duration(longest, stats_number(sender, "longest_s"));
		stats_add(table, domain[0] != '\0' ? domain : "<>", words, longest);
	}
	if (table_row_count(table) == 0)
		return table_free(&table);
	stats_title(ctl, to, title);
	stats_finish(table, ctl, to);
}

static void stats_print_minute(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	json_t *minute = json_object_get(stats, "last_minute"), *count;
	struct table *table = table_new(stats_pair, 3);
	double requests = stats_number(minute, "requests");
	char rate[WORDS_SIZE];
	const char *verdict;

	stats_title(ctl, to, "Last minute");
	snprintf(rate, sizeof(rate), "%.1f a second", stats_number(minute, "per_second"));
	char words[WORDS_SIZE];
	stats_add(table, "requests", words_count(words, (int64_t)requests), rate);
	json_object_foreach (json_object_get(minute, "verdicts"), verdict, count)
		stats_add_count(table, verdict, json_number_value(count), requests);
	stats_finish(table, ctl, to);
	stats_print_senders(minute, "busiest", "Busiest senders of the last minute", ctl, to);
	stats_print_senders(minute, "slowest", "Slowest senders of the last minute", ctl, to);
}

static void stats_print_store(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	static const char *const names[] = {"waiting", "passed", "clients", "known"};
	const json_t *entries = json_object_get(stats, "entries");
	const json_t *store = json_object_get(stats, "store");
	struct table *table = table_new(stats_pair, 3);
	char words[WORDS_SIZE];

	stats_title(ctl, to, "Store");
	stats_add(table, "status", stats_text(store, "status"), "");
	stats_add(table, "size", words_size(words, (int64_t)stats_number(store, "size_bytes")), "");
	if (!json_is_object(entries))
		stats_add(table, "entries", "unknown", "the store does not answer");
	else
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			stats_add_count(table, names[i], stats_number(entries, names[i]), 0);
	stats_finish(table, ctl, to);
}

static void stats_print_farms(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	static const struct table_column columns[] = {
		{.title = "FARM"},
		{.title = "SPF DOMAIN", .may_shrink_to = 16},
		{.title = "NETWORKS", .align = TABLE_RIGHT},
		{.title = "RESOLVED"},
		{.title = "STATUS"},
	};
	struct table *table = table_new(columns, 5);
	const json_t *farm, *domain;
	size_t i, j;
	char words[WORDS_SIZE];

	json_array_foreach (json_object_get(stats, "farms"), i, farm)
		json_array_foreach (json_object_get(farm, "domains"), j, domain) {
			const char *status = stats_text(domain, "status");
			table_add(table, PAINT_NONE, stats_text(farm, "name"));
			table_add(table, PAINT_NONE, stats_text(domain, "domain"));
			table_add(table, PAINT_NONE,
				  words_count(words, (int64_t)stats_number(domain, "networks")));
			table_add(table, PAINT_NONE,
				  words_age(words, (int64_t)stats_number(domain, "resolved"),
					    clock_wall_s()));
			table_add(table, strcmp(status, "fresh") == 0 ? PAINT_GOOD : PAINT_WARN,
				  status);
		}
	if (table_row_count(table) > 0) {
		stats_title(ctl, to, "Farms");
		table_print(table, ctl, 2, to);
	}
	table_free(&table);
}

static void stats_print_dry(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	struct table *table = stats_dry_table(stats);

	if (table_row_count(table) > 0) {
		stats_title(ctl, to, "Learning: told, and not done, as greylist or gate is dry");
		table_print(table, ctl, 2, to);
		if (stats_dry_is_told_twice(stats))
			fputs("  What the gate would refuse goes on to greylisting, and may be in "
			      "both.\n",
			      to);
	}
	table_free(&table);
}

double stats_view_quantile(const json_t *histogram, double fraction)
{
	double wanted = json_number_value(json_object_get(histogram, "count")) * fraction;
	const json_t *bucket;
	size_t i;

	if (!(wanted > 0))
		return -1;
	json_array_foreach (json_object_get(histogram, "buckets"), i, bucket) {
		const json_t *bound = json_object_get(bucket, "le");
		if (json_number_value(json_object_get(bucket, "count")) >= wanted)
			return json_is_number(bound) ? json_number_value(bound) : INFINITY;
	}
	return INFINITY;
}

/* "reject gate-iprev": the labels' values, as the names say little to people. */
static void stats_labels(const json_t *series, char out[static STATS_LABELS_SIZE])
{
	json_t *labels = json_object_get(series, "labels"), *value;
	const char *name;
	size_t length = 0;

	out[0] = '\0';
	json_object_foreach (labels, name, value) {
		const char *text = json_string_value(value);
		/* Enforcing is what people expect; what is dry is said. */
		if (text == NULL || strcmp(text, "enforce") == 0)
			continue;
		length += (size_t)snprintf(out + length, STATS_LABELS_SIZE - length, "%s%s",
					   length > 0 ? " " : "", text);
		if (length >= STATS_LABELS_SIZE)
			return;
	}
	if (length == 0)
		snprintf(out, STATS_LABELS_SIZE, "all");
}

enum stats_unit { STATS_COUNT, STATS_SECONDS, STATS_BYTES };

static enum stats_unit stats_unit(const char *name)
{
	if (strstr(name, "_seconds") != NULL)
		return STATS_SECONDS;
	return strstr(name, "_bytes") != NULL ? STATS_BYTES : STATS_COUNT;
}

static void stats_add_quantile(struct table *table, const json_t *histogram, double fraction,
			       enum stats_unit unit)
{
	double bound = stats_view_quantile(histogram, fraction);
	char words[WORDS_SIZE];

	if (bound < 0)
		snprintf(words, sizeof(words), "-");
	else if (isinf(bound))
		snprintf(words, sizeof(words), "longer");
	else if (unit == STATS_SECONDS)
		words_duration(words, bound);
	else
		snprintf(words, sizeof(words), "%g", bound);
	table_add(table, PAINT_NONE, words);
}

static void stats_add_histogram(struct table *table, const char *label, const json_t *histogram,
				enum stats_unit unit)
{
	char words[WORDS_SIZE];

	if (stats_number(histogram, "count") <= 0)
		return;
	table_add(table, PAINT_NONE, label);
	table_add(table, PAINT_NONE, words_count(words, (int64_t)stats_number(histogram, "count")));
	stats_add_quantile(table, histogram, 0.5, unit);
	stats_add_quantile(table, histogram, 0.9, unit);
	stats_add_quantile(table, histogram, 0.99, unit);
}

static void stats_add_gauge(struct table *table, const char *label, double value,
			    enum stats_unit unit)
{
	char words[WORDS_SIZE];

	table_add(table, PAINT_NONE, label);
	table_add(table, PAINT_NONE,
		  unit == STATS_BYTES ? words_size(words, (int64_t)value)
				      : words_count(words, (int64_t)value));
}

static void stats_add_series(struct table *table, const json_t *series, const char *type,
			     enum stats_unit unit)
{
	char labels[STATS_LABELS_SIZE], words[WORDS_SIZE];

	stats_labels(series, labels);
	if (strcmp(type, "histogram") == 0) {
		/* What was slow a year ago does not hide how it is now.  No histogram has labels.
		 */
		stats_add_histogram(table, "since start", json_object_get(series, "since_start"),
				    unit);
		stats_add_histogram(table, "in all", json_object_get(series, "total"), unit);
		return;
	}
	if (strcmp(type, "gauge") == 0)
		return stats_add_gauge(table, labels, stats_number(series, "value"), unit);
	double first = stats_number(series, "since_start"), total = stats_number(series, "total");
	/* A series that never counted anything is one of many that only fill the screen. */
	if (first <= 0 && total <= 0)
		return;
	table_add(table, PAINT_NONE, labels);
	table_add(table, PAINT_NONE, words_count(words, (int64_t)first));
	table_add(table, PAINT_NONE, words_count(words, (int64_t)total));
}

static void stats_print_counter(const json_t *counter, const struct ctl *ctl, FILE *to)
{
	const char *type = stats_text(counter, "type"), *help = stats_text(counter, "help");
	bool is_histogram = strcmp(type, "histogram") == 0;
	enum stats_unit unit = stats_unit(stats_text(counter, "name"));
	bool is_gauge = strcmp(type, "gauge") == 0;
	const struct table_column *columns = is_histogram ? stats_times
					     : is_gauge   ? stats_gauges
							  : stats_counts;
	struct table *table = table_new(columns, is_histogram ? 5 : is_gauge ? 2 : 3);
	const json_t *series;
	size_t i;

	/* The head of the page tells it, in words. */
	if (is_gauge && unit == STATS_SECONDS)
		return table_free(&table);

	json_array_foreach (json_object_get(counter, "series"), i, series)
		stats_add_series(table, series, type, unit);
	if (table_row_count(table) > 0) {
		stats_title(ctl, to, help[0] != '\0' ? help : stats_text(counter, "name"));
		table_print(table, ctl, 2, to);
	}
	table_free(&table);
}

void stats_view_print(const json_t *stats, const struct ctl *ctl, FILE *to)
{
	const json_t *counter;
	size_t i;

	stats_print_head(stats, ctl, to);
	stats_print_minute(stats, ctl, to);
	stats_print_dry(stats, ctl, to);
	stats_print_store(stats, ctl, to);
	stats_print_farms(stats, ctl, to);
	json_array_foreach (json_object_get(stats, "counters"), i, counter)
		stats_print_counter(counter, ctl, to);
}
