/* SPDX-License-Identifier: BSD-2-Clause */
/* The decision alone; whole stories are told in t/scenario. */
#include "rules/greylist.h"

#include "rules/flood.h"
#include "rules/verdict.h"

#include "base/hash.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1000000000, DAY = 86400 };

static const struct greylist_limits limits = {
	.delay_s = 300, .retry_window_s = 2 * DAY, .lifetime_s = 35 * DAY, .known_after = 5};

static void test_one_identity(void)
{
	static const struct {
		const char *name;
		struct greylist_finding finding;
		enum greylist_outcome outcome;
		long long delay_s, wait_s;
		bool writes;
	} cases[] = {
		{"never seen", {.has_entry = false}, GREYLIST_NEW, 0, 300, true},
		{"seen a moment ago",
		 {true, {NOW, NOW, 0}, false, {0}},
		 GREYLIST_EARLY,
		 0,
		 300,
		 false},
		{"a second too early",
		 {true, {NOW - 299, NOW - 299, 0}, false, {0}},
		 GREYLIST_EARLY,
		 0,
		 1,
		 false},
		{"just in time",
		 {true, {NOW - 300, NOW - 300, 0}, false, {0}},
		 GREYLIST_PASS,
		 300,
		 0,
		 true},
		{"at the end of the window",
		 {true, {NOW - 2 * DAY, NOW - 2 * DAY, 0}, false, {0}},
		 GREYLIST_PASS,
		 2 * DAY,
		 0,
		 true},
		{"behind the window",
		 {true, {NOW - 2 * DAY - 1, NOW - 2 * DAY - 1, 0}, false, {0}},
		 GREYLIST_NEW,
		 0,
		 300,
		 true},
		{"passed within the hour",
		 {true, {NOW - DAY, NOW - 3599, 3}, false, {0}},
		 GREYLIST_PASS,
		 0,
		 0,
		 false},
		{"passed more than an hour ago",
		 {true, {NOW - DAY, NOW - 3601, 3}, false, {0}},
		 GREYLIST_PASS,
		 0,
		 0,
		 true},
		{"passed 35 days ago",
		 {true, {NOW - 40 * DAY, NOW - 35 * DAY, 3}, false, {0}},
		 GREYLIST_PASS,
		 0,
		 0,
		 true},
		{"not seen for longer",
		 {true, {NOW - 40 * DAY, NOW - 35 * DAY - 1, 3}, false, {0}},
		 GREYLIST_NEW,
		 0,
		 300,
		 true},
		{"the clock was set back while it waited",
		 {true, {NOW + DAY, NOW + DAY, 0}, false, {0}},
		 GREYLIST_EARLY,
		 0,
		 300,
		 true},
		{"the clock was set back after it passed",
		 {true, {NOW + 1, NOW + DAY, 1}, false, {0}},
		 GREYLIST_PASS,
		 0,
		 0,
		 true},
		{"a known client",
		 {false, {0}, true, {NOW - DAY, NOW - 3599, 5}},
		 GREYLIST_KNOWN,
		 0,
		 0,
		 false},
		{"a known client not seen for a while",
		 {false, {0}, true, {NOW - DAY, NOW - DAY, 5}},
		 GREYLIST_KNOWN,
		 0,
		 0,
		 true},
		{"a client not known yet",
		 {false, {0}, true, {NOW - DAY, NOW - DAY, 4}},
		 GREYLIST_NEW,
		 0,
		 300,
		 true},
		{"a known client that was away too long",
		 {false, {0}, true, {NOW - 36 * DAY, NOW - 35 * DAY - 1, 9}},
		 GREYLIST_NEW,
		 0,
		 300,
		 true},
	};
	struct identities who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"}}, .count = 1};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct greylist_finding findings[IDENTITY_MAX] = {cases[i].finding};
		struct greylist_decision decision;
		/* Where a pass counts for the client, that is written too; here it is not looked
		 * at. */
		findings[0].client = cases[i].finding.client;
		if (!findings[0].has_client) {
			findings[0].has_client = true;
			findings[0].client = (struct greylist_client){NOW, NOW, 1};
		}
		greylist_decide(&limits, &who, findings, true, NOW, &decision);
		tap_is_number(decision.outcome, cases[i].outcome, "%s", cases[i].name);
		tap_is_number(decision.delay_s, cases[i].delay_s, "the delay it had");
		tap_is_number(decision.wait_s, cases[i].wait_s, "how long it still waits");
		tap_ok((decision.keep[0].entry_changed || decision.keep[0].client_changed) ==
			       cases[i].writes,
		       "%s written", cases[i].writes ? "something is" : "nothing is");
	}
}

static void test_several_identities(void)
{
	struct identities who = {.list = {{"192.0.2.0/24", ""}, {"farm:x", "farm:x/example.org"}},
				 .count = 2};
	struct greylist_finding findings[IDENTITY_MAX] = {
		{.has_entry = false}, {.has_entry = true, .entry = {NOW - 400, NOW - 400, 0}}};
	struct greylist_decision decision;

	greylist_decide(&limits, &who, findings, true, NOW, &decision);
	tap_is_number(decision.outcome, GREYLIST_PASS, "a retry from elsewhere in the farm passes");
	tap_ok(decision.keep[0].entry_changed && decision.keep[0].entry.passes == 1 &&
		       decision.keep[1].entry_changed && decision.keep[1].entry.passes == 1,
	       "and that is kept for the farm and for the network");
	tap_ok(!decision.keep[0].client_changed && decision.keep[1].client_changed,
	       "counted is the farm's client alone");

	findings[1].entry = (struct greylist_entry){NOW - 100, NOW - 100, 0};
	greylist_decide(&limits, &who, findings, true, NOW, &decision);
	tap_is_number(decision.outcome, GREYLIST_EARLY, "too early from elsewhere is too early");
	tap_ok(decision.keep[0].entry_changed && decision.keep[0].entry.first_seen_s == NOW - 100,
	       "and the first time is kept for the other network too");

	findings[1].has_entry = false;
	greylist_decide(&limits, &who, findings, false, NOW, &decision);
	tap_ok(decision.outcome == GREYLIST_NEW && !decision.keep[0].entry_changed &&
		       !decision.keep[1].entry_changed,
	       "what is not to be stored has to wait all the same");
	tap_ok(!decision.adds_entry, "... and adds nothing");
}

/* What is known under one identity comes under others that nothing is kept of. */
static void test_cap_on_what_is_known(void)
{
	struct identities who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"},
					  {"domain:example.org", "domain:example.org"}},
				 .count = 2};
	struct greylist_finding findings[IDENTITY_MAX] = {
		{.has_entry = false}, {.has_entry = true, .entry = {NOW - 100, NOW - 100, 0}}};
	struct greylist_decision decision;

	greylist_decide(&limits, &who, findings, true, NOW, &decision);
	tap_ok(decision.outcome == GREYLIST_EARLY && decision.keep[0].entry_changed &&
		       decision.adds_entry,
	       "a known triplet from another network adds an entry");
	greylist_decide(&limits, &who, findings, false, NOW, &decision);
	tap_ok(decision.outcome == GREYLIST_EARLY && !decision.keep[0].entry_changed &&
		       !decision.adds_entry,
	       "... but not beyond the cap");
	greylist_decide(&limits, &who, findings, false, NOW + 300, &decision);
	tap_ok(decision.outcome == GREYLIST_PASS && !decision.keep[0].entry_changed &&
		       !decision.keep[0].client_changed && !decision.adds_entry,
	       "beyond it, what passes is kept under no other network either");
	tap_ok(decision.keep[1].entry_changed && decision.keep[1].entry.passes == 1 &&
		       decision.keep[1].client_changed,
	       "but is where it was known");
}

/* Passes of a client's triplets count once an hour, whichever of them it is that passes. */
static void test_counting(void)
{
	struct identities who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"}}, .count = 1};
	struct greylist_client client = {NOW, NOW, 1};
	/* Another triplet passes for the first time fifty minutes after the pass that counted. */
	struct greylist_finding findings[IDENTITY_MAX] = {
		{true, {NOW + 2400, NOW + 2400, 0}, true, client}};
	struct greylist_decision decision;

	greylist_decide(&limits, &who, findings, true, NOW + 3000, &decision);
	tap_ok(decision.outcome == GREYLIST_PASS && decision.keep[0].entry_changed &&
		       !decision.keep[0].client_changed,
	       "a second pass within the hour is kept, and does not count");
	findings[0].entry = decision.keep[0].entry;
	greylist_decide(&limits, &who, findings, true, NOW + 3599, &decision);
	tap_ok(!decision.keep[0].client_changed && !decision.keep[0].entry_changed,
	       "... nor does a third");
	greylist_decide(&limits, &who, findings, true, NOW + 3600, &decision);
	tap_ok(decision.keep[0].client_changed && decision.keep[0].client.passes == 2,
	       "one an hour after the first counts, whichever triplet it is");
}

static void test_becoming_known(void)
{
	struct identities who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"}}, .count = 1};
	struct greylist_finding findings[IDENTITY_MAX] = {
		{true, {NOW - 600, NOW - 600, 0}, false, {0}}};
	struct greylist_decision decision;
	int64_t now_s = NOW, known_s = 0;

	/* A mail every ten minutes. */
	for (int i = 0; i < 60 && known_s == 0; i++, now_s += 600) {
		/* Another triplet of the client's. */
		struct greylist_finding other[IDENTITY_MAX] = {findings[0]};
		other[0].has_entry = false;
		greylist_decide(&limits, &who, other, false, now_s, &decision);
		if (decision.outcome == GREYLIST_KNOWN)
			known_s = now_s;
		greylist_decide(&limits, &who, findings, true, now_s, &decision);
		if (decision.keep[0].entry_changed)
			findings[0].entry = decision.keep[0].entry;
		if (decision.keep[0].client_changed) {
			findings[0].has_client = true;
			findings[0].client = decision.keep[0].client;
		}
	}
	tap_is_number(known_s - NOW, 4 * 3600 + 600,
		      "five passes in five hours make a client known");
}

static void test_flood(void)
{
	struct flood *flood = flood_new();
	struct netaddr one, same, other;
	char text[64];
	bool never = false;

	netaddr_parse(SPAN("2001:db8:1:1::1"), &one);
	netaddr_parse(SPAN("2001:db8:1:1::2"), &same);
	netaddr_parse(SPAN("2001:db8:1:2::1"), &other);
	for (int i = 0; i < 10; i++)
		flood_count(flood, &one, NOW);
	tap_ok(flood_is_over(flood, &same, 10, NOW), "a /64 that has brought its share is over");
	tap_ok(!flood_is_over(flood, &one, 11, NOW), "below the cap it is not");
	tap_ok(!flood_is_over(flood, &other, 10, NOW), "another /64 of its /48 is not");
	tap_ok(!flood_is_over(flood, &one, 0, NOW), "0 is no cap");
	tap_ok(!flood_is_over(flood, &one, 10, NOW + DAY), "the next day it is not either");
	tap_ok(flood_is_over(flood, &one, 10, NOW), "and to have asked has changed nothing");
	for (int i = 0; i < 10; i++)
		flood_count(flood, &one, NOW + DAY);
	tap_ok(!flood_is_over(flood, &one, 10, NOW), "nor when the clock is set back");

	/* 100 /64s of a /48, each below the cap. */
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "2001:db8:9:%x::1", i);
		netaddr_parse(span_of(text), &other);
		for (int n = 0; n < 2; n++)
			flood_count(flood, &other, NOW);
	}
	netaddr_parse(SPAN("2001:db8:9:ffff::1"), &other);
	tap_ok(flood_is_over(flood, &other, 10, NOW),
	       "a /48 may bring ten times as much, not twenty");

	/* Many networks: nobody is taken for a flood who is none. */
	srand(7);
	for (int i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "%d.%d.%d.1", 1 + rand() % 200, rand() % 256,
			 rand() % 256);
		netaddr_parse(span_of(text), &other);
		flood_count(flood, &other, NOW);
		never = never || flood_is_over(flood, &other, 50, NOW);
	}
	tap_ok(!never, "200,000 triplets from everywhere are no flood");
	netaddr_parse(SPAN("203.0.113.9"), &other);
	for (int i = 0; i < 2000; i++)
		flood_count(flood, &other, NOW);
	tap_ok(flood_is_over(flood, &other, 1000, NOW), "one among them that brings 2,000 is");
	flood_free(&flood);
}

static void test_verdicts(void)
{
	struct verdict verdict = verdict_greylist(REASON_EARLY_RETRY, 17, "wait %s s, 100%", false);
	char words[VERDICT_REASON_SIZE];

	tap_is(verdict.answer, "DEFER_IF_PERMIT 4.7.1 wait 17 s, 100%", "%%s is the seconds left");
	verdict_reason_words(&verdict, words);
	tap_is(words, "early-retry (17s missing)", "early retries are told as postgrey does");
	verdict = verdict_greylist(REASON_NEW, 300, "x", true);
	tap_is(verdict.answer, "DUNNO", "dry lets it pass");
	tap_is(verdict_action_word(&verdict), "greylist", "but logs what was decided");
	struct access_entry entry = {
		.action = ACCESS_REJECT, .answer = (char[]){"550 5.7.1 no"}, .line = 12};
	verdict = verdict_access(REASON_SENDER_ACCESS, &entry);
	verdict_reason_words(&verdict, words);
	tap_is(words, "sender_access (line 12)", "a table's verdict tells the line");
	tap_is(verdict.answer, "550 5.7.1 no", "and gives its text");
	entry.action = ACCESS_OK;
	verdict = verdict_access(REASON_SENDER_ACCESS, &entry);
	tap_is(verdict.answer, "DUNNO", "OK in a table is never OK to Postfix");
}

int main(void)
{
	hash_init();
	test_one_identity();
	test_several_identities();
	test_cap_on_what_is_known();
	test_counting();
	test_becoming_known();
	test_flood();
	test_verdicts();
	return tap_done();
}
