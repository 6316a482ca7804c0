/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/spf.h"

#include "lookup/dns.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>

static struct event_base *base;

struct asked {
	struct spf_request *request; /* owned; not NULL exactly while it is out */
	char result[256];
};

static void on_result(const struct spf_outcome *outcome, void *arg)
{
	struct asked *asked = arg;

	asked->request = NULL;
	snprintf(asked->result, sizeof(asked->result), "%s %.200s",
		 spf_result_word(outcome->evidence.result), outcome->detail);
}

static void test_start(struct spf *spf, struct zone *zone)
{
	struct spf_question question = {.sender = SPAN("a@example.org"),
					.helo = SPAN("mail.example.org"),
					.limits = {10, 2}};
	struct asked asked = {NULL, ""}, gone = {NULL, ""}, none = {NULL, ""};

	netaddr_parse(SPAN("192.0.2.2"), &question.client);
	asked.request = spf_start(spf, &question, on_result, &asked);
	gone.request = spf_start(spf, &question, on_result, &gone);
	question.sender = SPAN("root");
	none.request = spf_start(spf, &question, on_result, &none);
	tap_is(none.result, "", "nothing is told from inside the call");
	spf_cancel(&gone.request);
	tap_ok(gone.request == NULL, "a request that is cancelled is gone");
	event_base_dispatch(base);
	tap_is(asked.result, "pass mx", "a result");
	tap_is(gone.result, "", "none for the cancelled one");
	tap_is(none.result, "none no domain to check", "one that needs no DNS");
	size_t questions = zone_questions(zone);
	question.sender = SPAN("b@example.org");
	asked.request = spf_start(spf, &question, on_result, &asked);
	event_base_dispatch(base);
	tap_is_number((long long)zone_questions(zone), (long long)questions,
		      "the second time all is known");
}

int main(void)
{
	struct dns_options options = {.servers = "", .timeout_s = 10, .cache_bytes = 1 << 20};

	base = event_base_new();
	struct zone *zone = zone_new(base, "example.org TXT v=spf1 a mx -all\n"
					   "example.org A 192.0.2.1\n"
					   "example.org MX 10 mx.example.org\n"
					   "mx.example.org A 192.0.2.2\n");
	struct dns *dns = dns_new_over(base, zone_transport(zone), &options);
	struct spf *spf = spf_new(dns);
	test_start(spf, zone);
	spf_free(&spf);
	dns_free(&dns);
	event_base_free(base);
	return tap_done();
}
