/* SPDX-License-Identifier: BSD-2-Clause */
/* What spf: stands for, day after day: DNS is a zone, the store a list, and time is skipped. */
#include "daemon/farm_resolver.h"

#include "base/clock.h"
#include "base/memory.h"
#include "lookup/dns.h"
#include "store/store.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum { NOW = 1000000000, HOUR = 3600, DAY = 86400 };

static struct event_base *base;

/* A store in memory.  What it did is in done, a word for each. */
struct fake_row {
	char domain[64], networks[256];
	int64_t resolved_s, fresh_until_s;
};

struct fake_request {
	struct store_request base;
	TAILQ_ENTRY(fake_request) link;
	enum store_networks_task task;
	struct fake_row row;
	store_networks_done_fn *done;
	void *arg;
	bool is_cancelled;
};

TAILQ_HEAD(fake_queue, fake_request);

struct fake_store {
	struct store base;
	struct fake_row rows[16];
	size_t count;
	char log[1024];
	bool holds, fails; /* answers nothing; fails everything */
	struct fake_queue asked;
};

static struct fake_row *fake_find(struct fake_store *store, const char *domain)
{
	for (size_t i = 0; i < store->count; i++)
		if (strcmp(store->rows[i].domain, domain) == 0)
			return &store->rows[i];
	return NULL;
}

static void fake_set(struct fake_store *store, const struct fake_row *row)
{
	struct fake_row *found = fake_find(store, row->domain);
	*(found != NULL ? found : &store->rows[store->count++]) = *row;
}

static void fake_remove(struct fake_store *store, const char *domain)
{
	struct fake_row *found = fake_find(store, domain);
	if (found != NULL)
		*found = store->rows[--store->count];
}

static void fake_log(struct fake_store *store, const char *what, const char *domain)
{
	size_t length = strlen(store->log);
	snprintf(store->log + length, sizeof(store->log) - length, "%s%s%s", what, domain,
		 domain[0] != '\0' ? "; " : "");
}

/* Do one request; those that were cancelled are done as well, as the contract allows. */
static void fake_do(struct fake_store *store, struct fake_request *request)
{
	struct store_networks rows[16];
	struct store_networks_answer answer = {
		.status = store->fails ? STORE_FAILED : STORE_ANSWERED,
	};

	TAILQ_REMOVE(&store->asked, request, link);
	if (!store->fails && request->task == STORE_NETWORKS_KEEP) {
		fake_set(store, &request->row);
		fake_log(store, "keep ", request->row.domain);
	} else if (!store->fails && request->task == STORE_NETWORKS_FORGET) {
		fake_remove(store, request->row.domain);
		fake_log(store, "forget ", request->row.domain);
	} else if (!store->fails) {
		for (size_t i = 0; i < store->count; i++)
			rows[i] = (struct store_networks){
				store->rows[i].domain, store->rows[i].networks,
				store->rows[i].resolved_s, store->rows[i].fresh_until_s};
		answer.rows = rows;
		answer.count = store->count;
		fake_log(store, "read; ", "");
	}
	if (!request->is_cancelled)
		request->done(&answer, request->arg);
	free(request);
}

static struct store_request *fake_start(struct store *store_base, enum store_networks_task task,
					const struct store_networks *networks,
					store_networks_done_fn *done, void *arg)
{
	struct fake_store *store = (struct fake_store *)store_base;
	struct fake_request *request = mem_alloc(sizeof(*request));

	request->base.store = store_base;
	request->task = task;
	request->done = done;
	request->arg = arg;
	if (networks != NULL)
		snprintf(request->row.domain, sizeof(request->row.domain), "%s", networks->domain);
	if (networks != NULL && networks->networks != NULL) {
		snprintf(request->row.networks, sizeof(request->row.networks), "%s",
			 networks->networks);
		request->row.resolved_s = networks->resolved_s;
		request->row.fresh_until_s = networks->fresh_until_s;
	}
	TAILQ_INSERT_TAIL(&store->asked, request, link);
	return &request->base;
}

static void fake_cancel(struct store_request *request)
{
	((struct fake_request *)request)->is_cancelled = true;
}

static const struct store_class fake_class = {.start_networks = fake_start, .cancel = fake_cancel};

/* All that a test needs. */
struct rig {
	struct fake_store store;
	struct zone *zone; /* owned by dns */
	struct dns *dns;
	struct farm_table *farms;
	struct farm_resolver *resolver;
};

static struct farm_table *read_farms(const char *text)
{
	char path[] = "/tmp/sixgate-farms-XXXXXX";
	struct diag diag = {0};
	FILE *file = fdopen(mkstemp(path), "w");

	fputs(text, file);
	fclose(file);
	struct farm_table *farms = farm_read(path, false, &diag);
	unlink(path);
	return farms;
}

/* Turn the loop until nothing happens any more. */
static void settle(struct rig *rig)
{
	for (int quiet = 0; quiet < 20; quiet++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		while (!rig->store.holds && !TAILQ_EMPTY(&rig->store.asked)) {
			fake_do(&rig->store, TAILQ_FIRST(&rig->store.asked));
			quiet = 0;
		}
	}
}

static void rig_set_farms(struct rig *rig, const char *text)
{
	farm_free(&rig->farms);
	rig->farms = read_farms(text);
	farm_resolver_set_farms(rig->resolver, rig->farms);
}

/* Nothing is kept by dns: every lookup is a question to the zone. */
static void rig_set_dns(struct rig *rig, const char *records)
{
	struct dns_options options = {.servers = "", .timeout_s = 5};

	rig->zone = zone_new(base, records);
	zone_answer_later(rig->zone);
	rig->dns = dns_new_over(base, zone_transport(rig->zone), &options);
}

static void rig_init(struct rig *rig, const char *records)
{
	clock_set_for_test(NOW);
	*rig = (struct rig){.store = {.base = {&fake_class}}};
	TAILQ_INIT(&rig->store.asked);
	rig_set_dns(rig, records);
	rig->resolver = farm_resolver_new(base, rig->dns, &rig->store.base);
}

/* The daemon ends and starts again: the store stays as it is. */
static void rig_restart(struct rig *rig, const char *records)
{
	farm_resolver_free(&rig->resolver);
	dns_free(&rig->dns);
	rig->store.log[0] = '\0';
	rig_set_dns(rig, records);
	rig->resolver = farm_resolver_new(base, rig->dns, &rig->store.base);
}

static void rig_clear(struct rig *rig)
{
	farm_resolver_free(&rig->resolver);
	rig->store.holds = false;
	settle(rig);
	dns_free(&rig->dns);
	farm_free(&rig->farms);
}

static void skip(struct rig *rig, int64_t seconds)
{
	clock_set_for_test(clock_wall_s() + seconds);
	farm_resolver_skip_for_test(rig->resolver, seconds);
	settle(rig);
}

static const char *farm_of(const struct rig *rig, const char *address)
{
	struct netaddr addr;
	netaddr_parse(span_of(address), &addr);
	const struct farm *farm = farm_find(rig->farms, farm_resolver_networks(rig->resolver),
					    (struct span){"", 0}, &addr);
	return farm != NULL ? farm->name : NULL;
}

static size_t asked_about(const struct rig *rig, const char *domain)
{
	return zone_questions_about(rig->zone, DNS_TXT, domain);
}

/* How often the log, which is a file here, has text since the last log_clear(). */
static char log_path[] = "/tmp/sixgate-log-XXXXXX";

static void log_clear(void)
{
	if (ftruncate(STDERR_FILENO, 0) != 0)
		abort();
}

static int log_has(const char *text)
{
	char line[4096];
	int count = 0;
	FILE *file = fopen(log_path, "r");

	while (fgets(line, sizeof(line), file) != NULL)
		count += strstr(line, text) != NULL;
	fclose(file);
	return count;
}

static void test_resolves(void)
{
	struct rig rig;
	rig_init(&rig,
		 "a.example 3600 TXT v=spf1 include:b.example ip4:192.0.2.0/24 ptr:a.example\n"
		 "b.example TXT v=spf1 ip6:2001:db8::/32");
	log_clear();
	rig.store.holds = true;
	rig_set_farms(&rig, "one spf:a.example\ntwo spf:c.example ptr:.x.example");
	settle(&rig);
	tap_is_number((long long)zone_questions(rig.zone), 0, "first the store is asked");
	tap_is(farm_of(&rig, "192.0.2.1"), NULL, "and nothing is known");
	rig.store.holds = false;
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "then DNS");
	tap_is(farm_of(&rig, "2001:db8::1"), "one", "both families");
	tap_is(rig.store.log, "read; keep a.example; ", "what it says is kept");
	tap_ok(rig.store.rows[0].resolved_s == NOW && rig.store.rows[0].fresh_until_s == NOW + 300,
	       "with its times");
	tap_is_number(
		log_has("sixgated: farms: spf:a.example: 2 networks; left to ptr:, as it cannot "
			"be resolved ahead: ptr:a.example"),
		1, "the log says so");
	tap_is_number(log_has("warning: farms: spf:c.example: is not used: c.example has no SPF "
			      "record; nobody is recognised by it"),
		      1, "and what could not be used");
	rig_clear(&rig);
}

static void test_refresh(void)
{
	struct rig rig;
	rig_init(&rig, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24");
	log_clear();
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	skip(&rig, HOUR - 1);
	tap_is_number((long long)asked_about(&rig, "a.example"), 1, "not before its TTL is over");
	skip(&rig, HOUR / 10 + 2);
	tap_is_number((long long)asked_about(&rig, "a.example"), 2, "but soon after");
	tap_is(rig.store.log, "read; keep a.example; keep a.example; ",
	       "the store hears that it is fresh");
	tap_is_number(log_has("spf:a.example: 1 network"), 1, "the log nothing, it is the same");
	zone_set(rig.zone, "a.example 3600 TXT v=spf1 ip4:198.51.100.0/24 ip4:198.51.101.0/24");
	skip(&rig, 2 * HOUR);
	tap_is(farm_of(&rig, "192.0.2.1"), NULL, "what is gone is gone");
	tap_is(farm_of(&rig, "198.51.100.1"), "one", "what is new is there");
	tap_is(rig.store.rows[0].networks, "198.51.100.0/24 198.51.101.0/24", "in the store too");
	tap_is_number(log_has("spf:a.example: 2 networks"), 1, "and in the log");
	rig_clear(&rig);
}

/* Whatever DNS says that cannot be right, and when it says nothing, what was known stays. */
static void test_trouble(void)
{
	static const struct {
		const char *records, *logged;
	} cases[] = {
		{"a.example TXT @servfail", "sixgated: farms: spf:a.example: DNS does not answer "
					    "for a.example; what was known "
					    "before stays in force, 1 network"},
		{"b.example A 192.0.2.1", "is not used: a.example has no SPF record; what was"},
		{"a.example TXT v=spf1 ip4:192.0.2.0/24 +all", "passes everybody (+all); what was"},
		{"a.example TXT v=spf1 ip4:192.0.2.0/24 ip4:10.0.0.0/8", "too wide; what was"},
		{"a.example TXT v=spf1 ip4:192.0.2.0/24 nonsense", "syntax error in \"nonsense\""},
		{"a.example TXT v=spf1 -all", "names no network; what was"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;
		rig_init(&rig, "a.example TXT v=spf1 ip4:192.0.2.0/24");
		rig_set_farms(&rig, "one spf:a.example");
		settle(&rig);
		log_clear();
		zone_set(rig.zone, cases[i].records);
		for (int day = 0; day < 30; day++)
			skip(&rig, DAY);
		tap_is(farm_of(&rig, "192.0.2.1"), "one", "after a month it stays: %s",
		       cases[i].records);
		tap_is_number(log_has(cases[i].logged), 1, "the log says so, once");
		tap_is_number(log_has("farms:"), 1, "and nothing else");
		tap_is(rig.store.log, "read; keep a.example; ", "the store keeps what it has");
		zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.0/24");
		skip(&rig, DAY);
		tap_is_number(log_has("sixgated: farms: spf:a.example: 1 network"), 1,
			      "and that it is over");
		rig_clear(&rig);
	}
}

static void test_back_off(void)
{
	static const int delays_s[] = {60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
	struct rig rig;
	rig_init(&rig, "a.example TXT @servfail");
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	for (size_t i = 0; i < sizeof(delays_s) / sizeof(delays_s[0]); i++) {
		skip(&rig, delays_s[i] - 1);
		tap_is_number((long long)asked_about(&rig, "a.example"), (long long)i + 1,
			      "%d s after failure %zu it is not asked again", delays_s[i] - 1,
			      i + 1);
		skip(&rig, delays_s[i] / 10 + 2);
		tap_is_number((long long)asked_about(&rig, "a.example"), (long long)i + 2,
			      "but soon after that");
	}
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.0/24");
	skip(&rig, 2 * HOUR);
	zone_set(rig.zone, "a.example TXT @servfail");
	skip(&rig, HOUR);
	size_t asked = asked_about(&rig, "a.example");
	skip(&rig, 67);
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked + 1,
		      "a success in between, and it begins with a minute again");
	rig_clear(&rig);
}

static void test_few_at_a_time(void)
{
	struct rig rig;
	rig_init(&rig, "a.example TXT @never\nb.example TXT @never\nc.example TXT @never\n"
		       "d.example TXT @never\ne.example TXT @never");
	rig_set_farms(&rig, "one spf:a.example spf:b.example spf:c.example spf:d.example "
			    "spf:e.example");
	settle(&rig);
	tap_is_number((long long)zone_outstanding(rig.zone), 3, "of five domains three are asked");
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.1\nb.example TXT @never\n"
			   "c.example TXT @never\nd.example TXT @never\ne.example TXT @never");
	settle(&rig);
	tap_is_number((long long)zone_questions(rig.zone), 4, "then the fourth");
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "the first is known without the others");
	rig_clear(&rig);
}

static void test_restart_without_dns(void)
{
	struct rig rig;
	rig_init(&rig, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32\n"
		       "b.example 3600 TXT v=spf1 ip4:198.51.100.0/24\n"
		       "d.example 3600 TXT v=spf1 ip4:203.0.113.0/24");
	rig_set_farms(&rig, "one spf:a.example spf:b.example spf:c.example\ntwo spf:d.example");
	settle(&rig);
	snprintf(fake_find(&rig.store, "b.example")->networks, 256, "198.51.100.0/24 x");
	rig_restart(&rig, "a.example TXT @never\nb.example TXT @servfail\nc.example TXT @never\n"
			  "d.example TXT @never");
	log_clear();
	clock_set_for_test(NOW + HOUR / 2);
	rig_set_farms(&rig, "one spf:a.example spf:b.example spf:c.example");
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "after a restart it is known without DNS");
	tap_is(farm_of(&rig, "2001:db8::1"), "one", "all of it");
	tap_is(farm_of(&rig, "198.51.100.1"), NULL, "but not what is damaged");
	tap_is(rig.store.log, "read; forget d.example; ",
	       "a domain that went in between is forgotten");
	tap_is_number((long long)asked_about(&rig, "a.example"), 0, "what is fresh is not asked");
	tap_is_number((long long)(asked_about(&rig, "b.example") + asked_about(&rig, "c.example")),
		      2, "what is not there is");
	tap_is_number(
		log_has("sixgated: farms: the networks of 1 SPF domain are known from before"), 1,
		"the log says how many are known");
	skip(&rig, HOUR / 2 - 1);
	tap_is_number((long long)asked_about(&rig, "a.example"), 0, "as long as it is fresh");
	skip(&rig, HOUR / 20 + 2);
	tap_is_number((long long)asked_about(&rig, "a.example"), 1, "then it is asked");
	zone_set(rig.zone, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32");
	settle(&rig);
	tap_is_number(log_has("spf:a.example"), 0, "that it is the same is no news");
	rig_clear(&rig);
}

static void test_restart_late(void)
{
	struct rig rig;
	rig_init(&rig, "a.example TXT v=spf1 ip4:192.0.2.0/24");
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	rig_restart(&rig, "a.example TXT @servfail");
	clock_set_for_test(NOW + 365 * DAY);
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_ok(asked_about(&rig, "a.example") == 1 && farm_of(&rig, "192.0.2.1") != NULL,
	       "what is a year old is asked at once, and used until there is an answer");
	rig_restart(&rig, "a.example TXT @servfail");
	clock_set_for_test(NOW - 365 * DAY);
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_is_number((long long)asked_about(&rig, "a.example"), 1,
		      "what is from the future is asked at once, too");
	rig_clear(&rig);
}

static void test_store_fails(void)
{
	struct rig rig;
	rig_init(&rig, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24");
	rig.store.fails = true;
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "a store that fails is in nobody's way");
	rig.store.fails = false;
	skip(&rig, 2 * HOUR);
	tap_is(rig.store.log, "keep a.example; ", "and is told again at the next refresh");
	rig_clear(&rig);
}

static void test_reload(void)
{
	struct rig rig;
	rig_init(&rig, "a.example TXT @never\nb.example TXT v=spf1 ip4:192.0.2.0/24\n"
		       "c.example TXT v=spf1 ip4:198.51.100.0/24");
	rig_set_farms(&rig, "one spf:a.example\ntwo spf:b.example");
	settle(&rig);
	rig_set_farms(&rig, "two spf:b.example\nthree spf:c.example");
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:203.0.113.0/24\n"
			   "c.example TXT v=spf1 ip4:198.51.100.0/24");
	settle(&rig);
	tap_is(farm_of(&rig, "203.0.113.1"), NULL, "a domain that is gone does not come back");
	tap_is(farm_of(&rig, "198.51.100.1"), "three", "a new one is resolved");
	tap_ok(farm_of(&rig, "192.0.2.1") != NULL && asked_about(&rig, "b.example") == 1,
	       "one that was there before stays as it is");
	tap_is(rig.store.log, "read; keep b.example; forget a.example; keep c.example; ",
	       "and the store follows");

	rig_set_farms(&rig, "three spf:c.example");
	tap_is(farm_of(&rig, "192.0.2.1"), NULL, "what is gone is out of force at once");
	rig_set_farms(&rig, "two spf:b.example\nthree spf:c.example");
	zone_set(rig.zone, "b.example TXT v=spf1 ip4:192.0.2.0/24");
	settle(&rig);
	tap_ok(farm_of(&rig, "192.0.2.1") != NULL && fake_find(&rig.store, "b.example") != NULL,
	       "one that went and came again is there, in the store too");
	rig_clear(&rig);

	/* The same while the store has not answered yet. */
	rig_init(&rig, "a.example TXT @never\nb.example TXT @never");
	fake_set(&rig.store, &(struct fake_row){"a.example", "192.0.2.0/24", NOW, NOW + 60});
	fake_set(&rig.store, &(struct fake_row){"b.example", "198.51.100.0/24", NOW, NOW + 60});
	rig.store.holds = true;
	rig_set_farms(&rig, "one spf:a.example");
	rig_set_farms(&rig, "two spf:b.example");
	rig.store.holds = false;
	settle(&rig);
	tap_ok(farm_of(&rig, "192.0.2.1") == NULL && farm_of(&rig, "198.51.100.1") != NULL,
	       "farms that change while the store is read: the last ones count");
	tap_is(rig.store.log, "read; forget a.example; ", "and the others are forgotten");
	rig_clear(&rig);
}

/* DNS failed for so long that the next try is almost an hour away. */
static void fail_for_hours(struct rig *rig)
{
	rig_set_farms(rig, "one spf:a.example");
	settle(rig);
	for (int hour = 0; hour < 9; hour++)
		skip(rig, 2 * HOUR);
}

static void test_reload_after_trouble(void)
{
	struct rig rig;
	rig_init(&rig, "a.example TXT @servfail");
	fail_for_hours(&rig);
	size_t asked = asked_about(&rig, "a.example");
	zone_set(rig.zone, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24");
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), NULL, "DNS is mended, and the next try is an hour away");
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "a reload finds it at once");
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked + 1,
		      "by one lookup");
	rig_set_farms(&rig, "one spf:a.example");
	skip(&rig, HOUR - 1);
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked + 1,
		      "another reload asks nothing, and nothing is left of the old date");
	skip(&rig, HOUR / 10 + 2);
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked + 2,
		      "the next refresh is when it would be");
	rig_clear(&rig);

	rig_init(&rig, "a.example TXT @servfail");
	fail_for_hours(&rig);
	asked = asked_about(&rig, "a.example");
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked + 1,
		      "a reload while DNS is still down asks once");
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.0/24");
	skip(&rig, 67);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "then it begins with a minute again");
	rig_clear(&rig);

	/* The lookup that is out when farms are set again is asked of the DNS from before. */
	rig_init(&rig, "a.example TXT @servfail");
	fail_for_hours(&rig);
	zone_set(rig.zone, "a.example TXT @never");
	skip(&rig, 2 * HOUR);
	asked = asked_about(&rig, "a.example");
	rig_set_farms(&rig, "one spf:a.example");
	settle(&rig);
	tap_is_number((long long)asked_about(&rig, "a.example"), (long long)asked,
		      "a reload while a lookup is out starts no other one");
	zone_set(rig.zone, "a.example TXT @servfail");
	settle(&rig);
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.0/24");
	skip(&rig, 67);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "when it fails, the next one is in a minute");
	rig_clear(&rig);
}

static void test_reload_while_busy(void)
{
	static const char farms[] = "one spf:a.example spf:b.example spf:c.example spf:d.example";
	struct rig rig;
	rig_init(&rig, "a.example TXT @servfail\nb.example TXT @never\nc.example TXT @never\n"
		       "d.example TXT @never");
	rig_set_farms(&rig, farms);
	settle(&rig);
	tap_is_number((long long)zone_outstanding(rig.zone), 3, "one failed, three are out");
	rig_set_farms(&rig, farms);
	settle(&rig);
	tap_is_number((long long)asked_about(&rig, "a.example"), 1, "a reload asks for no fourth");
	zone_set(rig.zone, "a.example TXT v=spf1 ip4:192.0.2.0/24\n"
			   "b.example TXT v=spf1 ip4:198.51.100.0/24\n"
			   "c.example TXT @never\nd.example TXT @never");
	settle(&rig);
	tap_is(farm_of(&rig, "192.0.2.1"), "one", "but the one that failed comes next");
	rig_clear(&rig);
}

/* The real store: what was learned is there again after a restart. */
static void test_sqlite(void)
{
	char directory[] = "/tmp/sixgate-farms-XXXXXX", name[64], command[64];
	char why[STORE_WHY_SIZE] = "";
	struct store_options options = {.max_entries = 100};
	struct rig rig;

	if (mkdtemp(directory) == NULL)
		abort();
	snprintf(name, sizeof(name), "sqlite:%s/x.db", directory);
	rig_init(&rig, "a.example 3600 TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32");
	for (int start = 0; start < 2; start++) {
		struct store *store = store_open(name, &options, base, why);
		farm_resolver_free(&rig.resolver);
		rig.resolver = farm_resolver_new(base, rig.dns, store);
		rig_set_farms(&rig, "one spf:a.example");
		while (farm_of(&rig, "2001:db8::1") == NULL)
			event_base_loop(base, EVLOOP_ONCE);
		farm_resolver_free(&rig.resolver);
		store_free(&store);
	}
	tap_is_number((long long)asked_about(&rig, "a.example"), 1,
		      "the second start knows from SQLite what the first one learned");
	rig_clear(&rig);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command) != 0)
		abort();
}

/* Ends with things out; the sanitizers watch. */
static void test_free(void)
{
	struct rig rig;
	rig_init(&rig, "a.example TXT @never");
	rig.store.holds = true;
	rig_set_farms(&rig, "one spf:a.example");
	rig_clear(&rig);
	tap_ok(rig.resolver == NULL, "the end while the store is read");

	rig_init(&rig, "a.example TXT @never\nb.example TXT v=spf1 include:a.example");
	rig_set_farms(&rig, "one spf:a.example spf:b.example");
	settle(&rig);
	rig_clear(&rig);
	tap_ok(rig.resolver == NULL, "the end while lookups are out");

	rig_init(&rig, "a.example TXT v=spf1 ip4:192.0.2.0/24\nb.example TXT v=spf1 a\n"
		       "b.example A 192.0.2.1");
	rig_set_farms(&rig, "one spf:a.example spf:b.example");
	rig.store.holds = true;
	fake_do(&rig.store, TAILQ_FIRST(&rig.store.asked));
	settle(&rig);
	rig_set_farms(&rig, "one spf:a.example");
	skip(&rig, DAY);
	rig_clear(&rig);
	tap_is(rig.store.log,
	       "read; keep a.example; keep b.example; forget b.example; "
	       "keep a.example; ",
	       "the end while the store keeps and forgets");
}

int main(void)
{
	base = event_base_new();
	int fd = mkostemp(log_path, O_APPEND);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		return EXIT_FAILURE;
	test_resolves();
	test_refresh();
	test_trouble();
	test_back_off();
	test_few_at_a_time();
	test_restart_without_dns();
	test_restart_late();
	test_store_fails();
	test_reload();
	test_reload_after_trouble();
	test_reload_while_busy();
	test_sqlite();
	test_free();
	event_base_free(base);
	libevent_global_shutdown();
	unlink(log_path);
	return tap_done();
}
