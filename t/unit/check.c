/* SPDX-License-Identifier: BSD-2-Clause */
/* One request on its way: whatever the store does, there is one verdict, later, and none after a
 * free. */
#include "daemon/check.h"

#include "base/hash.h"
#include "base/memory.h"
#include "daemon/loader.h"
#include "store/store.h"
#include "tap.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

/* A store that does what the test tells it. */
enum behaviour { ANSWERS_NEW, FAILS, IS_SILENT };

struct fake_store {
	struct store base;
	enum behaviour behaviour;
	int cancelled;
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
	(void)question;
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

int main(void)
{
	struct fake_store store = {.base.class = &fake_class};

	hash_init();
	base = event_base_new();
	struct checker *checker = checker_new(base, &store.base, NULL);
	test_verdicts(&store, checker);
	test_free(&store, checker);
	checker_free(&checker);
	event_base_free(base);
	libevent_global_shutdown();
	return tap_done();
}
