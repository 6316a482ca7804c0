/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_dry.h"

#include "base/words.h"
#include "table.h"

#include <string.h>

static const struct table_column stats_dry_columns[] = {
	{.title = "WOULD HAVE BEEN"},
	{.title = "BECAUSE", .may_shrink_to = 24},
	{.title = "SINCE START", .align = TABLE_RIGHT},
	{.title = "IN ALL", .align = TABLE_RIGHT},
	{.title = "OF ALL MAIL", .align = TABLE_RIGHT},
};

static const json_t *stats_dry_find(const json_t *stats, const char *name)
{
	const json_t *counter;
	size_t i;

	json_array_foreach (json_object_get(stats, "counters"), i, counter) {
		const char *found = json_string_value(json_object_get(counter, "name"));
		if (found != NULL && strcmp(found, name) == 0)
			return json_object_get(counter, "series");
	}
	return NULL;
}

static const char *stats_dry_label(const json_t *series, const char *name)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(series, "labels"), name));

	return text != NULL ? text : "";
}

static int64_t stats_dry_number(const json_t *series, const char *name)
{
	return (int64_t)json_number_value(json_object_get(series, name));
}

/* Mail in all, of which the dry part is told. */
static int64_t stats_dry_sum(const json_t *requests)
{
	const json_t *series;
	int64_t sum = 0;
	size_t i;

	json_array_foreach (requests, i, series)
		if (strcmp(stats_dry_label(series, "reason"), "protocol_state") != 0)
			sum += stats_dry_number(series, "total");
	return sum;
}

/* What is dry in list; what: in a word, or NULL for what the rule says. */
static void stats_dry_add(struct table *table, const json_t *list, const char *what,
			  const char *label, int64_t all)
{
	const json_t *series;
	char words[WORDS_SIZE];
	size_t i;

	json_array_foreach (list, i, series) {
		int64_t total = stats_dry_number(series, "total");
		if (strcmp(stats_dry_label(series, "mode"), "dry") != 0 || total <= 0)
			continue;
		table_add(table, PAINT_NONE, what);
		table_add(table, PAINT_NONE, stats_dry_label(series, label));
		table_add(table, PAINT_NONE,
			  words_count(words, stats_dry_number(series, "since_start")));
		table_add(table, PAINT_NONE, words_count(words, total));
		table_add(table, PAINT_NONE, words_percent(words, total, all));
	}
}

struct table *stats_dry_table(const json_t *stats)
{
	const json_t *requests = stats_dry_find(stats, "sixgate_requests_total");
	struct table *table = table_new(stats_dry_columns, 5);
	int64_t all = stats_dry_sum(requests);

	stats_dry_add(table, requests, "deferred by greylisting", "reason", all);
	stats_dry_add(table, stats_dry_find(stats, "sixgate_gate_judgements_total"),
		      "refused by the gate", "rule", all);
	return table;
}

static bool stats_dry_has(const json_t *list)
{
	const json_t *series;
	size_t i;

	json_array_foreach (list, i, series) {
		if (strcmp(stats_dry_label(series, "mode"), "dry") == 0 &&
		    stats_dry_number(series, "total") > 0)
			return true;
	}
	return false;
}

bool stats_dry_is_told_twice(const json_t *stats)
{
	return stats_dry_has(stats_dry_find(stats, "sixgate_requests_total")) &&
	       stats_dry_has(stats_dry_find(stats, "sixgate_gate_judgements_total"));
}
