/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_table.h"

#include "lookup/dns.h"
#include "rules/gate.h"
#include "store/store_errand.h"

#include <stdio.h>

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
	return i < gate_row_count() ? gate_row_words(i) : "";
}

static const char *stats_iprev_word(size_t i)
{
	return i == IPREV_NOT_ASKED ? "not asked" : iprev_result_word((enum iprev_result)i);
}

static const char *stats_spf_word(size_t i)
{
	return i == SPF_NOT_ASKED ? "not asked" : spf_result_word((enum spf_result)i);
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

static bool stats_get_requests(const struct stats *stats, const struct stats_sources *sources,
			       size_t index, double *value)
{
	(void)sources;
	*value = (double)(&stats->requests[0][0][0])[index];
	return true;
}

static bool stats_get_gate(const struct stats *stats, const struct stats_sources *sources,
			   size_t index, double *value)
{
	(void)sources;
	*value = (double)(&stats->gate[0][0])[index];
	return stats_rule_word(index / STATS_MODE_COUNT)[0] != '\0';
}

static bool stats_get_iprev(const struct stats *stats, const struct stats_sources *sources,
			    size_t index, double *value)
{
	(void)sources;
	*value = (double)stats->iprev[index];
	return true;
}

static bool stats_get_spf(const struct stats *stats, const struct stats_sources *sources,
			  size_t index, double *value)
{
	(void)sources;
	*value = (double)stats->spf[index];
	return true;
}

static bool stats_get_rejected(const struct stats *stats, const struct stats_sources *sources,
			       size_t index, double *value)
{
	(void)sources;
	*value = (double)stats->rejected[index];
	return true;
}

static bool stats_get_connections(const struct stats *stats, const struct stats_sources *sources,
				  size_t index, double *value)
{
	(void)sources;
	(void)index;
	*value = (double)stats->connections;
	return true;
}

static bool stats_get_accepted(const struct stats *stats, const struct stats_sources *sources,
			       size_t index, double *value)
{
	(void)sources;
	(void)index;
	*value = (double)stats->connections_accepted;
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

static bool stats_get_outcome(const struct stats *stats, const struct stats_sources *sources,
			      size_t index, double *value)
{
	(void)stats;
	*value = (double)dns_counts(sources->dns)->answered[index];
	return true;
}

static bool stats_get_kept(const struct stats *stats, const struct stats_sources *sources,
			   size_t index, double *value)
{
	(void)stats;
	(void)index;
	*value = (double)dns_counts(sources->dns)->kept;
	return true;
}

static bool stats_get_shared(const struct stats *stats, const struct stats_sources *sources,
			     size_t index, double *value)
{
	(void)stats;
	(void)index;
	*value = (double)dns_counts(sources->dns)->shared;
	return true;
}

static bool stats_get_refused(const struct stats *stats, const struct stats_sources *sources,
			      size_t index, double *value)
{
	(void)stats;
	(void)index;
	*value = (double)dns_counts(sources->dns)->refused;
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

static bool stats_get_store(const struct stats *stats, const struct stats_sources *sources,
			    size_t index, double *value)
{
	const struct store_counts *counts = store_counts(sources->store);

	(void)stats;
	*value = (double)(index == 0 ? counts->answered : counts->failed);
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

static const struct histogram *stats_get_came_back(const struct stats *stats,
						   const struct stats_sources *sources)
{
	(void)sources;
	return &stats->came_back_s;
}

static const struct histogram *stats_get_duration(const struct stats *stats,
						  const struct stats_sources *sources)
{
	(void)sources;
	return &stats->duration_s;
}

static const struct histogram *stats_get_dns_latency(const struct stats *stats,
						     const struct stats_sources *sources)
{
	(void)stats;
	return &dns_counts(sources->dns)->latency_s;
}

static const struct histogram *stats_get_store_latency(const struct stats *stats,
						       const struct stats_sources *sources)
{
	(void)stats;
	return &store_counts(sources->store)->latency_s;
}

static const struct histogram *stats_get_batch(const struct stats *stats,
					       const struct stats_sources *sources)
{
	(void)stats;
	return &store_counts(sources->store)->batch_size;
}

#define STATS_MODE_LABEL                                                                           \
	{                                                                                          \
		"mode", STATS_MODE_COUNT, stats_mode_word                                          \
	}

/* clang-format off */
const struct stats_metric stats_metrics[] = {
	{.name = "sixgate_requests_total", .type = STATS_COUNTER,
	 .help = "Requests by verdict and reason; dry ones were let pass.",
	 .labels = {{"verdict", VERDICT_ACTION_COUNT, stats_verdict_word},
		    {"reason", REASON_COUNT, stats_reason_word}, STATS_MODE_LABEL},
	 .number = stats_get_requests},
	{.name = "sixgate_came_back_seconds", .type = STATS_HISTOGRAM,
	 .help = "Mail that was greylisted and passed later, by the time it took to come back.",
	 .histogram = stats_get_came_back, .steps = &stats_came_back_steps},
	{.name = "sixgate_gate_judgements_total", .type = STATS_COUNTER,
	 .help = "Mail that the gate refused, or would have while it is dry, by rule.",
	 .labels = {{"rule", STATS_RULES_MAX, stats_rule_word}, STATS_MODE_LABEL},
	 .number = stats_get_gate},
	{.name = "sixgate_iprev_results_total", .type = STATS_COUNTER,
	 .help = "Requests by result of iprev, the reverse DNS of the client.",
	 .labels = {{"result", IPREV_RESULT_COUNT, stats_iprev_word}},
	 .number = stats_get_iprev},
	{.name = "sixgate_spf_results_total", .type = STATS_COUNTER,
	 .help = "Requests by result of SPF.",
	 .labels = {{"result", SPF_RESULT_COUNT, stats_spf_word}},
	 .number = stats_get_spf},
	{.name = "sixgate_request_duration_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a request to its answer.",
	 .histogram = stats_get_duration, .steps = &histogram_latency_s},
	{.name = "sixgate_dns_questions_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS that were not answered from the cache, by outcome.",
	 .labels = {{"outcome", DNS_STATUS_COUNT, stats_outcome_word}},
	 .number = stats_get_outcome},
	{.name = "sixgate_dns_cache_hits_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS whose answer was there already.",
	 .number = stats_get_kept},
	{.name = "sixgate_dns_shared_total", .type = STATS_COUNTER,
	 .help = "Questions to DNS that waited for the answer to an equal one.",
	 .number = stats_get_shared},
	{.name = "sixgate_dns_refused_total", .type = STATS_COUNTER,
	 .help = "Of these, questions that failed at once, as too many were out.",
	 .number = stats_get_refused},
	{.name = "sixgate_dns_latency_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a question to DNS to its answer.",
	 .histogram = stats_get_dns_latency, .steps = &histogram_latency_s},
	{.name = "sixgate_dns_cache_bytes", .type = STATS_GAUGE,
	 .help = "Memory that answers of DNS take.",
	 .number = stats_get_kept_bytes},
	{.name = "sixgate_store_questions_total", .type = STATS_COUNTER,
	 .help = "Questions to the store about mail, by outcome.",
	 .labels = {{"outcome", 2, stats_answer_word}},
	 .number = stats_get_store},
	{.name = "sixgate_store_latency_seconds", .type = STATS_HISTOGRAM,
	 .help = "Time from a question to the store to its answer.",
	 .histogram = stats_get_store_latency, .steps = &histogram_latency_s},
	{.name = "sixgate_store_batch_size", .type = STATS_HISTOGRAM,
	 .help = "Questions that the store answered in one transaction.",
	 .histogram = stats_get_batch, .steps = &store_batch_steps},
	{.name = "sixgate_entries", .type = STATS_GAUGE,
	 .help = "Greylist entries by state.",
	 .labels = {{"state", 2, stats_entry_word}},
	 .number = stats_get_entries},
	{.name = "sixgate_clients", .type = STATS_GAUGE,
	 .help = "Clients that are known, or on the way to it.",
	 .labels = {{"state", 2, stats_client_word}},
	 .number = stats_get_clients},
	{.name = "sixgate_store_bytes", .type = STATS_GAUGE,
	 .help = "Size of the database on disk, its log included.",
	 .number = stats_get_store_bytes},
	{.name = "sixgate_connections", .type = STATS_GAUGE,
	 .help = "Policy connections that are open.",
	 .number = stats_get_connections},
	{.name = "sixgate_connections_accepted_total", .type = STATS_COUNTER,
	 .help = "Policy connections that were accepted.",
	 .number = stats_get_accepted},
	{.name = "sixgate_rejected_total", .type = STATS_COUNTER,
	 .help = "Policy connections that were closed, by the bound or rule that they met.",
	 .labels = {{"bound", STATS_BOUND_COUNT, stats_rejected_word}},
	 .number = stats_get_rejected},
	{.name = "sixgate_start_time_seconds", .type = STATS_GAUGE,
	 .help = "When the daemon was started, in Unix time.",
	 .number = stats_get_start},
};
/* clang-format on */

const size_t stats_metric_count = sizeof(stats_metrics) / sizeof(stats_metrics[0]);

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

void stats_metric_name(const struct stats_metric *metric, size_t index, const char *suffix,
		       const char *extra, char name[static STATS_SERIES_SIZE])
{
	const char *words[STATS_LABELS_MAX];
	const char *separator = "{";
	size_t length = (size_t)snprintf(name, STATS_SERIES_SIZE, "%s%s", metric->name, suffix);

	stats_metric_words(metric, index, words);
	/* No word of ours has a quote or a backslash in it. */
	for (size_t i = 0; i < STATS_LABELS_MAX && words[i] != NULL; i++) {
		length += (size_t)snprintf(name + length, STATS_SERIES_SIZE - length, "%s%s=\"%s\"",
					   separator, metric->labels[i].name, words[i]);
		separator = ",";
	}
	if (extra[0] != '\0') {
		length += (size_t)snprintf(name + length, STATS_SERIES_SIZE - length, "%s%s",
					   separator, extra);
		separator = ",";
	}
	if (separator[0] == ',')
		snprintf(name + length, STATS_SERIES_SIZE - length, "}");
}
