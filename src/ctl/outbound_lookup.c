/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_lookup.h"

#include "base/memory.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "rules/outbound.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOKUP_QUESTION_S = 5, /* for one question, less than for all: others may depend on it */
	LOOKUP_CACHE_BYTES = 1024 * 1024,
	LOOKUP_MAX_LOOKUPS = 10, /* as receivers count (RFC 7208 4.6.4) */
	LOOKUP_MAX_VOID_LOOKUPS = 2,
};

/* What is out about one address. */
struct lookup_address {
	struct lookup *lookup;                  /* borrowed; owns this */
	struct outbound_address_answer *answer; /* borrowed */
	struct fcrdns *fcrdns; /* owned; not NULL exactly while it is out, as those below */
	struct spf_request *spf, *helo_spf;
};

struct lookup {
	const struct outbound_question *question; /* borrowed */
	struct outbound_answers *answers;         /* borrowed */
	struct event_base *base;                  /* owned, as all below */
	struct dns *dns;
	struct spf *spf;
	struct lookup_address *addresses;
	struct dns_query *txt, *helo_v4, *helo_v6;
	size_t out; /* requests without an answer */
};

/* One request has its answer; the last one ends the loop. */
static void lookup_count_down(struct lookup *lookup)
{
	lookup->out--;
	if (lookup->out == 0)
		event_base_loopbreak(lookup->base);
}

static void on_lookup_iprev(const struct iprev_evidence *evidence, int64_t good_until_ms, void *arg)
{
	struct lookup_address *about = arg;

	(void)good_until_ms;
	about->fcrdns = NULL;
	about->answer->iprev = *evidence;
	lookup_count_down(about->lookup);
}

static void on_lookup_spf(const struct spf_outcome *outcome, void *arg)
{
	struct lookup_address *about = arg;

	about->spf = NULL;
	about->answer->spf = *outcome;
	lookup_count_down(about->lookup);
}

static void on_lookup_helo_spf(const struct spf_outcome *outcome, void *arg)
{
	struct lookup_address *about = arg;

	about->helo_spf = NULL;
	about->answer->helo_spf = *outcome;
	lookup_count_down(about->lookup);
}

/* Whether a TXT record is one of SPF (RFC 7208 4.5). */
static bool lookup_is_spf(struct span text)
{
	struct span version = SPAN("v=spf1");

	return text.length >= version.length &&
	       span_equals_nocase(span_first(text, version.length), version) &&
	       (text.length == version.length || text.text[version.length] == ' ');
}

static void on_lookup_txt(const struct dns_answer *answer, void *arg)
{
	struct lookup *lookup = arg;
	struct outbound_answers *answers = lookup->answers;
	size_t records = 0;

	lookup->txt = NULL;
	answers->domain_status = dns_answer_status(answer);
	for (size_t i = 0; i < dns_answer_count(answer); i++) {
		struct span text = dns_answer_text(answer, i);
		if (!lookup_is_spf(text))
			continue;
		records++;
		free(answers->spf_record);
		answers->spf_record =
			records == 1 ? mem_copy_text(text.text, text.length) : mem_copy_string("");
	}
	lookup_count_down(lookup);
}

static void lookup_take_addresses(const struct dns_answer *answer,
				  struct outbound_name_answer *taken)
{
	taken->status = dns_answer_status(answer);
	taken->count = dns_answer_count(answer);
	taken->addresses = mem_alloc((taken->count + 1) * sizeof(*taken->addresses));
	for (size_t i = 0; i < taken->count; i++)
		taken->addresses[i] = *dns_answer_address(answer, i);
}

static void on_lookup_helo_v4(const struct dns_answer *answer, void *arg)
{
	struct lookup *lookup = arg;

	lookup->helo_v4 = NULL;
	lookup_take_addresses(answer, &lookup->answers->helo_v4);
	lookup_count_down(lookup);
}

static void on_lookup_helo_v6(const struct dns_answer *answer, void *arg)
{
	struct lookup *lookup = arg;

	lookup->helo_v6 = NULL;
	lookup_take_addresses(answer, &lookup->answers->helo_v6);
	lookup_count_down(lookup);
}

static struct spf_question lookup_spf_question(const struct outbound_question *question,
					       const struct netaddr *address, const char *sender)
{
	return (struct spf_question){
		.client = *address,
		.sender = span_of(sender),
		.helo = span_of(question->helo),
		.limits = {.max_lookups = LOOKUP_MAX_LOOKUPS,
			   .max_void_lookups = LOOKUP_MAX_VOID_LOOKUPS},
	};
}

static void lookup_start_address(struct lookup *lookup, size_t i, bool has_helo)
{
	const struct outbound_question *question = lookup->question;
	const struct netaddr *address = &question->addresses[i];
	struct lookup_address *about = &lookup->addresses[i];

	about->lookup = lookup;
	about->answer = &lookup->answers->addresses[i];
	about->fcrdns =
		fcrdns_start(lookup->dns, address, &about->answer->report, on_lookup_iprev, about);
	struct spf_question spf = lookup_spf_question(question, address, question->sender);
	about->spf = spf_start(lookup->spf, &spf, on_lookup_spf, about);
	lookup->out += 2;
	if (!has_helo)
		return;
	struct spf_question helo_spf = lookup_spf_question(question, address, "");
	about->helo_spf = spf_start(lookup->spf, &helo_spf, on_lookup_helo_spf, about);
	lookup->out++;
}

static void lookup_start(struct lookup *lookup)
{
	const struct outbound_question *question = lookup->question;
	struct span helo = span_of(question->helo);
	bool has_helo = outbound_is_fqdn(helo);

	for (size_t i = 0; i < question->address_count; i++)
		lookup_start_address(lookup, i, has_helo);
	lookup->txt = dns_start(lookup->dns, DNS_TXT, span_of(lookup->answers->domain),
				on_lookup_txt, lookup);
	lookup->out++;
	if (!has_helo)
		return;
	lookup->helo_v4 = dns_start(lookup->dns, DNS_A, helo, on_lookup_helo_v4, lookup);
	lookup->helo_v6 = dns_start(lookup->dns, DNS_AAAA, helo, on_lookup_helo_v6, lookup);
	lookup->out += 2;
}

/* What is still out did not come in time. */
static void lookup_cancel(struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->question->address_count; i++) {
		fcrdns_cancel(&lookup->addresses[i].fcrdns);
		spf_cancel(&lookup->addresses[i].spf);
		spf_cancel(&lookup->addresses[i].helo_spf);
	}
	dns_cancel(&lookup->txt);
	dns_cancel(&lookup->helo_v4);
	dns_cancel(&lookup->helo_v6);
}

static void lookup_prepare(const struct outbound_question *question,
			   struct outbound_answers *answers)
{
	struct netaddr any = {.bits = 32};
	struct spf_question about = lookup_spf_question(question, &any, question->sender);
	struct spf_evidence identity = {.result = SPF_NOT_ASKED};

	*answers = (struct outbound_answers){
		.addresses = mem_alloc((question->address_count + 1) * sizeof(*answers->addresses)),
		.domain_status = DNS_FAILED,
		.spf_record = mem_copy_string(""),
		.helo_v4 = {.status = DNS_FAILED},
		.helo_v6 = {.status = DNS_FAILED},
	};
	spf_question_identity(&about, &identity);
	memcpy(answers->domain, identity.domain, sizeof(answers->domain));
}

void outbound_look_up(const struct outbound_question *question, struct outbound_answers *answers)
{
	const struct dns_options options = {.servers = question->servers,
					    .timeout_s = LOOKUP_QUESTION_S,
					    .cache_bytes = LOOKUP_CACHE_BYTES};
	const struct timeval deadline = {.tv_sec = OUTBOUND_LOOKUP_S};
	struct lookup lookup = {.question = question, .answers = answers};

	lookup_prepare(question, answers);
	lookup.base = event_base_new();
	if (lookup.base == NULL)
		return;
	lookup.dns = dns_new(lookup.base, &options);
	lookup.spf = spf_new(lookup.dns);
	lookup.addresses = mem_alloc((question->address_count + 1) * sizeof(*lookup.addresses));
	lookup_start(&lookup);
	event_base_loopexit(lookup.base, &deadline);
	event_base_dispatch(lookup.base);
	lookup_cancel(&lookup);
	spf_free(&lookup.spf);
	dns_free(&lookup.dns);
	free(lookup.addresses);
	event_base_free(lookup.base);
}

void outbound_answers_clear(struct outbound_answers *answers)
{
	free(answers->addresses);
	free(answers->spf_record);
	free(answers->helo_v4.addresses);
	free(answers->helo_v6.addresses);
	*answers = (struct outbound_answers){.domain_status = DNS_FAILED};
}
