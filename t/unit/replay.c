/* SPDX-License-Identifier: BSD-2-Clause */
/* An evaluation that is run again until all it asks is known. */
#include "lookup/replay.h"

#include "base/hash.h"
#include "lookup/dns.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>

static struct event_base *base;
static struct zone *zone;
static struct dns *dns;

/* An evaluation: it needs these names one after the other, NULL at the end. */
struct evaluation {
	struct replay *replay;
	const char *needs[8];
	const char *ahead[8]; /* asked in the first run, and not needed yet */
	int runs, dones, found, failed;
	bool is_inside, keeps; /* the start is running; it is not freed when it is done */
	struct evaluation *cancels;
};

static bool evaluate(struct dns_table *table, size_t *waits_for, void *arg)
{
	struct evaluation *evaluation = arg;

	evaluation->runs++;
	evaluation->found = evaluation->failed = 0;
	for (int i = 0; evaluation->needs[i] != NULL; i++) {
		const struct dns_answer *answer =
			dns_table_ask(table, DNS_A, span_of(evaluation->needs[i]));
		if (answer == NULL) {
			for (*waits_for = 0;
			     table->rows[*waits_for].type != DNS_A ||
			     strcmp(table->rows[*waits_for].name, evaluation->needs[i]) != 0;)
				++*waits_for;
			for (int j = 0; evaluation->ahead[j] != NULL; j++)
				dns_table_ask(table, DNS_A, span_of(evaluation->ahead[j]));
			return false;
		}
		evaluation->found += dns_answer_status(answer) == DNS_FOUND;
		evaluation->failed += dns_answer_status(answer) == DNS_FAILED;
	}
	return true;
}

static void on_done(void *arg)
{
	struct evaluation *evaluation = arg;

	evaluation->dones += evaluation->is_inside ? 1000 : 1;
	if (!evaluation->keeps)
		replay_cancel(&evaluation->replay);
	if (evaluation->cancels != NULL)
		replay_cancel(&evaluation->cancels->replay);
}

static void begin(const char *text)
{
	const struct dns_options options = {.servers = "", .timeout_s = 5, .cache_bytes = 1 << 20};

	zone = zone_new(base, text);
	dns = dns_new_over(base, zone_transport(zone), &options);
}

static void start(struct evaluation *evaluation, size_t max)
{
	evaluation->is_inside = true;
	evaluation->replay = replay_start(dns, max, evaluate, on_done, evaluation);
	evaluation->is_inside = false;
}

static void run(void)
{
	for (int round = 0; round < 20; round++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void test_runs(void)
{
	struct evaluation nothing = {.needs = {NULL}};
	struct evaluation three = {.needs = {"a.example", "b.example", "c.example"}};
	struct evaluation ahead = {.needs = {"a.example", "b.example", "c.example"},
				   .ahead = {"c.example", "b.example"}};
	struct evaluation odd = {.needs = {"a..example", "", "a.example"}};

	begin("a.example A 192.0.2.1\nb.example A 192.0.2.1\nc.example A @servfail\n");
	start(&nothing, 10);
	tap_is_number(nothing.runs, 1, "an evaluation that asks nothing runs at once");
	tap_is_number(nothing.dones, 0, "but is done later");
	run();
	tap_is_number(nothing.dones, 1, "from the loop, once");

	start(&three, 10);
	run();
	tap_ok(three.dones == 1 && three.found == 2 && three.failed == 1, "three questions");
	tap_is_number(three.runs, 4, "it runs again for each answer that it waits for");
	tap_is_number((long long)zone_questions(zone), 3, "each is asked once");

	start(&ahead, 10);
	run();
	tap_ok(ahead.dones == 1 && ahead.found == 2 && ahead.failed == 1,
	       "questions ahead of being needed");
	tap_ok(ahead.runs < 4, "save runs");

	start(&odd, 10);
	run();
	tap_ok(odd.dones == 1 && odd.found == 1, "names that are none are not asked");
	dns_free(&dns);
}

static void test_bound(void)
{
	struct evaluation three = {.needs = {"a.example", "b.example", "c.example"}};

	begin("a.example A 192.0.2.1\nb.example A 192.0.2.1\nc.example A 192.0.2.1\n");
	start(&three, 2);
	run();
	tap_ok(three.dones == 1 && three.found == 2 && three.failed == 1 &&
		       zone_questions(zone) == 2,
	       "a question beyond the bound is not asked, and could not be told");
	dns_free(&dns);
}

static void test_waiting(void)
{
	struct evaluation evaluation = {.needs = {"a.example", "b.example"},
					.ahead = {"b.example", "unneeded.example"},
					.keeps = true};

	begin("*.example ANY @never\n");
	start(&evaluation, 10);
	run();
	tap_ok(evaluation.runs == 1 && zone_outstanding(zone) == 3, "all is asked at once");
	zone_set(zone, "b.example A 192.0.2.1\na.example ANY @never\nunneeded.example ANY @never");
	run();
	tap_is_number(evaluation.runs, 1, "an answer that it does not wait for runs nothing");
	zone_set(zone, "a.example A 192.0.2.1\nunneeded.example ANY @never");
	run();
	tap_ok(evaluation.dones == 1 && evaluation.runs == 2 && evaluation.found == 2,
	       "the one that it waits for does, and the other is there then");
	tap_ok(evaluation.replay != NULL, "its owner may keep it then");
	zone_set(zone, "unneeded.example A 192.0.2.1");
	run();
	tap_is_number(evaluation.runs, 2, "what was not needed comes too late and changes nothing");
	tap_is_number(evaluation.dones, 1, "and it is done once");
	replay_cancel(&evaluation.replay);
	dns_free(&dns);
}

static void test_cancel(void)
{
	struct evaluation one = {.needs = {"a.example"}}, two = one, nothing = {.needs = {NULL}};

	begin("*.example ANY @never\n");
	start(&one, 10);
	replay_cancel(&one.replay);
	replay_cancel(&one.replay);
	start(&two, 10);
	run();
	replay_cancel(&two.replay);
	zone_set(zone, "a.example A 192.0.2.1\n");
	run();
	tap_ok(one.dones == 0 && two.dones == 0 && one.runs == 1 && two.runs == 1,
	       "after a cancel nothing runs");
	start(&nothing, 10);
	replay_cancel(&nothing.replay);
	run();
	tap_is_number(nothing.dones, 0, "nor is one done that had finished before the cancel");
	one.cancels = &two;
	two.cancels = &one;
	start(&one, 10);
	start(&two, 10);
	run();
	tap_is_number(one.dones + two.dones, 1, "of two who cancel each other one is done");
	dns_free(&dns);
}

int main(void)
{
	hash_init();
	base = event_base_new();
	test_runs();
	test_bound();
	test_waiting();
	test_cancel();
	event_base_free(base);
	return tap_done();
}
