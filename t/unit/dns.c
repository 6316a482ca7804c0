/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions shared, kept, bounded and cancelled, over a zone in place of a resolver. */
#include "lookup/dns.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>

#define ZONE                                                                                       \
	"a.example A 192.0.2.1\n"                                                                  \
	"a.example TXT v=spf1 -all\n"                                                              \
	"www.example CNAME a.example\n"                                                            \
	"short.example 1 A 192.0.2.2\n"                                                            \
	"now.example 0 A 192.0.2.3\n"                                                              \
	"down.example A @servfail\n"                                                               \
	"slow.example ANY @never\n"                                                                \
	"slow2.example ANY @never\n"                                                               \
	"*.slow.example ANY @never\n"

static struct event_base *base;
static struct zone *zone;
static struct dns *dns;

/* Somebody who asks. */
struct asker {
	struct dns_query *query;
	int answers;
	enum dns_status status;
	size_t count;
	struct asker *cancels; /* the query of this one, when there is an answer */
	const char *asks;      /* this next, when there is an answer */
	bool is_inside;        /* the start is running */
	int order;             /* its number among all answers since begin() */
};

static int answers_so_far;

static void on_answer(const struct dns_answer *answer, void *arg);

static void ask(struct asker *asker, enum dns_type type, const char *name)
{
	asker->is_inside = true;
	asker->query = dns_start(dns, type, span_of(name), on_answer, asker);
	asker->is_inside = false;
}

static void on_answer(const struct dns_answer *answer, void *arg)
{
	struct asker *asker = arg;
	const char *next = asker->asks;

	asker->query = NULL;
	asker->answers += asker->is_inside ? 1000 : 1;
	asker->order = ++answers_so_far;

	asker->status = dns_answer_status(answer);
	asker->count = dns_answer_count(answer);
	if (asker->cancels != NULL)
		dns_cancel(&asker->cancels->query);
	asker->asks = NULL;
	if (next != NULL)
		ask(asker, DNS_A, next);
}

static void begin(bool later, int64_t timeout_s)
{
	const struct dns_options options = {
		.servers = "", .timeout_s = timeout_s, .cache_bytes = 1 << 20};

	answers_so_far = 0;
	zone = zone_new(base, ZONE);

	if (later)
		zone_answer_later(zone);
	dns = dns_new_over(base, zone_transport(zone), &options);
}

/* All that can be done without waiting. */
static void run(void)
{
	for (int round = 0; round < 10; round++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Wait for the answer; timers are of a second. */
static void await(const struct asker *asker)
{
	while (asker->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static void test_answers(bool later)
{
	static const struct {
		const char *name, *what;
		enum dns_type type;
		enum dns_status status;
		size_t questions; /* asked of the transport */
	} cases[] = {
		{"a.example", "an address", DNS_A, DNS_FOUND, 1},
		{"A.Example.", "the same, from the cache", DNS_A, DNS_FOUND, 0},
		{"a.example", "a text", DNS_TXT, DNS_FOUND, 1},
		{"www.example", "an address behind a CNAME", DNS_A, DNS_FOUND, 1},
		{"a.example", "no record of the type", DNS_MX, DNS_NO_DATA, 1},
		{"a.example", "the same, from the cache", DNS_MX, DNS_NO_DATA, 0},
		{"b.example", "no such name", DNS_A, DNS_NO_NAME, 1},
		{"b.example", "the same, from the cache", DNS_A, DNS_NO_NAME, 0},
		{"b..example", "what is no name is not asked", DNS_A, DNS_NO_NAME, 0},
		{"", "nothing is not asked", DNS_A, DNS_NO_NAME, 0},
		{"down.example", "a failure", DNS_A, DNS_FAILED, 1},
		{"down.example", "a failure is kept for a moment", DNS_A, DNS_FAILED, 0},
		{"now.example", "a TTL of 0", DNS_A, DNS_FOUND, 1},
		{"now.example", "with a TTL of 0 it is asked again", DNS_A, DNS_FOUND, 1},
	};

	begin(later, 60);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asker asker = {0};
		size_t before = zone_questions(zone);
		ask(&asker, cases[i].type, cases[i].name);
		run();
		tap_ok(asker.answers == 1 && asker.status == cases[i].status &&
			       zone_questions(zone) - before == cases[i].questions,
		       "%s: %s", later ? "later" : "at once", cases[i].what);
	}
	const struct dns_counts *counts = dns_counts(dns);
	tap_ok(counts->answered[DNS_FOUND] == 5 && counts->answered[DNS_NO_NAME] == 1 &&
		       counts->answered[DNS_NO_DATA] == 1 && counts->answered[DNS_FAILED] == 1,
	       "%s: what went out is counted by outcome", later ? "later" : "at once");
	tap_is_number((long long)counts->latency_s.count, 8, "... each with its time");
	tap_is_number((long long)counts->kept, 4, "... and so is what was there already");
	tap_ok(dns_kept_bytes(dns) > 0 && !dns_is_silent(dns), "... and takes room");
	dns_free(&dns);
	dns_free(&dns);
}

static void test_sharing(void)
{
	struct asker one = {0}, two = {0}, three = {0}, other = {0};

	begin(false, 60);
	ask(&one, DNS_A, "slow.example");
	ask(&two, DNS_A, "SLOW.example");
	ask(&three, DNS_A, "slow.example");
	ask(&other, DNS_TXT, "slow.example");
	tap_is_number((long long)zone_questions(zone), 2, "equal questions share one query");
	tap_is_number((long long)dns_counts(dns)->shared, 2, "... and are counted");
	dns_cancel(&two.query);
	tap_ok(two.query == NULL, "a query that was cancelled is cleared");
	dns_cancel(&two.query);
	zone_set(zone, "slow.example A 192.0.2.1\n");
	run();
	tap_ok(one.answers == 1 && three.answers == 1 && one.count == 1,
	       "one who cancels leaves the others their answer");
	tap_is_number(two.answers, 0, "and gets none");
	tap_ok(other.answers == 1 && other.status == DNS_NO_DATA, "another type has its own");
	dns_free(&dns);
}

static void test_cancel(void)
{
	struct asker one = {0}, two = {0}, three = {.asks = "a.example"};

	begin(false, 60);
	ask(&one, DNS_A, "a.example");
	dns_cancel(&one.query);
	run();
	tap_is_number(one.answers, 0, "an answer that was there before the cancel is not told");

	ask(&one, DNS_A, "slow.example");
	dns_cancel(&one.query);
	tap_is_number((long long)zone_outstanding(zone), 1,
		      "a question that nobody waits for any more stays out");
	zone_set(zone, "slow.example A 192.0.2.1\n");
	run();
	tap_is_number(one.answers, 0, "its answer is told to nobody");
	ask(&one, DNS_A, "slow.example");
	run();
	tap_ok(one.answers == 1 && zone_questions_about(zone, DNS_A, "slow.example") == 1,
	       "but kept for the next one");

	zone_set(zone, ZONE);
	one = (struct asker){.cancels = &two};
	two.cancels = &one;
	ask(&one, DNS_A, "slow2.example");
	ask(&two, DNS_A, "slow2.example");
	zone_set(zone, "slow2.example A 192.0.2.1\n");
	run();
	tap_is_number(one.answers + two.answers, 1, "of two who cancel each other one is told");
	zone_set(zone, ZONE);
	ask(&three, DNS_A, "b.example");
	run();
	tap_ok(three.answers == 2 && three.status == DNS_FOUND, "who is told may ask again");
	dns_free(&dns);
}

static void test_timeout(void)
{
	struct asker one = {0}, two = {0}, cancelled = {0};
	struct asker expired = {0}, kept = {0};

	begin(false, 1);
	ask(&expired, DNS_A, "short.example");
	ask(&kept, DNS_A, "a.example");
	ask(&one, DNS_A, "slow.example");
	ask(&two, DNS_A, "slow.example");
	ask(&cancelled, DNS_A, "slow2.example");
	dns_cancel(&cancelled.query);
	int64_t begun_ms = clock_mono_ms();
	await(&one);
	tap_ok(clock_mono_ms() - begun_ms >= 900, "a question without answer waits for a second");
	run();
	tap_ok(one.status == DNS_FAILED && two.answers == 1 && two.status == DNS_FAILED,
	       "then all who asked are told that it failed");
	one.answers = 0;
	ask(&one, DNS_A, "slow.example");
	run();
	tap_ok(one.answers == 1 && one.status == DNS_FAILED &&
		       zone_questions_about(zone, DNS_A, "slow.example") == 1,
	       "who asks it then, the next recipient of a mail say, does not wait once more");
	zone_set(zone, "slow.example A 192.0.2.1\nslow2.example A 192.0.2.1\n");
	run();
	tap_ok(one.answers == 1 && two.answers == 1,
	       "the late answer is told to nobody who was told before");

	while (clock_mono_ms() - begun_ms < 1010)
		event_base_loop(base, EVLOOP_NONBLOCK);
	size_t before = zone_questions(zone);
	zone_set(zone, ZONE);
	ask(&kept, DNS_A, "a.example");
	tap_is_number((long long)(zone_questions(zone) - before), 0, "a long TTL is not over");
	ask(&expired, DNS_A, "short.example");
	tap_is_number((long long)(zone_questions(zone) - before), 1,
		      "an answer whose TTL is over is asked for again");
	run();
	tap_ok(expired.answers == 2 && expired.status == DNS_FOUND, "and told");
	dns_free(&dns);
}

static void test_bound(void)
{
	static struct asker many[DNS_OUTSTANDING_MAX + 2];
	struct asker *last = &many[DNS_OUTSTANDING_MAX], *beyond = last + 1;
	char name[DNS_NAME_SIZE];
	size_t told = 0;

	begin(false, 60);
	for (size_t i = 0; i < DNS_OUTSTANDING_MAX; i++) {
		snprintf(name, sizeof(name), "n%zu.slow.example", i);
		ask(&many[i], DNS_A, name);
	}
	tap_is_number((long long)zone_outstanding(zone), DNS_OUTSTANDING_MAX,
		      "30000 questions may be out");
	ask(last, DNS_A, "a.example");
	ask(beyond, DNS_A, "n0.slow.example");
	run();
	tap_ok(last->answers == 1 && last->status == DNS_FAILED,
	       "the next one fails, and is not asked");
	tap_ok(dns_counts(dns)->refused == 1 && dns_counts(dns)->latency_s.count == 0,
	       "it is counted as refused, and took no time");
	tap_ok(beyond->answers == 0 && zone_outstanding(zone) == DNS_OUTSTANDING_MAX,
	       "one that is out already is shared all the same");
	for (size_t i = 0; i < DNS_OUTSTANDING_MAX / 2; i++)
		dns_cancel(&many[i].query);
	zone_set(zone, "*.slow.example A 192.0.2.1\na.example A 192.0.2.1\n");
	run();
	for (size_t i = 0; i < DNS_OUTSTANDING_MAX; i++)
		told += (size_t)many[i].answers;
	tap_is_number((long long)told, DNS_OUTSTANDING_MAX / 2,
		      "those that were not cancelled are told");
	last->answers = 0;
	ask(last, DNS_A, "a.example");
	run();
	tap_ok(last->answers == 1 && last->status == DNS_FOUND, "there is room again then");
	dns_free(&dns);
}

static void test_end(void)
{
	struct asker one = {0}, two = {0};
	const struct dns_options less = {.servers = "192.0.2.1", .timeout_s = 5, .cache_bytes = 0};

	begin(true, 60);
	ask(&one, DNS_A, "a.example");
	dns_configure(dns, &less);
	run();
	tap_ok(one.answers == 1 && one.status == DNS_FOUND,
	       "other options while a question is out leave it its answer");
	ask(&one, DNS_A, "a.example");
	run();
	tap_is_number((long long)zone_questions_about(zone, DNS_A, "a.example"), 2,
		      "a cache of 0 bytes keeps nothing");
	ask(&one, DNS_A, "slow.example");
	ask(&two, DNS_A, "a.example");
	run();
	dns_cancel(&one.query);
	ask(&two, DNS_A, "a.example");
	dns_cancel(&two.query);
	dns_free(&dns);
	tap_ok(dns == NULL && one.answers == 2 && two.answers == 1,
	       "an end with questions out tells nobody");
}

/* A crowd has its answers at the same time as somebody who asks for what is known. */
static void test_turns(void)
{
	enum { CROWD = 200 };
	static struct asker crowd[CROWD];
	struct asker first = {0}, known = {0};
	char name[32];

	begin(false, 60);
	ask(&first, DNS_A, "a.example");
	run();
	for (int i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		ask(&crowd[i], DNS_A, name);
	}
	ask(&known, DNS_A, "a.example");
	await(&known);
	tap_ok(known.status == DNS_FOUND && known.order <= first.order + 2,
	       "who asks for what is known does not wait behind a crowd");
	while (crowd[CROWD - 1].answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
	tap_is_number(answers_so_far, CROWD + 2, "and the crowd has its answers, each once");
	dns_free(&dns);
}

int main(void)
{
	log_open(true);
	hash_init();
	base = event_base_new();
	test_answers(false);
	test_answers(true);
	test_sharing();
	test_cancel();
	test_timeout();
	test_bound();
	test_turns();
	test_end();

	event_base_free(base);
	return tap_done();
}
