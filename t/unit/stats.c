/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted, and that every number of the table is told wherever numbers are told. */
#include "daemon/stats.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/stats_table.h"
#include "daemon/stats_text.h"
#include "daemon/stats_totals.h"
#include "lookup/dns.h"
#include "store/store_errand.h"
#include "tap.h"
#include "zone.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct event_base *base;
static char directory[] = "/tmp/sixgate-stats-XXXXXX";

/* Where numbers come from: DNS that knows nothing and a store in a folder of its own. */
struct world {
	struct stats *stats;
	struct dns *dns;
	struct store *store;
	struct stats_sources sources;
};

static void world_open(struct world *world)
{
	const struct dns_options dns_options = {
		.servers = "", .timeout_s = 5, .cache_bytes = 1 << 20};
	const struct store_options store_options = {.sync_full = false, .max_entries = 1000};
	static const struct store_census census = {
		.waiting = 3, .passed = 4, .clients = 9, .known = 2};
	char name[80], why[STORE_WHY_SIZE] = "";

	snprintf(name, sizeof(name), "sqlite:%s/sixgate.db", directory);
	world->stats = stats_new();
	world->dns = dns_new_over(base, zone_transport(zone_new(base, "a.example A 192.0.2.1\n")),
				  &dns_options);
	world->store = store_open(name, &store_options, base, why);
	if (world->store == NULL)
		printf("# %s\n", why);
	world->sources = (struct stats_sources){world->dns, world->store, &census};
}

static void world_close(struct world *world)
{
	store_free(&world->store);
	dns_free(&world->dns);
	stats_free(&world->stats);
}

static void count(struct stats *stats, struct verdict verdict, int64_t delay_s)
{
	const struct evidence evidence = {.iprev.result = IPREV_PASS, .spf.result = SPF_SOFTFAIL};
	const struct stats_request request = {
		.verdict = &verdict,
		.evidence = verdict.reason == REASON_MYNETWORKS ? NULL : &evidence,
		.sender_domain = "a.example",
		.delay_s = delay_s,
		.duration_us = 2000,
	};

	stats_count_request(stats, &request);
}

static void test_minute(void)
{
	static const struct {
		const char *name;
		int64_t counted_s, asked_s;
		uint64_t expected;
	} cases[] = {
		{"a verdict counts at once", 1000, 1000, 1},
		{"... and for 59 seconds more", 1000, 1059, 1},
		{"... and then no longer", 1000, 1060, 0},
		{"... nor much later", 1000, 999999, 0},
		{"the first second of a machine's life is one like others", 0, 59, 1},
	};
	uint64_t verdicts[VERDICT_ACTION_COUNT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stats_minute minute = {0};
		stats_minute_count(&minute, VERDICT_REJECT, cases[i].counted_s);
		stats_minute_sum(&minute, cases[i].asked_s, verdicts);
		tap_is_number((long long)verdicts[VERDICT_REJECT], (long long)cases[i].expected,
			      "%s", cases[i].name);
	}
	struct stats_minute minute = {0};
	for (int64_t now_s = 1000; now_s < 1200; now_s++)
		stats_minute_count(&minute, VERDICT_PASS, now_s);
	stats_minute_sum(&minute, 1199, verdicts);
	tap_is_number((long long)verdicts[VERDICT_PASS], 60, "one a second is 60 a minute");
}

/* Many strangers, each seen once. */
static void flood(struct stats_senders *senders, int64_t now_s)
{
	char name[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		stats_senders_count(senders, name, 1000, now_s);
	}
}

static void test_senders(void)
{
	struct stats_senders *senders = stats_senders_new();
	struct stats_sender list[STATS_SENDERS_SHOWN];

	tap_is_number((long long)stats_senders_list(senders, STATS_BUSIEST, 100, list), 0,
		      "at first there are no senders");
	for (int i = 0; i < 500; i++)
		stats_senders_count(senders, "busy.example", 500, 100);
	stats_senders_count(senders, "slow.example", 2000000, 100);
	flood(senders, 101);
	tap_is_number((long long)stats_senders_list(senders, STATS_BUSIEST, 102, list),
		      STATS_SENDERS_SHOWN, "of a flood of names some are shown");
	tap_is(list[0].name, "busy.example", "... first the busiest");
	tap_is_number((long long)list[0].requests, 500, "... with its count");
	stats_senders_list(senders, STATS_SLOWEST, 102, list);
	tap_is(list[0].name, "slow.example", "a flood of names does not hide who is slow");
	tap_is_number((long long)list[0].longest_us, 2000000, "... nor how slow");
	tap_is_number((long long)list[0].requests, 1, "... nor how often it came");

	stats_senders_count(senders, "busy.example", 700, 131);
	stats_senders_list(senders, STATS_BUSIEST, 132, list);
	tap_is_number((long long)list[0].requests, 501, "both halves of the minute count");
	tap_is_number((long long)list[0].longest_us, 700, "... and the longer time of the two");
	tap_is_number((long long)stats_senders_list(senders, STATS_BUSIEST, 161, list), 1,
		      "what is older than a minute is not shown");
	tap_is_number((long long)stats_senders_list(senders, STATS_SLOWEST, 400, list), 0,
		      "after a quiet minute nobody is");
	char longest[400];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	stats_senders_count(senders, longest, 1, 500);
	stats_senders_list(senders, STATS_BUSIEST, 500, list);
	tap_is_number((long long)strlen(list[0].name), STATS_SENDER_NAME_SIZE - 1,
		      "a name that is too long is cut");
	stats_senders_free(&senders);
}

static void test_counting(void)
{
	struct stats *stats = stats_new();
	struct gate_judgement judgement = {
		.evidence = "iprev fail", .row = 1, .is_permanent = true};
	struct verdict dry = verdict_pass(REASON_NEW);

	snprintf(judgement.reply, sizeof(judgement.reply), "550 5.7.25");
	count(stats, verdict_greylist(REASON_NEW, 300, "wait", false), 0);
	count(stats, verdict_greylist(REASON_NEW, 300, "wait", true), 0);
	count(stats, verdict_pass(REASON_TRIPLET_FOUND), 400);
	count(stats, verdict_pass(REASON_TRIPLET_FOUND), 0);
	count(stats, verdict_gate(&judgement), 0);
	verdict_set_gate_dry(&dry, &judgement);
	count(stats, dry, 0);
	count(stats, verdict_pass(REASON_MYNETWORKS), 0);
	count(stats, verdict_pass(REASON_NOT_RCPT), 0);

	const uint64_t(*greylist)[STATS_MODE_COUNT] = stats->requests[VERDICT_GREYLIST];
	tap_is_number((long long)greylist[REASON_NEW][STATS_ENFORCE], 1, "greylisted in earnest");
	tap_is_number((long long)greylist[REASON_NEW][STATS_DRY], 1, "greylisted while dry");
	tap_is_number((long long)stats->gate[1][STATS_ENFORCE], 1, "refused by a rule of the gate");
	tap_is_number((long long)stats->gate[1][STATS_DRY], 1,
		      "what the gate would have refused, by the same rule");
	tap_is_number((long long)stats->came_back_s.count, 1,
		      "who passes for the first time came back, who passes again did not");
	tap_is_number((long long)stats->came_back_s.counts[2], 1, "... after 5 to 10 minutes");
	tap_is_number((long long)stats->iprev[IPREV_PASS], 6,
		      "results of iprev, where it was asked");
	tap_is_number((long long)stats->spf[SPF_SOFTFAIL], 6, "... and of SPF");
	tap_is_number((long long)stats->duration_s.count, 7,
		      "what is not about a recipient takes no time that counts");
	stats_count_rejected(stats, STATS_PROTOCOL);
	stats_count_connection(stats, true);
	stats_count_connection(stats, true);
	stats_count_connection(stats, false);
	tap_ok(stats->rejected[STATS_PROTOCOL] == 1 && stats->connections_accepted == 2 &&
		       stats->connections_closed == 1,
	       "connections and what was rejected");
	stats_count_rejected(NULL, STATS_PROTOCOL);
	stats_count_connection(NULL, true);
	count(NULL, verdict_pass(REASON_NEW), 0);
	tap_ok(true, "without statistics nothing is counted");
	stats_free(&stats);
}

/* The manual as it was built; owned. */
static char *read_all(const char *path)
{
	enum { SIZE = 256 * 1024 };
	FILE *file = fopen(path, "r");
	char *text = mem_alloc(SIZE);

	if (file == NULL) {
		tap_ok(false, "%s can be read", path);
		return text;
	}
	text[fread(text, 1, SIZE - 1, file)] = '\0';
	fclose(file);
	return text;
}

static bool is_well_named(const struct stats_metric *metric)
{
	static const char total[] = "_total";
	size_t length = strlen(metric->name);
	bool is_total =
		length > strlen(total) && strcmp(metric->name + length - strlen(total), total) == 0;

	for (const char *byte = metric->name; *byte != '\0'; byte++)
		if (!islower((unsigned char)*byte) && *byte != '_')
			return false;
	return strncmp(metric->name, "sixgate_", 8) == 0 &&
	       is_total == (metric->type == STATS_COUNTER);
}

static bool has_words(const struct stats_metric *metric)
{
	for (size_t i = 0; i < STATS_LABELS_MAX && metric->labels[i].name != NULL; i++)
		for (size_t j = 0; j < metric->labels[i].count; j++)
			if (metric->labels[i].word(j) == NULL ||
			    metric->labels[i].word(j)[0] == '\0')
				return false;
	return true;
}

static bool manual_has_words(const char *manual, const struct stats_metric *metric)
{
	char wanted[128];

	for (size_t i = 0; i < STATS_LABELS_MAX && metric->labels[i].name != NULL; i++)
		for (size_t j = 0; j < metric->labels[i].count; j++) {
			snprintf(wanted, sizeof(wanted), ".Ql \"%s\"", metric->labels[i].word(j));
			if (strstr(manual, wanted) == NULL)
				return false;
		}
	return true;
}

static const json_t *find_counter(const json_t *counters, const char *name)
{
	const json_t *counter;
	size_t i;

	json_array_foreach (counters, i, counter)
		if (strcmp(json_string_value(json_object_get(counter, "name")), name) == 0)
			return counter;
	return NULL;
}

/* "name 3" as a line of its own. */
static bool has_line(const char *text, const char *line)
{
	const char *at = text;
	size_t length = strlen(line);

	while ((at = strstr(at, line)) != NULL) {
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
		at += length;
	}
	return false;
}

static char *metrics_of(const struct world *world)
{
	struct evbuffer *out = evbuffer_new();

	stats_write_metrics(world->stats, &world->sources, out);
	char *text =
		mem_copy_text((const char *)evbuffer_pullup(out, -1), evbuffer_get_length(out));
	evbuffer_free(out);
	return text;
}

static void test_table(const char *manual_path)
{
	struct world world;
	char line[512];

	world_open(&world);
	count(world.stats, verdict_greylist(REASON_NEW_NOT_STORED, 300, "wait", true), 0);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 400);
	char *manual = read_all(manual_path), *metrics = metrics_of(&world);
	json_t *counters = stats_counters_json(world.stats, &world.sources, NULL);

	tap_is_number((long long)json_array_size(counters), (long long)stats_metric_count,
		      "each metric once in JSON");
	for (size_t i = 0; i < stats_metric_count; i++) {
		const struct stats_metric *metric = &stats_metrics[i];
		const char *name = metric->name;
		const json_t *counter = find_counter(counters, name);
		tap_ok(is_well_named(metric) && has_words(metric), "%s: well named", name);
		tap_ok(metric->help[strlen(metric->help) - 1] == '.' &&
			       strpbrk(metric->help, "\\\n") == NULL,
		       "%s: its help is a sentence, in one line", name);
		tap_ok((metric->type == STATS_HISTOGRAM) == (metric->steps != NULL) &&
			       (metric->type == STATS_GAUGE) == (metric->gauge != NULL),
		       "%s: it is a number or a histogram", name);
		tap_ok(counter != NULL && json_array_size(json_object_get(counter, "series")) > 0,
		       "%s: is in /stats", name);
		snprintf(line, sizeof(line), "# HELP %s %s", name, metric->help);
		tap_ok(has_line(metrics, line), "%s: has its help in /metrics", name);
		snprintf(line, sizeof(line), "# TYPE %s %s", name, stats_type_word(metric->type));
		tap_ok(has_line(metrics, line), "%s: has its type in /metrics", name);
		snprintf(line, sizeof(line), ".It Ic %s Pq %s\n%s", name,
			 stats_type_word(metric->type), metric->help);
		tap_ok(has_line(manual, line) && manual_has_words(manual, metric),
		       "%s: is in the manual", name);
	}
	json_decref(counters);
	free(manual);
	free(metrics);
	world_close(&world);
}

static void test_series_are_unique(void)
{
	char names[2][STATS_SERIES_SIZE];
	bool is_unique = true;

	for (size_t m = 0; m < stats_metric_count; m++)
		for (size_t i = 0; i < stats_metric_series(&stats_metrics[m]); i++)
			for (size_t j = 0; j < i; j++) {
				stats_metric_name(&stats_metrics[m], i, "", "", names[0]);
				stats_metric_name(&stats_metrics[m], j, "", "", names[1]);
				is_unique = is_unique && strcmp(names[0], names[1]) != 0;
			}
	for (size_t i = 0; i < stats_metric_count; i++)
		for (size_t j = 0; j < i; j++)
			is_unique = is_unique &&
				    strcmp(stats_metrics[i].name, stats_metrics[j].name) != 0;
	tap_ok(is_unique, "no two numbers have the same name");
}

static void test_metrics(void)
{
	static const char *const lines[] = {
		"sixgate_requests_total{verdict=\"greylist\","
		"reason=\"new (not stored: max_new_per_client)\",mode=\"dry\"} 1",
		"sixgate_requests_total{verdict=\"pass\",reason=\"triplet "
		"found\",mode=\"enforce\"} 1",
		"sixgate_gate_judgements_total{rule=\"spf fail\",mode=\"dry\"} 0",
		"sixgate_iprev_results_total{result=\"pass\"} 2",
		"sixgate_spf_results_total{result=\"softfail\"} 2",
		"sixgate_came_back_seconds_bucket{le=\"300\"} 0",
		"sixgate_came_back_seconds_bucket{le=\"600\"} 1",
		"sixgate_came_back_seconds_bucket{le=\"172800\"} 1",
		"sixgate_came_back_seconds_bucket{le=\"+Inf\"} 1",
		"sixgate_came_back_seconds_sum 400",
		"sixgate_came_back_seconds_count 1",
		"sixgate_entries{state=\"waiting\"} 3",
		"sixgate_clients{state=\"learning\"} 7",
		"sixgate_connections 1",
	};
	struct world world;

	world_open(&world);
	count(world.stats, verdict_greylist(REASON_NEW_NOT_STORED, 300, "wait", true), 0);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 400);
	stats_count_connection(world.stats, true);
	char *text = metrics_of(&world);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		tap_ok(has_line(text, lines[i]), "/metrics has: %s", lines[i]);
	tap_ok(strstr(text, "reason=\"farms\"") == NULL, "verdicts that never were are not told");
	free(text);
	world.sources.census = NULL;
	text = metrics_of(&world);
	tap_ok(strstr(text, "\nsixgate_entries{") == NULL,
	       "a store that does not answer has no number of entries, not even 0");
	free(text);
	world_close(&world);
}

static const char *hostile_word(size_t i)
{
	return i == 0 ? "a\"b\\c\nd" : "plain";
}

static void test_words_are_escaped(void)
{
	static const struct stats_metric metric = {.name = "sixgate_x",
						   .labels = {{"what", 2, hostile_word}}};
	char name[STATS_SERIES_SIZE];

	stats_metric_name(&metric, 0, "_bucket", "le=\"1\"", name);
	tap_is(name, "sixgate_x_bucket{what=\"a\\\"b\\\\c\\nd\",le=\"1\"}",
	       "quotes, backslashes and newlines in labels");
}

static double number_of(const json_t *counter, const char *which)
{
	const json_t *series = json_array_get(json_object_get(counter, "series"), 0);
	const json_t *value = json_object_get(series, which);

	return json_number_value(json_is_object(value) ? json_object_get(value, "count") : value);
}

/* "since start / total" of a metric's first series that is told. */
static void tap_totals(const struct world *world, const struct stats_totals *totals,
		       const char *name, double since_start, double total, const char *what)
{
	json_t *counters = stats_counters_json(world->stats, &world->sources, totals);
	const json_t *counter = find_counter(counters, name);

	tap_ok(number_of(counter, "since_start") == since_start &&
		       number_of(counter, "total") == total,
	       "%s: %s", name, what);
	json_decref(counters);
}

/* The store's answer has come. */
static void await_totals(const struct stats_totals *totals)
{
	for (int i = 0; i < 1000 && !stats_totals_are_read(totals); i++)
		event_base_loop(base, EVLOOP_ONCE);
}

static void test_totals(void)
{
	struct world world;

	world_open(&world);
	struct stats_totals *totals = stats_totals_new(base, world.stats, world.dns, world.store);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 400);
	await_totals(totals);
	tap_totals(&world, totals, "sixgate_requests_total", 1, 1, "in the first run both are one");
	stats_totals_free(&totals);
	world_close(&world);

	world_open(&world);
	totals = stats_totals_new(base, world.stats, world.dns, world.store);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 700);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 0);
	tap_totals(&world, totals, "sixgate_requests_total", 2, 2,
		   "before the totals are read, what is known is told");
	await_totals(totals);
	tap_totals(&world, totals, "sixgate_requests_total", 2, 3,
		   "what was counted before they are read is not lost");
	tap_totals(&world, totals, "sixgate_came_back_seconds", 1, 2, "histograms go on too");
	stats_totals_free(&totals);
	world_close(&world);

	world_open(&world);
	totals = stats_totals_new(base, world.stats, world.dns, world.store);
	count(world.stats, verdict_pass(REASON_TRIPLET_FOUND), 0);
	stats_totals_free(&totals);
	world_close(&world);

	world_open(&world);
	totals = stats_totals_new(base, world.stats, world.dns, world.store);
	await_totals(totals);
	tap_totals(&world, totals, "sixgate_came_back_seconds", 0, 2,
		   "a run that ends before they are read takes nothing from them");
	stats_totals_free(&totals);
	world_close(&world);
}

static void test_last_minute(void)
{
	struct stats *stats = stats_new();

	count(stats, verdict_pass(REASON_NEW), 0);
	json_t *minute = stats_minute_json(stats);
	const json_t *first = json_array_get(json_object_get(minute, "busiest"), 0);
	tap_is_number(json_integer_value(json_object_get(minute, "requests")), 1,
		      "the last minute has its requests");
	tap_is(json_string_value(json_object_get(first, "sender_domain")), "a.example",
	       "... and its senders");
	json_decref(minute);
	stats_free(&stats);
}

static void remove_directory(void)
{
	static const char *const endings[] = {"", "-wal", "-shm"};
	char path[128];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(path, sizeof(path), "%s/sixgate.db%s", directory, endings[i]);
		unlink(path);
	}
	rmdir(directory);
}

int main(int argc, char **argv)
{
	hash_init();
	log_open(true);
	base = event_base_new();
	if (argc != 2 || mkdtemp(directory) == NULL) {
		fprintf(stderr, "usage: test-stats MANUAL; and /tmp must be writable\n");
		return EXIT_FAILURE;
	}
	test_minute();
	test_senders();
	test_counting();
	test_words_are_escaped();
	test_series_are_unique();
	test_table(argv[1]);
	test_metrics();
	test_last_minute();
	test_totals();
	remove_directory();
	event_base_free(base);
	libevent_global_shutdown();
	return tap_done();
}
