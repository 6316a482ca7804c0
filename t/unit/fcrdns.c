/* SPDX-License-Identifier: BSD-2-Clause */
/* Does a client's name lead back to it? */
#include "lookup/fcrdns.h"

#include "base/hash.h"
#include "lookup/dns.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static struct event_base *base;
static struct zone *zone;
static struct dns *dns;

struct asker {
	struct fcrdns *fcrdns;
	int results;
	struct iprev_evidence evidence;
	struct fcrdns_report report;
	struct asker *cancels;
	bool is_inside;
};

static void on_result(const struct iprev_evidence *evidence, int64_t good_until_ms, void *arg)
{
	struct asker *asker = arg;

	(void)good_until_ms;
	asker->fcrdns = NULL;
	asker->results += asker->is_inside ? 1000 : 1;
	asker->evidence = *evidence;
	if (asker->cancels != NULL)
		fcrdns_cancel(&asker->cancels->fcrdns);
}

static void begin(const char *text)
{
	const struct dns_options options = {.servers = "", .timeout_s = 5, .cache_bytes = 1 << 20};

	zone = zone_new(base, text);
	dns = dns_new_over(base, zone_transport(zone), &options);
}

static void ask(struct asker *asker, const char *addr)
{
	struct netaddr parsed;

	netaddr_parse(span_of(addr), &parsed);
	asker->is_inside = true;
	asker->fcrdns = fcrdns_start(dns, &parsed, &asker->report, on_result, asker);
	asker->is_inside = false;
}

static void run(void)
{
	for (int round = 0; round < 10; round++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

#define PTR  "1.2.0.192.in-addr.arpa PTR "
#define PTR6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR "

static void test_results(void)
{
	static const struct {
		const char *what, *zone, *addr;
		enum iprev_result result;
		const char *name;
	} cases[] = {
		{"a name that leads back", PTR "Mail.example\nmail.example A 192.0.2.1\n",
		 "192.0.2.1", IPREV_PASS, "mail.example"},
		{"the same over IPv6", PTR6 "mail.example\nmail.example AAAA 2001:db8::1\n",
		 "2001:db8::1", IPREV_PASS, "mail.example"},
		{"one address of many leads back",
		 PTR "m.example\nm.example A 192.0.2.2\nm.example A 192.0.2.1\n", "192.0.2.1",
		 IPREV_PASS, "m.example"},
		{"the second name leads back",
		 PTR "a.example\n" PTR "b.example\na.example A 192.0.2.2\nb.example A 192.0.2.1\n",
		 "192.0.2.1", IPREV_PASS, "b.example"},
		{"behind a CNAME, as in RFC 2317",
		 "1.2.0.192.in-addr.arpa CNAME 1.0-31.example\n1.0-31.example PTR m.example\n"
		 "m.example A 192.0.2.1\n",
		 "192.0.2.1", IPREV_PASS, "m.example"},
		{"the other name could not be told",
		 PTR "a.example\n" PTR "b.example\na.example A @servfail\nb.example A 192.0.2.1\n",
		 "192.0.2.1", IPREV_PASS, "b.example"},
		{"the other name has no answer yet",
		 PTR "a.example\n" PTR "b.example\na.example A @never\nb.example A 192.0.2.1\n",
		 "192.0.2.1", IPREV_PASS, "b.example"},
		{"another address", PTR "a.example\n" PTR "b.example\na.example A 192.0.2.2\n",
		 "192.0.2.1", IPREV_FAIL, "a.example"},
		{"a name that does not exist", PTR "a.example\n", "192.0.2.1", IPREV_FAIL,
		 "a.example"},
		{"a name of the other family only", PTR "a.example\na.example AAAA 2001:db8::1\n",
		 "192.0.2.1", IPREV_FAIL, "a.example"},
		{"names that are none are left out", PTR ".\n" PTR "a..example\n" PTR "m.example\n",
		 "192.0.2.1", IPREV_FAIL, "m.example"},
		{"no name", "a.example A 192.0.2.1\n", "192.0.2.1", IPREV_PERMERROR, ""},
		{"no PTR record", "1.2.0.192.in-addr.arpa TXT x\n", "192.0.2.1", IPREV_PERMERROR,
		 ""},
		{"only names that are none", PTR ".\n", "192.0.2.1", IPREV_FAIL, ""},
		{"the names could not be told", PTR "@servfail\n", "192.0.2.1", IPREV_TEMPERROR,
		 ""},
		{"the addresses of the name could not be told",
		 PTR "a.example\na.example A @servfail\n", "192.0.2.1", IPREV_TEMPERROR, ""},
		{"those of one of two names could not be told",
		 PTR "a.example\n" PTR "b.example\na.example A @servfail\nb.example A 192.0.2.2\n",
		 "192.0.2.1", IPREV_TEMPERROR, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asker asker = {0};
		begin(cases[i].zone);
		ask(&asker, cases[i].addr);
		run();
		fcrdns_cancel(&asker.fcrdns);
		tap_is(asker.results == 1 ? iprev_result_word(asker.evidence.result) : "no result",
		       iprev_result_word(cases[i].result), "%s", cases[i].what);
		tap_is(asker.evidence.name, cases[i].name, "%s: the name", cases[i].what);
		dns_free(&dns);
	}
}

/* So many names, each twice, of which only the last leads back. */
static void test_many(int names, enum iprev_result result, const char *what)
{
	static char text[40000];
	struct asker asker = {0};
	size_t length = 0;

	for (int i = 1; i <= names; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   PTR "n%d.example\n" PTR
					       "N%d.example\nn%d.example A 192.0.2.%d\n",
					   i, i, i, i == names ? 1 : 2);
	begin(text);
	ask(&asker, "192.0.2.1");
	run();
	tap_is(asker.results == 1 ? iprev_result_word(asker.evidence.result) : "no result",
	       iprev_result_word(result), "%s", what);
	tap_is_number((long long)zone_questions(zone), 1 + (names < 10 ? names : 10),
		      "%s: the questions", what);
	dns_free(&dns);
}

static void test_report(void)
{
	struct asker asker = {0};
	const struct fcrdns_report *report = &asker.report;

	begin(PTR
	      "a.example\n" PTR "b.example\n" PTR
	      "c.example\na.example A 192.0.2.2\na.example A 192.0.2.3\nb.example A @servfail\n");
	ask(&asker, "192.0.2.1");
	run();
	tap_ok(report->ptr_status == DNS_FOUND && report->name_count == 3,
	       "the report has all names");
	tap_ok(report->names[0].is_answered && report->names[0].address_count == 2 &&
		       !report->names[0].leads_back,
	       "of a name the addresses");
	tap_ok(report->names[1].status == DNS_FAILED && report->names[2].status == DNS_NO_NAME,
	       "of a name without addresses why it has none");
	dns_free(&dns);

	memset(&asker, 0, sizeof(asker));
	begin(PTR "@servfail\n");
	ask(&asker, "192.0.2.1");
	run();
	tap_ok(report->ptr_status == DNS_FAILED && report->name_count == 0,
	       "it tells that the names could not be told");
	dns_free(&dns);

	memset(&asker, 0, sizeof(asker));
	begin(PTR "a.example\n" PTR "b.example\na.example A @never\nb.example A 192.0.2.1\n");
	ask(&asker, "192.0.2.1");
	run();
	tap_ok(!report->names[0].is_answered && report->names[1].leads_back,
	       "and which name was not waited for");
	dns_free(&dns);
}

static void test_parallel(void)
{
	struct asker asker = {0};

	begin(PTR "a.example\n" PTR "b.example\n" PTR
		  "c.example\na.example A @never\nb.example A @never\nc.example A @never\n");
	ask(&asker, "192.0.2.1");
	run();
	tap_is_number((long long)zone_outstanding(zone), 3, "all names are asked about at once");
	zone_set(zone, "a.example A @never\nb.example A 192.0.2.1\nc.example A 192.0.2.1\n");
	run();
	tap_ok(asker.results == 1 && asker.evidence.result == IPREV_PASS,
	       "the first that leads back is enough, and there is one result");
	tap_is(asker.evidence.name, "b.example", "it is the one that was first");
	zone_set(zone, "a.example A 192.0.2.1\n");
	run();
	tap_is_number(asker.results, 1, "what comes later changes nothing");
	dns_free(&dns);
}

static void test_cancel(void)
{
	struct asker one = {0}, two = {0};

	begin(PTR "@never\n");
	ask(&one, "192.0.2.1");
	run();
	fcrdns_cancel(&one.fcrdns);
	fcrdns_cancel(&one.fcrdns);
	zone_set(zone, PTR "a.example\n" PTR "b.example\na.example A @never\nb.example A @never\n");
	run();
	tap_ok(one.results == 0 && zone_questions(zone) == 1,
	       "cancelled while the names are asked for: nothing more is asked");
	ask(&one, "192.0.2.1");
	run();
	tap_is_number((long long)zone_outstanding(zone), 2, "the names are asked about");
	fcrdns_cancel(&one.fcrdns);
	zone_set(zone, "a.example A 192.0.2.1\nb.example A 192.0.2.1\n");
	run();
	tap_is_number(one.results, 0, "cancelled while the addresses are asked for");
	one.cancels = &two;
	two.cancels = &one;
	zone_set(zone, PTR "a.example\na.example A 192.0.2.1\n");
	ask(&one, "192.0.2.1");
	ask(&two, "192.0.2.1");
	run();
	tap_is_number(one.results + two.results, 1, "of two who cancel each other one is told");
	dns_free(&dns);
}

int main(void)
{
	hash_init();
	base = event_base_new();
	test_results();
	test_many(10, IPREV_PASS, "the tenth of ten names leads back");
	test_many(11, IPREV_TEMPERROR,
		  "the eleventh name is not looked at, and might have been the one");
	test_many(200, IPREV_TEMPERROR, "nor are two hundred");
	test_report();
	test_parallel();
	test_cancel();
	event_base_free(base);
	return tap_done();
}
