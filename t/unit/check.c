/* SPDX-License-Identifier: BSD-2-Clause */
/* One request on its way: whatever the store and DNS do, there is one verdict, later, and none
 * after a free. */
#include "daemon/check.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "daemon/explanation.h"
#include "daemon/loader.h"
#include "daemon/stats.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "store/store.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A store that does what the test tells it. */
enum behaviour { ANSWERS_NEW, FAILS, IS_SILENT };

struct fake_store {
	struct store base;
	enum behaviour behaviour;
	int cancelled;
	int looks, questions; /* that were asked: look only, and in full */
	int shows;            /* that leave nothing behind */
};

struct fake_request {
	struct store_request base;
	struct event *later;
	store_done_fn *done;
	void *arg;
};

static struct event_base *base;

static void on_fake_answer(evutil_socket_t fd, short events, void *arg)
{
	struct fake_request *request = arg;
	struct fake_store *store = (struct fake_store *)request->base.store;
	struct store_answer answer = {.status = store->behaviour == FAILS ? STORE_FAILED
									  : STORE_ANSWERED};
	(void)fd;
	(void)events;
	answer.decision.outcome = GREYLIST_NEW;
	answer.decision.keep[0].entry_changed = true;
	request->done(&answer, request->arg);
	event_free(request->later);
	free(request);
}

static struct store_request *fake_start(struct store *store, const struct store_question *question,
					store_done_fn *done, void *arg)
{
	struct fake_request *request = mem_alloc(sizeof(*request));
	struct fake_store *fake = (struct fake_store *)store;
	*(question->mode == STORE_LOOK   ? &fake->looks
	  : question->mode == STORE_SHOW ? &fake->shows
					 : &fake->questions) += 1;
	request->base.store = store;
	request->done = done;
	request->arg = arg;
	request->later = event_new(base, -1, 0, on_fake_answer, request);
	if (((struct fake_store *)store)->behaviour != IS_SILENT)
		event_active(request->later, EV_TIMEOUT, 0);
	return &request->base;
}

static void fake_cancel(struct store_request *base_request)
{
	struct fake_request *request = (struct fake_request *)base_request;
	((struct fake_store *)base_request->store)->cancelled++;
	event_free(request->later);
	free(request);
}

static const struct store_class fake_class = {.start = fake_start, .cancel = fake_cancel};

/* One check and its verdict. */
struct asked {
	struct check *check;
	int verdicts;
	struct verdict verdict;
	struct asked *frees; /* this one's check, when it has its own verdict */
};

static void on_verdict(const struct verdict *verdict, void *arg)
{
	struct asked *asked = arg;
	asked->verdicts++;
	asked->verdict = *verdict;
	check_free(&asked->check);
	if (asked->frees != NULL)
		check_free(&asked->frees->check);
}

#define RCPT "request=smtpd_access_policy\nprotocol_state=RCPT\n"

static void ask(struct checker *checker, struct ruleset *rules, const char *text,
		struct asked *asked)
{
	struct request request;
	request_parse(&request, span_of(text));
	asked->check = check_start(checker, rules, &request, on_verdict, asked);
}

static void await(const struct asked *asked)
{
	while (asked->verdicts == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static struct ruleset *rules_with(char *override_1, char *override_2, struct loader **loader)
{
	char *overrides[] = {override_1, override_2, (char[]){"sender_access="}, (char[]){"farms="},
			     (char[]){"recipient_access="}};
	struct loader_source source = {"/dev/null", overrides, 5};
	char path[512];
	struct diag diag = {0};
	struct ruleset *rules = NULL;

	snprintf(path, sizeof(path), "%s/etc/sixgate.conf", getenv("SIXGATE_SOURCE"));
	source.path = path;
	*loader = loader_new(&source, &rules, &diag);
	return rules;
}

static void test_verdicts(struct fake_store *store, struct checker *checker)
{
	static const struct {
		const char *name, *text;
		enum behaviour behaviour;
		enum verdict_reason reason;
		const char *answer;
	} cases[] = {
		{"not RCPT", "request=smtpd_access_policy\nprotocol_state=DATA\n\n", IS_SILENT,
		 REASON_NOT_RCPT, "DUNNO"},
		{"no client_address", RCPT "sender=a@b\nrecipient=c@d\n\n", IS_SILENT,
		 REASON_MISSING_ATTRIBUTE, "DUNNO"},
		{"a client_address that is none",
		 RCPT "client_address=x\nsender=a@b\nrecipient=c@d\n\n", IS_SILENT,
		 REASON_MISSING_ATTRIBUTE, "DUNNO"},
		{"no sender at all", RCPT "client_address=192.0.2.1\nrecipient=c@d\n\n", IS_SILENT,
		 REASON_MISSING_ATTRIBUTE, "DUNNO"},
		{"SASL",
		 RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\nsasl_username=u\n\n",
		 IS_SILENT, REASON_SASL_USERNAME, "DUNNO"},
		{"a verified certificate",
		 RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\nccert_subject=x\n\n",
		 IS_SILENT, REASON_CCERT_SUBJECT, "DUNNO"},
		{"new", RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\n\n", ANSWERS_NEW,
		 REASON_NEW, "DEFER_IF_PERMIT 4.7.1 Greylisted, please try again later"},
		{"an unverified certificate",
		 RCPT
		 "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\nccert_fingerprint=x\n\n",
		 ANSWERS_NEW, REASON_NEW,
		 "DEFER_IF_PERMIT 4.7.1 Greylisted, please try again later"},
		{"the store fails", RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\n\n",
		 FAILS, REASON_STORE_FAILURE, "DUNNO"},
		{"the store is silent",
		 RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\n\n", IS_SILENT,
		 REASON_CHECK_DEADLINE, "DUNNO"},
	};
	struct loader *loader;
	struct ruleset *rules =
		rules_with((char[]){"check_deadline=1"}, (char[]){"greylist=enforce"}, &loader);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked asked = {0};
		store->behaviour = cases[i].behaviour;
		ask(checker, rules, cases[i].text, &asked);
		tap_ok(asked.verdicts == 0 && asked.check != NULL, "%s: no verdict within the call",
		       cases[i].name);
		await(&asked);
		tap_is_number(asked.verdict.reason, cases[i].reason, "%s: the reason",
			      cases[i].name);
		tap_is(asked.verdict.answer, cases[i].answer, "%s: the answer", cases[i].name);
	}
	tap_is_number(store->cancelled, 1, "what is out at the deadline is cancelled");
	ruleset_release(&rules);
	loader_free(&loader);

	struct asked asked = {0};
	rules = rules_with((char[]){"on_store_failure=defer"}, (char[]){"check_deadline=1"},
			   &loader);
	store->behaviour = FAILS;
	ask(checker, rules, cases[8].text, &asked);
	await(&asked);
	tap_ok(strncmp(asked.verdict.answer, "DEFER_IF_PERMIT 4.3.0 ", 22) == 0,
	       "on_store_failure = defer defers");
	ruleset_release(&rules);
	loader_free(&loader);
}

/* Who asks why changes nothing, and gets what an ordinary check would have answered. */
static void test_explaining(struct fake_store *store, struct checker *checker)
{
	static const char text[] = RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\n\n";
	struct loader *loader;
	struct ruleset *rules =
		rules_with((char[]){"check_deadline=1"}, (char[]){"greylist=enforce"}, &loader);
	struct explanation *explanation = explanation_new();
	struct asked asked = {0};
	struct request request;
	int kept = store->questions + store->looks, cancelled = store->cancelled;

	store->behaviour = ANSWERS_NEW;
	request_parse(&request, span_of(text));
	asked.check =
		check_start_explaining(checker, rules, &request, explanation, on_verdict, &asked);
	tap_ok(asked.verdicts == 0, "explaining: no verdict within the call");
	await(&asked);
	tap_is_number(asked.verdict.reason, REASON_NEW, "explaining: the reason");
	tap_is(explanation->request[REQUEST_SENDER], "a@b", "explaining: the request is copied");
	tap_ok(explanation->exempt_is_reached && !explanation->has_pattern,
	       "explaining: not exempt");
	tap_ok(explanation->recipient_access.is_reached && explanation->sender_access.is_reached &&
		       explanation->gate_is_reached,
	       "explaining: tables and gate were reached");
	tap_is_number(explanation->gate, EXPLAINED_OTHER_FAMILY,
		      "explaining: the gate is for the other family");
	tap_ok(explanation->farm_is_reached && !explanation->has_farm, "explaining: no farm");
	tap_ok(explanation->store_is_answered && explanation->question.mode == STORE_SHOW,
	       "explaining: the store has shown what it would decide");
	tap_ok(strncmp(explanation->log, "action=greylist, reason=new, ", 29) == 0,
	       "explaining: the line that the log would get");
	tap_ok(store->shows > 0 && store->questions + store->looks == kept,
	       "explaining: the store is asked to keep nothing");
	explanation_free(&explanation);

	explanation = explanation_new();
	store->behaviour = IS_SILENT;
	asked = (struct asked){0};
	asked.check =
		check_start_explaining(checker, rules, &request, explanation, on_verdict, &asked);
	await(&asked);
	tap_is_number(asked.verdict.reason, REASON_CHECK_DEADLINE, "explaining has its deadline");
	tap_ok(!explanation->store_is_answered, "explaining: and no answer of the store");
	explanation_free(&explanation);

	explanation = explanation_new();
	asked = (struct asked){0};
	asked.check =
		check_start_explaining(checker, rules, &request, explanation, on_verdict, &asked);
	check_free(&asked.check);
	event_base_loop(base, EVLOOP_NONBLOCK);
	tap_is_number(asked.verdicts, 0, "explaining: no verdict after a free");
	tap_is_number(store->cancelled, cancelled + 2,
		      "explaining: what is out is cancelled, at the deadline and by a free");
	explanation_free(&explanation);
	ruleset_release(&rules);
	loader_free(&loader);
}

static void test_free(struct fake_store *store, struct checker *checker)
{
	static const char exempt[] = RCPT "client_address=127.0.0.1\nsender=a@b\nrecipient=c@d\n\n";
	static const char asks[] = RCPT "client_address=192.0.2.1\nsender=a@b\nrecipient=c@d\n\n";
	struct asked first = {0}, second = {0}, third = {0}, last = {0};
	struct loader *loader;
	struct ruleset *rules =
		rules_with((char[]){"check_deadline=1"}, (char[]){"greylist=enforce"}, &loader);

	store->behaviour = ANSWERS_NEW;
	store->cancelled = 0;
	ask(checker, rules, asks, &first);
	check_free(&first.check);
	tap_ok(store->cancelled == 1 && first.check == NULL,
	       "a check that is freed cancels its question");
	ask(checker, rules, exempt, &first);
	check_free(&first.check);
	ask(checker, rules, exempt, &second);
	ask(checker, rules, exempt, &third);
	second.frees = &third;
	ask(checker, rules, exempt, &last);
	await(&last);
	tap_is_number(first.verdicts, 0,
		      "one that is freed before its verdict goes out gives none");
	tap_is_number(second.verdicts, 1, "the next one gives one");
	tap_is_number(third.verdicts, 0, "one that is freed from another's verdict gives none");

	/* The rules are released while a check still goes by them. */
	struct asked holder = {0};
	ask(checker, rules, asks, &holder);
	ruleset_release(&rules);
	loader_free(&loader);
	await(&holder);
	tap_is_number(holder.verdict.reason, REASON_NEW,
		      "a check keeps the rules that it began with");
}

#define IPV6 RCPT "client_name=unknown\nclient_address=2001:db8::1\nhelo_name=h.example\n"

/* DNS that is silent holds up one mail for three quarters of check_deadline, and no other. */
static void test_silent_dns(struct fake_store *store, struct checker *checker)
{
	static const char silent[] = IPV6 "sender=a@never.example\nrecipient=c@d\n\n";
	static const char silent_ipv4[] =
		RCPT "client_address=192.0.2.1\nsender=a@never.example\nrecipient=c@d\n\n";
	struct asked gated = {0}, free_me = {0}, ungated = {0}, other = {0};
	struct loader *loader;
	/* A second is left for the store, behind three that DNS gets. */
	struct ruleset *rules =
		rules_with((char[]){"check_deadline=4"}, (char[]){"greylist=enforce"}, &loader);

	store->behaviour = ANSWERS_NEW;
	store->looks = store->questions = 0;
	ask(checker, rules, silent, &gated);
	ask(checker, rules, silent, &free_me);
	ask(checker, rules, silent_ipv4, &ungated);
	ask(checker, rules, RCPT "client_address=192.0.2.1\nsender=a@x.example\nrecipient=c@d\n\n",
	    &other);
	await(&other);
	tap_ok(gated.verdicts == 0 && ungated.verdicts == 0 && other.verdict.reason == REASON_NEW,
	       "one mail waits for DNS, another does not");
	tap_ok(store->looks == 2 && store->questions == 1,
	       "the store is looked at first, and asked in full when SPF has told all it knows");
	check_free(&free_me.check);
	await(&gated);
	await(&ungated);
	tap_is_number(free_me.verdicts, 0, "a check that is freed while DNS is asked gives none");
	tap_is_number(gated.verdict.reason, REASON_GATE, "silent DNS is for the gate to judge");
	tap_ok(strncmp(gated.verdict.answer, "DEFER_IF_PERMIT 4.7.25 ", 23) == 0,
	       "and never a refusal for good");
	tap_is_number(ungated.verdict.reason, REASON_NEW,
		      "where there is no gate, greylisting goes on without SPF");
	ruleset_release(&rules);
	loader_free(&loader);

	struct asked passes = {0};
	rules = rules_with((char[]){"on_dns_failure=pass"}, (char[]){"check_deadline=4"}, &loader);
	ask(checker, rules, silent, &passes);
	await(&passes);
	tap_is_number(passes.verdict.reason, REASON_NEW, "on_dns_failure = pass goes on");
	ruleset_release(&rules);
	loader_free(&loader);
}

static void test_header(struct fake_store *store, struct checker *checker)
{
	static const char first[] = RCPT "client_name=m.example\nclient_address=2001:db8::1\n"
					 "sender=a@ok.example\nrecipient=c@d\ninstance=1.2\n\n";
	static const char header[] = "PREPEND Authentication-Results: mx.example; "
				     "iprev=pass policy.iprev=\"2001:db8::1\"; "
				     "spf=pass smtp.mailfrom=ok.example";
	struct asked one = {0}, two = {0}, deferred = {0};
	struct loader *loader;
	struct ruleset *rules =
		rules_with((char[]){"greylist=enforce"}, (char[]){"check_deadline=1"}, &loader);

	store->behaviour = ANSWERS_NEW;
	ask(checker, rules, first, &deferred);
	await(&deferred);
	tap_is_number(deferred.verdict.reason, REASON_NEW, "a recipient that has to wait ...");
	ruleset_release(&rules);
	loader_free(&loader);
	rules = rules_with((char[]){"greylist=off"}, (char[]){"check_deadline=1"}, &loader);
	ask(checker, rules, first, &one);
	await(&one);
	tap_is(one.verdict.answer, header,
	       "... does not use up the header of the next one, which passes");
	ask(checker, rules, first, &two);
	await(&two);
	tap_is(two.verdict.answer, "DUNNO", "a third one of the same message has none");
	ruleset_release(&rules);
	loader_free(&loader);
}

static void explain(struct checker *checker, struct ruleset *rules, const char *text)
{
	static struct explanation explanation;
	struct asked asked = {0};
	struct request request;

	request_parse(&request, span_of(text));
	asked.check =
		check_start_explaining(checker, rules, &request, &explanation, on_verdict, &asked);
	await(&asked);
}

static void test_statistics(struct fake_store *store, struct checker *checker,
			    const struct stats *stats)
{
	static const char text[] = RCPT "client_name=m.example\nclient_address=192.0.2.1\n"
					"sender=a@OK.Example\nrecipient=c@d\n\n";
	struct asked first = {0}, second = {0}, freed = {0};
	struct stats_sender senders[STATS_SENDERS_SHOWN];
	struct loader *loader;
	struct ruleset *rules =
		rules_with((char[]){"greylist=dry"}, (char[]){"check_deadline=1"}, &loader);
	const uint64_t *counted = stats->requests[VERDICT_GREYLIST][REASON_NEW];
	uint64_t before = counted[STATS_DRY], in_earnest = counted[STATS_ENFORCE];

	store->behaviour = ANSWERS_NEW;
	ask(checker, rules, text, &first);
	await(&first);
	tap_is_number((long long)(counted[STATS_DRY] - before), 1,
		      "a verdict is counted, with what it is while dry");
	tap_ok(counted[STATS_ENFORCE] == in_earnest, "... and not as one in earnest");
	explain(checker, rules, text);
	tap_is_number((long long)(counted[STATS_DRY] - before), 1, "who asks why is not counted");
	ask(checker, rules, text, &freed);
	check_free(&freed.check);
	ask(checker, rules, text, &second);
	await(&second);
	tap_is_number((long long)(counted[STATS_DRY] - before), 2,
		      "a check that is freed before its verdict is not counted");
	size_t count =
		stats_senders_list(stats->senders, STATS_BUSIEST, clock_mono_ms() / 1000, senders);
	bool is_found = false;
	for (size_t i = 0; i < count; i++)
		is_found = is_found || strcmp(senders[i].name, "ok.example") == 0;
	tap_ok(is_found, "senders are shown by domain, in lower case");
	ruleset_release(&rules);
	loader_free(&loader);
}

int main(void)
{
	struct fake_store store = {.base.class = &fake_class};

	hash_init();
	base = event_base_new();
	struct zone *zone = zone_new(base, "never.example ANY @never\n"
					   "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
					   "8.b.d.0.1.0.0.2.ip6.arpa PTR @never\n"
					   "ok.example TXT v=spf1 ip6:2001:db8::/32 -all\n");
	struct dns_options dns_options = {
		.servers = "", .timeout_s = 5, .cache_bytes = 1024 * 1024};
	struct dns *dns = dns_new_over(base, zone_transport(zone), &dns_options);
	struct spf *spf = spf_new(dns);
	struct stats *stats = stats_new();
	struct checker_parts parts = {.base = base,
				      .store = &store.base,
				      .dns = dns,
				      .spf = spf,
				      .stats = stats,
				      .hostname = "mx.example"};
	struct checker *checker = checker_new(&parts);
	test_verdicts(&store, checker);
	test_explaining(&store, checker);
	test_free(&store, checker);
	test_silent_dns(&store, checker);
	test_header(&store, checker);
	test_statistics(&store, checker, stats);
	checker_free(&checker);
	stats_free(&stats);
	spf_free(&spf);
	dns_free(&dns);
	event_base_free(base);
	libevent_global_shutdown();
	return tap_done();
}
