/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_report.h"

#include "base/memory.h"
#include "base/json_text.h"
#include "lookup/dns_name.h"
#include "rules/outbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a report is made of, and what it has so far. */
struct report {
	const struct outbound_plan *plan;               /* borrowed */
	const struct outbound_answers *answers;         /* borrowed */
	char own_name[EVIDENCE_NAME_SIZE];              /* to ask PTR records for */
	json_t *addresses, *mend, *better;              /* owned */
	struct netaddr lacking[OUTBOUND_ADDRESSES_MAX]; /* in SPF */
	size_t lacking_count;
	bool accepts;    /* so far */
	bool needs_ipv4; /* reverse DNS of an IPv6 address is to be mended */
	bool has_trouble_on_ipv4;
};

/* Something to mend, once, however many addresses it is about. */
static void report_mend(json_t *list, const char *text, const char *record)
{
	json_t *item =
		json_pack("{s:o, s:o}", "text", json_text(text), "record", json_text(record));
	const json_t *other;
	size_t i;

	json_array_foreach (list, i, other) {
		if (!json_equal(other, item))
			continue;
		json_decref(item);
		return;
	}
	json_array_append_new(list, item);
}

/* What leads from the name in HELO to the address. */
static enum outbound_helo report_helo(const struct report *report, const struct netaddr *address)
{
	const struct outbound_answers *answers = report->answers;
	const struct outbound_name_answer *same = &answers->helo_v4, *other = &answers->helo_v6;

	if (!outbound_is_fqdn(span_of(report->plan->helo)))
		return OUTBOUND_HELO_NO_FQDN;
	if (address->bits == 128) {
		same = &answers->helo_v6;
		other = &answers->helo_v4;
	}
	for (size_t i = 0; i < same->count; i++)
		if (netaddr_equals(&same->addresses[i], address))
			return OUTBOUND_HELO_LEADS_HERE;
	if (same->status == DNS_FAILED)
		return OUTBOUND_HELO_UNKNOWN;
	if (same->count > 0 || other->count > 0)
		return OUTBOUND_HELO_ELSEWHERE;
	return other->status == DNS_FAILED ? OUTBOUND_HELO_UNKNOWN : OUTBOUND_HELO_NO_ADDRESS;
}

static json_t *report_names(const struct fcrdns_report *looked)
{
	json_t *names = json_array();

	for (size_t i = 0; i < looked->name_count; i++) {
		const struct fcrdns_name_report *name = &looked->names[i];
		json_t *addresses = json_array();
		for (size_t j = 0; j < name->address_count; j++) {
			char text[NETADDR_TEXT_SIZE];
			netaddr_format(&name->addresses[j], text);
			json_array_append_new(addresses, json_string(text));
		}
		json_array_append_new(names,
				      json_pack("{s:s, s:b, s:o}", "name", name->name, "leads_back",
						name->leads_back, "addresses", addresses));
	}
	return names;
}

static json_t *report_checks(const struct outbound_judgement *judgement)
{
	json_t *checks = json_array();

	for (unsigned i = 0; i < OUTBOUND_SUBJECT_COUNT; i++)
		json_array_append_new(
			checks, json_pack("{s:s, s:s, s:s}", "check",
					  outbound_subject_word((enum outbound_subject)i), "result",
					  outbound_mark_word(judgement->findings[i].mark), "text",
					  judgement->findings[i].text));
	return checks;
}

static json_t *report_verdicts(struct report *report, const struct outbound_judgement *judgement,
			       bool is_ipv4)
{
	json_t *verdicts = json_object();

	for (unsigned i = 0; i < OUTBOUND_PROVIDER_COUNT; i++) {
		const struct outbound_opinion *opinion = &judgement->opinions[i];
		json_object_set_new(verdicts, outbound_provider_word((enum outbound_provider)i),
				    json_pack("{s:s, s:s, s:s?}", "verdict",
					      outbound_verdict_word(opinion->verdict), "text",
					      outbound_verdict_text(opinion->verdict), "reply",
					      opinion->reply));
		report->accepts = report->accepts && opinion->verdict == OUTBOUND_ACCEPTS;
		if (is_ipv4 && opinion->verdict == OUTBOUND_REFUSES)
			report->has_trouble_on_ipv4 = true;
	}
	return verdicts;
}

/* Take note of what the judgement means for the whole. */
static void report_collect(struct report *report, const struct outbound_evidence *evidence,
			   const struct outbound_judgement *judgement)
{
	for (size_t i = 0; i < judgement->advice_count; i++) {
		const struct outbound_advice *advice = &judgement->advice[i];
		report_mend(advice->is_minor ? report->better : report->mend, advice->text,
			    advice->record);
	}
	if (outbound_spf_lacks(evidence))
		report->lacking[report->lacking_count++] = evidence->address;
	if (evidence->address.bits == 128 &&
	    (judgement->findings[OUTBOUND_PTR].mark == OUTBOUND_FAIL ||
	     judgement->findings[OUTBOUND_FORWARD].mark == OUTBOUND_FAIL))
		report->needs_ipv4 = true;
}

/* The sender's domain, also when it is none that DNS could know. */
static const char *report_domain(const struct report *report)
{
	const char *domain = report->answers->domain, *sender = report->plan->sender,
		   *at = strrchr(sender, '@');

	if (domain[0] != '\0')
		return domain;
	return at != NULL ? at + 1 : sender;
}

static void report_address(struct report *report, size_t i)
{
	const struct outbound_address_answer *answer = &report->answers->addresses[i];
	const struct netaddr *address = &report->plan->addresses.addresses[i];
	char reverse[DNS_NAME_SIZE], text[NETADDR_TEXT_SIZE];
	struct outbound_judgement judgement;

	dns_name_of_address(address, reverse);
	netaddr_format(address, text);
	struct outbound_evidence evidence = {
		.address = *address,
		.reverse_name = reverse,
		.iprev = answer->iprev,
		.has_ptr = answer->report.name_count > 0 || answer->report.has_more_names,
		.has_many_names = answer->report.has_more_names,
		.spf = answer->spf.evidence,
		.spf_detail = answer->spf.detail,
		.has_no_domain = report->answers->domain_status == DNS_NO_NAME,
		.helo = report_helo(report, address),
		.helo_name = report->plan->helo,
		.helo_spf = answer->helo_spf.evidence,
		.helo_spf_detail = answer->helo_spf.detail,
		.own_name = report->own_name,
	};
	snprintf(evidence.spf.domain, sizeof(evidence.spf.domain), "%s", report_domain(report));
	if (evidence.iprev.name[0] == '\0' && answer->report.name_count > 0)
		memcpy(evidence.iprev.name, answer->report.names[0].name,
		       sizeof(evidence.iprev.name));
	outbound_judge(&evidence, &judgement);
	report_collect(report, &evidence, &judgement);
	json_array_append_new(report->addresses,
			      json_pack("{s:s, s:s, s:o, s:o, s:o}", "address", text, "family",
					address->bits == 32 ? "IPv4" : "IPv6", "checks",
					report_checks(&judgement), "names",
					report_names(&answer->report), "verdicts",
					report_verdicts(report, &judgement, address->bits == 32)));
}

/* A TXT record of these bytes, in strings of at most 255 (RFC 1035 3.3.14). */
static char *report_txt_record(const char *domain, const char *text)
{
	enum { STRING_MAX = 255 };
	size_t length = strlen(text), size;
	char *record = NULL;
	FILE *to = open_memstream(&record, &size);

	if (to == NULL)
		return mem_copy_string("");
	fprintf(to, "%s. IN TXT", domain);
	for (size_t at = 0; at < length; at += STRING_MAX)
		fprintf(to, " \"%.*s\"", STRING_MAX, text + at);
	fclose(to);
	return record;
}

/* The SPF record of the sender's domain as it should be. */
static void report_spf(struct report *report)
{
	const char *domain = report->answers->domain, *present = report->answers->spf_record;
	char *text;

	if (report->lacking_count == 0)
		return;
	char *mended =
		outbound_spf_record(span_of(present), report->lacking, report->lacking_count);
	char *record = report_txt_record(domain, mended);
	int length = present[0] != '\0'
			     ? asprintf(&text,
					"Add what is missing to the SPF record of %s, so "
					"that it is:",
					domain)
			     : asprintf(&text,
					"Give %s an SPF record; with more terms if its mail comes "
					"from elsewhere, too:",
					domain);
	if (length >= 0) {
		report_mend(report->mend, text, record);
		free(text);
	}
	free(record);
	free(mended);
}

static json_t *report_unseen(void)
{
	return json_pack(
		"[s, s, s]",
		"DKIM: where SPF does not pass, a good DKIM signature is enough; who sends "
		"5,000 messages a day to Google needs SPF, DKIM and DMARC.",
		"Reputation of the address and of the domain, and block lists.",
		"Whether a domain at Microsoft takes mail over IPv6 at all: its owner has "
		"to ask for that.");
}

/* The name to ask for: that in HELO, if it is one, or one in the sender's domain, if that is one.
 */
static void report_choose_name(struct report *report)
{
	const char *helo = report->plan->helo, *domain = report->answers->domain;

	if (outbound_is_fqdn(span_of(helo)))
		snprintf(report->own_name, sizeof(report->own_name), "%s", helo);
	else
		snprintf(report->own_name, sizeof(report->own_name), "mail.%.240s",
			 domain[0] != '\0' ? domain : "example.org");
}

json_t *outbound_report(const struct outbound_plan *plan, const struct outbound_answers *answers,
			const struct outbound_postfix *postfix)
{
	struct report report = {.plan = plan,
				.answers = answers,
				.addresses = json_array(),
				.mend = json_array(),
				.better = json_array(),
				.accepts = !plan->is_incomplete && plan->addresses.count > 0};

	report_choose_name(&report);
	for (size_t i = 0; i < plan->addresses.count; i++)
		report_address(&report, i);
	report_spf(&report);
	/* Behind a relay the lines would lead mail around it. */
	if (postfix->values[POSTFIX_RELAYHOST][0] != '\0')
		report.needs_ipv4 = false;
	json_t *notes = json_deep_copy(plan->notes);
	if (report.needs_ipv4 && report.has_trouble_on_ipv4)
		json_array_append_new(notes, json_string("Sending over IPv4 alone does not help "
							 "before IPv4 is mended, too."));
	return json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
			 "sender", json_text(plan->sender), "sender_source", plan->sender_source,
			 "helo", json_text(plan->helo), "helo_source", plan->helo_source, "domain",
			 answers->domain, "spf_record", json_text(answers->spf_record), "addresses",
			 report.addresses, "mend", report.mend, "better", report.better, "postfix",
			 report.needs_ipv4 ? outbound_postfix_lines(postfix) : json_null(), "notes",
			 notes, "unseen", report_unseen(), "accepts", report.accepts);
}
