/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays a story: at this time this client asks, and this is the answer.  The checks, the store and
 *its database are the real ones; only the clock is ours, so that days pass in a microsecond.
 *
 * A story is made of logical lines (t/scenario/README.md):
 *	set NAME = VALUE            a setting, as in sixgate.conf
 *	farm|sender|recipient LINE  a line of etc/farms, sender_access, recipient_access
 *	dns RECORD                  what DNS knows (t/unit/zone.h); of all else it knows nothing
 *	restart                     the daemon ends and starts again
 *	TIME NAME[ADDRESS] from=<SENDER> to=<RECIPIENT> ACTION: REASON
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text_file.h"
#include "daemon/check.h"
#include "daemon/loader.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "store/store.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	STORY_BEGINS = 1800000000, /* Unix time of TIME 0 */
	STORY_SETTINGS_MAX = 32,
};

struct story {
	const char *name;
	char directory[32];
	char *settings[STORY_SETTINGS_MAX]; /* owned; "name=value" */
	size_t setting_count;
	struct event_base *base;
	struct loader *loader; /* NULL: not started */
	struct ruleset *rules;
	char *records; /* owned; of DNS, a line each */
	struct store *store;
	struct dns *dns;
	struct spf *spf;
	struct checker *checker;
};

struct asked {
	struct verdict verdict;
	bool answered;
};

static void story_set(struct story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void story_set(struct story *story, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	story->settings[story->setting_count++] = mem_copy_string(text);
}

static void story_append(const struct story *story, const char *file, struct span line)
{
	char path[80];
	snprintf(path, sizeof(path), "%s/%s", story->directory, file);
	FILE *stream = fopen(path, "a");
	fprintf(stream, "%.*s\n", (int)line.length, line.text);
	fclose(stream);
}

static void story_start(struct story *story)
{
	static const char *const tables[] = {"farms", "sender_access", "recipient_access"};
	char settings_file[80], why[STORE_WHY_SIZE];
	struct diag diag = {0};

	snprintf(settings_file, sizeof(settings_file), "%s/sixgate.conf", story->directory);
	story_append(story, "sixgate.conf", SPAN("# the story's settings come by -o"));
	for (size_t i = 0; i < 3 && story->loader == NULL; i++) {
		story_append(story, tables[i], SPAN("# the story's"));
		story_set(story, "%s=%s/%s", tables[i], story->directory, tables[i]);
	}
	struct loader_source source = {settings_file, story->settings, story->setting_count};
	story->base = event_base_new();
	story->loader = loader_new(&source, &story->rules, &diag);
	for (size_t i = 0; i < diag.line_count; i++)
		printf("# %s\n", diag.lines[i].text);
	diag_clear(&diag);
	if (story->loader == NULL) {
		printf("Bail out! %s: the settings are wrong\n", story->name);
		exit(EXIT_FAILURE);
	}

	struct store_options options = {.max_entries = ruleset_config(story->rules)->max_entries};
	char name[80];
	snprintf(name, sizeof(name), "sqlite:%s/store.db", story->directory);
	story->store = store_open(name, &options, story->base, why);
	if (story->store == NULL) {
		printf("Bail out! %s\n", why);
		exit(EXIT_FAILURE);
	}
	struct dns_options dns_options = {
		.servers = "", .timeout_s = 5, .cache_bytes = 1024 * 1024};
	struct zone *zone = zone_new(story->base, story->records);
	story->dns = dns_new_over(story->base, zone_transport(zone), &dns_options);
	story->spf = spf_new(story->dns);
	struct checker_parts parts = {.base = story->base,
				      .store = story->store,
				      .dns = story->dns,
				      .spf = story->spf,
				      .hostname = "mx.example"};
	story->checker = checker_new(&parts);
}

static void story_stop(struct story *story)
{
	checker_free(&story->checker);
	spf_free(&story->spf);
	dns_free(&story->dns);
	store_free(&story->store);
	ruleset_release(&story->rules);
	loader_free(&story->loader);
	event_base_free(story->base);
}

static void story_add_record(struct story *story, struct span line)
{
	size_t length = strlen(story->records);
	story->records = mem_resize(story->records, length + line.length + 2);
	snprintf(story->records + length, line.length + 2, "%.*s\n", (int)line.length, line.text);
}

/* "2d", "1h30m", "0s": seconds; -1 when it is no time. */
static int64_t story_time(struct span text)
{
	int64_t total = 0, number = 0;
	for (size_t i = 0; i < text.length; i++) {
		static const char units[] = "smhdw";
		static const int factors[] = {1, 60, 3600, 86400, 604800};
		const char *unit = strchr(units, text.text[i]);
		if (ascii_is_digit(text.text[i])) {
			number = 10 * number + (text.text[i] - '0');
		} else if (unit != NULL) {
			total += number * factors[unit - units];
			number = 0;
		} else {
			return -1;
		}
	}
	return total;
}

static void on_verdict(const struct verdict *verdict, void *arg)
{
	struct asked *asked = arg;
	asked->verdict = *verdict;
	asked->answered = true;
}

/* What stands between before and after in text. */
static struct span story_between(struct span text, const char *before, const char *after)
{
	const char *from = memmem(text.text, text.length, before, strlen(before));
	if (from == NULL)
		return (struct span){"", 0};
	struct span rest = span_from(text, (size_t)(from - text.text) + strlen(before));
	const char *to = memmem(rest.text, rest.length, after, strlen(after));
	return to != NULL ? span_first(rest, (size_t)(to - rest.text)) : (struct span){"", 0};
}

/* Ask as smtpd does, and write the verdict's words. */
static void story_ask(struct story *story, struct span line, char *words, size_t size)
{
	struct span name = line;
	name = span_trim(span_first(name, span_find(name, '[')));
	struct span address = story_between(line, "[", "] from=<");
	struct span sender = story_between(line, "from=<", "> to=<");
	struct span recipient = story_between(line, "to=<", ">");
	char bytes[2048], reason[VERDICT_REASON_SIZE];
	struct request request;
	struct asked asked = {.answered = false};

	int length =
		snprintf(bytes, sizeof(bytes),
			 "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_name=%.*s\n"
			 "client_address=%.*s\nhelo_name=helo.example\nsender=%.*s\n"
			 "recipient=%.*s\n\n",
			 (int)name.length, name.text, (int)address.length, address.text,
			 (int)sender.length, sender.text, (int)recipient.length, recipient.text);
	const char *why = request_parse(&request, (struct span){bytes, (size_t)length});
	if (why != NULL) {
		snprintf(words, size, "%s", why);
		return;
	}
	struct check *check =
		check_start(story->checker, story->rules, &request, on_verdict, &asked);
	while (!asked.answered)
		event_base_loop(story->base, EVLOOP_ONCE);
	check_free(&check);

	bool passes = strcmp(asked.verdict.answer, "DUNNO") == 0 ||
		      strncmp(asked.verdict.answer, "PREPEND ", 8) == 0;
	verdict_reason_words(&asked.verdict, reason);
	snprintf(words, size, "%s: %s", verdict_action_word(&asked.verdict), reason);
	if (asked.verdict.delay_s > 0)
		snprintf(words + strlen(words), size - strlen(words), ", delay=%lld",
			 (long long)asked.verdict.delay_s);
	if (asked.verdict.gate_dry[0] != '\0')
		snprintf(words + strlen(words), size - strlen(words), ", gate=dry (%s)",
			 asked.verdict.gate_dry);
	if (passes != (asked.verdict.action == VERDICT_PASS))
		snprintf(words + strlen(words), size - strlen(words), ", answered \"%.60s\"",
			 asked.verdict.answer);
}

static void story_line(struct story *story, struct span line, unsigned number)
{
	struct span rest = line;
	struct span word = span_next_word(&rest, " \t");

	rest = span_trim(rest);
	bool sets_up = span_equals(word, SPAN("set")) || span_equals(word, SPAN("farm")) ||
		       span_equals(word, SPAN("sender")) || span_equals(word, SPAN("recipient")) ||
		       span_equals(word, SPAN("dns"));
	if (sets_up && story->loader != NULL) {
		tap_ok(false, "%s:%u: settings stand before the first request", story->name,
		       number);
		return;
	}
	if (span_equals(word, SPAN("set")))
		return story_set(story, "%.*s", (int)rest.length, rest.text);
	if (span_equals(word, SPAN("dns")))
		return story_add_record(story, rest);
	if (span_equals(word, SPAN("farm")))
		return story_append(story, "farms", rest);
	if (span_equals(word, SPAN("sender")))
		return story_append(story, "sender_access", rest);
	if (span_equals(word, SPAN("recipient")))
		return story_append(story, "recipient_access", rest);
	if (span_equals(word, SPAN("restart"))) {
		story_stop(story);
		story->loader = NULL;
		story->setting_count -= 3;
		for (size_t i = 0; i < 3; i++)
			free(story->settings[story->setting_count + i]);
		return story_start(story);
	}

	char words[256], expected[256];
	int64_t time_s = story_time(word);
	const char *behind = memmem(rest.text, rest.length, "to=<", 4);
	if (time_s < 0 || behind == NULL) {
		tap_ok(false, "%s:%u: what does this line mean?", story->name, number);
		return;
	}
	if (story->loader == NULL)
		story_start(story);
	struct span answer = span_from(rest, (size_t)(behind - rest.text));
	answer = span_trim(span_from(answer, span_find(answer, '>') + 1));
	snprintf(expected, sizeof(expected), "%.*s", (int)answer.length, answer.text);
	clock_set_for_test(STORY_BEGINS + time_s);
	story_ask(story, rest, words, sizeof(words));
	tap_is(words, expected, "%s:%u: %.*s", story->name, number, (int)line.length, line.text);
}

int main(int argc, char **argv)
{
	struct story story = {.directory = "/tmp/sixgate-story-XXXXXX",
			      .records = mem_copy_string("")};
	struct diag diag = {0};
	struct text_file file;
	struct span line;
	unsigned number;

	hash_init();
	if (argc != 2 || mkdtemp(story.directory) == NULL ||
	    text_file_read(&file, argv[1], &diag) != TEXT_FILE_READ) {
		fprintf(stderr, "usage: run STORY\n");
		return EXIT_FAILURE;
	}
	story.name = strrchr(argv[1], '/') != NULL ? strrchr(argv[1], '/') + 1 : argv[1];
	while (text_file_next(&file, &line, &number))
		story_line(&story, line, number);
	if (story.loader != NULL)
		story_stop(&story);
	text_file_clear(&file);
	free(story.records);
	for (size_t i = 0; i < story.setting_count; i++)
		free(story.settings[i]);
	libevent_global_shutdown();

	char command[64];
	snprintf(command, sizeof(command), "rm -rf %s", story.directory);
	return system(command) == 0 ? tap_done() : EXIT_FAILURE;
}
