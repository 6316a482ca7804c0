/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_table.h"

#include "lookup/dns.h"
#include "rules/gate.h"
#include "store/store_errand.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *stats_verdict_word(size_t i)
{
	return verdict_action_name((enum verdict_action)i);
}

static const char *stats_reason_word(size_t i)
{
	return verdict_reason_name((enum verdict_reason)i);
}

static const char *stats_mode_word(size_t i)
{
	return i == STATS_DRY ? "dry" : "enforce";
}

static const char *stats_rule_word(size_t i)
{
	return gate_row_words(i);
}

/* The results begin behind "not asked", which is none. */
_Static_assert(IPREV_NOT_ASKED == 0 && SPF_NOT_ASKED == 0, "the first of them");

static const char *stats_iprev_word(size_t i)
{
	return iprev_result_word((enum iprev_result)(i + 1));
}

static const char *stats_spf_word(size_t i)
{
	return spf_result_word((enum spf_result)(i + 1));
}

static const char *stats_rejected_word(size_t i)
{
	return stats_bound_word((enum stats_bound)i);
}

static const char *stats_outcome_word(size_t i)
{
	static const char *const words[] = {[DNS_FOUND] = "found",
					    [DNS_NO_NAME] = "no such name",
					    [DNS_NO_DATA] = "no such record",
					    [DNS_FAILED] = "failed"};
	return words[i];
}

static const char *stats_answer_word(size_t i)
{
	return i == 0 ? "answered" : "failed";
}

static const char *stats_entry_word(size_t i)
{
	return i == 0 ? "waiting" : "passed";
}

static const char *stats_client_word(size_t i)
{
	return i == 0 ? "known" : "learning";
}

static bool stats_get_connections(const struct stats *stats, const struct stats_sources *sources,
				  size_t index, double *value)
{
	(void)sources;
	(void)index;
	*value = (double)(stats->connections_accepted - stats->connections_closed);
	return true;
}

static bool stats_get_start(const struct stats *stats, const struct stats_sources *sources,
			    size_t index, double *value)
{
	(void)sources;
	(void)index;
	*value = (double)stats->started_s;
	return true;
}

static bool stats_get_kept_bytes(const struct stats *stats, const struct stats_sources *sources,
				 size_t index, double *value)
{
	(void)stats;
	(void)index;
	*value = (double)dns_kept_bytes(sources->dns);
	return true;
}

static bool stats_get_entries(const struct stats *stats, const struct stats_sources *sources,
			      size_t index, double *value)
{
	const struct store_census *census = sources->census;

	(void)stats;
	if (census == NULL)
		return false;
	*value = (double)(index == 0 ? census->waiting : census->passed);
	return true;
}

static bool stats_get_clients(const struct stats *stats, const struct stats_sources *sources,
			      size_t index, double *value)
{
	const struct store_census *census = sources->census;

	(void)stats;
	if (census == NULL)
		return false;
	*value = (double)(index == 0 ? census->known : census->clients - census->known);
	return true;
}

static bool stats_get_store_bytes(const struct stats *stats, const struct stats_sources *sources,
				  size_t index, double *value)
{
	(void)stats;
	(void)index;
	if (sources->census == NULL)
		return false;
	*value = (double)sources->census->size_bytes;
	return true;
}

/* Where a counter or a histogram is. */
#define HERE(field)     .place = STATS_HERE, .offset = offsetof(struct stats, field)
#define OF_DNS(field)   .place = STATS_OF_DNS, .offset = offsetof(struct dns_counts, field)
#define OF_STORE(field) .place = STATS_OF_STORE, .offset = offsetof(struct store_counts, field)

/* "answered" and "failed" are told by their numbers. */
_Static_assert(offsetof(struct store_counts, failed) ==
		       offsetof(struct store_counts, answered) + sizeof(uint64_t),
	       "one behind the other");

#define STATS_MODE_LABEL                                                                           \
	{                                                                                          \
		"mode", STATS_MODE_COUNT, stats_mode_word                                          \
	}

/* clang-format off */
const struct stats_metric stats_metrics[] = {
	{.name = "sixgate_requests_total", .type = STATS_COUNTER,
	 .help = "Requests by verdict and reason; in dry mode the mail was let pass.",
	 .labels = {{"verdict", VERDICT_ACTION_COUNT, stats_verdict_word},
		    {"reason", REASON_COUNT, stats_reason_word}, STATS_MODE_LABEL},
	 .is_sparse = true, HERE(requests)},
	{.name = "sixgate_came_back_seconds", .type = STATS_HISTOGRAM,
	 .help = "Mail that was greylisted and passed later, by the time it took to come back.",
	 HERE(came_back_s), .steps = &stats_came_back_steps},
	{.name = "sixgate_gate_judgements_total", .type = STATS_COUNTER,
	 .help = "Mail that the gate refused, or would have while it is dry, by rule.",
	 .labels = {{"rule", GATE_ROW_COUNT, stats_rule_word}, STATS_MODE_LABEL},
	 HERE(gate)},
	{.name = "sixgate_iprev_results_total", .type = STATS_COUNTER,
	 .help = "Requests by result of iprev, the reverse DNS of the client.",
	 .labels = {{"result", IPREV_RESULT_COUNT - 1, stats_iprev_word}},
	 HERE(iprev[1])},
	{.name = "sixgate_spf_results_total", .type = STATS_COUNTER,
	 .help = "Requests by result of SPF.",
	 .labels = {{"result", SPF_RESULT_COUNT - 1, stats_spf_word}},
	 HERE(spf[1])},
	{.name = "sixgate_request_duration_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a request to its answer.",
	 HERE(duration_s), .steps = &histogram_latency_s},
	{.name = "sixgate_dns_questions_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS that went out, by outcome.",
	 .labels = {{"outcome", DNS_STATUS_COUNT, stats_outcome_word}},
	 OF_DNS(answered)},
	{.name = "sixgate_dns_cache_hits_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS whose answer was there already.",
	 OF_DNS(kept)},
	{.name = "sixgate_dns_shared_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS that waited for the answer to an equal one.",
	 OF_DNS(shared)},
	{.name = "sixgate_dns_refused_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS that were not asked, as too many were out.",
	 OF_DNS(refused)},
	{.name = "sixgate_dns_latency_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a question to DNS to its answer.",
	 OF_DNS(latency_s), .steps = &histogram_latency_s},
	{.name = "sixgate_dns_cache_bytes", .type = STATS_GAUGE,
	 .help = "Memory that answers of DNS take.",
	 .gauge = stats_get_kept_bytes},
	{.name = "sixgate_store_questions_total", .type = STATS_COUNTER,
	 .help = "Questions to the store about mail, by outcome.",
	 .labels = {{"outcome", 2, stats_answer_word}},
	 OF_STORE(answered)},
	{.name = "sixgate_store_latency_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a question to the store to its answer.",
	 OF_STORE(latency_s), .steps = &histogram_latency_s},
	{.name = "sixgate_store_batch_size", .type = STATS_HISTOGRAM,
	 .help = "Questions that the store answered in one transaction.",
	 OF_STORE(batch_size), .steps = &store_batch_steps},
	{.name = "sixgate_entries", .type = STATS_GAUGE,
	 .help = "Greylist entries by state.",
	 .labels = {{"state", 2, stats_entry_word}},
	 .gauge = stats_get_entries},
	{.name = "sixgate_clients", .type = STATS_GAUGE,
	 .help = "Clients that are known, or on the way to it.",
	 .labels = {{"state", 2, stats_client_word}},
	 .gauge = stats_get_clients},
	{.name = "sixgate_store_bytes", .type = STATS_GAUGE,
	 .help = "Size of the database on disk, its log included.",
	 .gauge = stats_get_store_bytes},
	{.name = "sixgate_connections", .type = STATS_GAUGE,
	 .help = "Policy connections that are open.",
	 .gauge = stats_get_connections},
	{.name = "sixgate_connections_accepted_total", .type = STATS_COUNTER,
	 .help = "Policy connections that were accepted.",
	 HERE(connections_accepted)},
	{.name = "sixgate_connections_closed_total", .type = STATS_COUNTER,
	 .help = "Policy connections that were closed, by either side.",
	 HERE(connections_closed)},
	{.name = "sixgate_rejected_total", .type = STATS_COUNTER,
	 .help = "Policy connections that were closed because they met a bound or broke a rule.",
	 .labels = {{"bound", STATS_BOUND_COUNT, stats_rejected_word}},
	 HERE(rejected)},
	{.name = "sixgate_start_time_seconds", .type = STATS_GAUGE,
	 .help = "When the daemon was started, in Unix time.",
	 .gauge = stats_get_start},
};
/* clang-format on */

const char *stats_type_word(enum stats_type type)
{
	static const char *const words[] = {[STATS_COUNTER] = "counter",
					    [STATS_GAUGE] = "gauge",
					    [STATS_HISTOGRAM] = "histogram"};
	return words[type];
}

const size_t stats_metric_count = sizeof(stats_metrics) / sizeof(stats_metrics[0]);

/* Where the counter or histogram of a metric begins. */
static const void *stats_metric_find(const struct stats_metric *metric, const struct stats *stats,
				     const struct stats_sources *sources)
{
	const char *base = NULL;

	switch (metric->place) {
	case STATS_HERE:
		base = (const char *)stats;
		break;
	case STATS_OF_DNS:
		base = (const char *)dns_counts(sources->dns);
		break;
	case STATS_OF_STORE:
		base = (const char *)store_counts(sources->store);
		break;
	}
	return base + metric->offset;
}

bool stats_metric_number(const struct stats_metric *metric, const struct stats *stats,
			 const struct stats_sources *sources, size_t index, double *value)
{
	if (metric->type == STATS_GAUGE)
		return metric->gauge(stats, sources, index, value);
	const uint64_t *counts = stats_metric_find(metric, stats, sources);
	*value = (double)counts[index];
	return true;
}

const struct histogram *stats_metric_histogram(const struct stats_metric *metric,
					       const struct stats *stats,
					       const struct stats_sources *sources)
{
	return stats_metric_find(metric, stats, sources);
}

size_t stats_metric_series(const struct stats_metric *metric)
{
	size_t series = 1;

	for (size_t i = 0; i < STATS_LABELS_MAX && metric->labels[i].name != NULL; i++)
		series *= metric->labels[i].count;
	return series;
}

void stats_metric_words(const struct stats_metric *metric, size_t index,
			const char *words[static STATS_LABELS_MAX])
{
	for (size_t i = STATS_LABELS_MAX; i-- > 0;) {
		const struct stats_label *label = &metric->labels[i];
		words[i] = NULL;
		if (label->name == NULL)
			continue;
		words[i] = label->word(index % label->count);
		index /= label->count;
	}
}

void stats_metric_step(const struct stats_metric *metric, size_t i,
		       char label[static STATS_STEP_SIZE])
{
	if (i < metric->steps->count)
		snprintf(label, STATS_STEP_SIZE, "le=\"%g\"", metric->steps->bounds[i]);
	else
		snprintf(label, STATS_STEP_SIZE, "le=\"+Inf\"");
}

/* A name that is being written. */
struct stats_name {
	char *text;
	size_t length;
};

static void stats_name_add(struct stats_name *name, const char *text)
{
	size_t length = strlen(text);

	assert(name->length + length < STATS_SERIES_SIZE);
	memcpy(name->text + name->length, text, length + 1);
	name->length += length;
}

/* A label's value, as Prometheus' text format wants it. */
static void stats_name_add_value(struct stats_name *name, const char *value)
{
	stats_name_add(name, "=\"");
	for (; *value != '\0'; value++) {
		const char byte[] = {*value, '\0'};
		if (*value == '\\' || *value == '"')
			stats_name_add(name, "\\");
		stats_name_add(name, *value == '\n' ? "\\n" : byte);
	}
	stats_name_add(name, "\"");
}

void stats_metric_name(const struct stats_metric *metric, size_t index, const char *suffix,
		       const char *extra, char text[static STATS_SERIES_SIZE])
{
	struct stats_name name = {text, 0};
	const char *words[STATS_LABELS_MAX];
	const char *separator = "{";

	stats_name_add(&name, metric->name);
	stats_name_add(&name, suffix);
	stats_metric_words(metric, index, words);
	for (size_t i = 0; i < STATS_LABELS_MAX && words[i] != NULL; i++) {
		stats_name_add(&name, separator);
		stats_name_add(&name, metric->labels[i].name);
		stats_name_add_value(&name, words[i]);
		separator = ",";
	}
	if (extra[0] != '\0') {
		stats_name_add(&name, separator);
		stats_name_add(&name, extra);
		separator = ",";
	}
	if (separator[0] == ',')
		stats_name_add(&name, "}");
}
