/* SPDX-License-Identifier: BSD-2-Clause */
/* What Google and Microsoft say of one of our own addresses, and what is to be mended. */
#include "rules/outbound.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct outbound_evidence evidence_of(const char *address)
{
	struct outbound_evidence evidence = {
		.reverse_name = "x.arpa",
		.iprev = {.result = IPREV_PASS, .name = "mail.example.org"},
		.has_ptr = true,
		.spf = {.result = SPF_PASS, .domain = "example.org"},
		.spf_detail = "mx",
		.helo = OUTBOUND_HELO_LEADS_HERE,
		.helo_name = "mail.example.org",
		.helo_spf = {.result = SPF_PASS},
		.helo_spf_detail = "a",
		.own_name = "mail.example.org",
	};

	netaddr_parse(span_of(address), &evidence.address);
	return evidence;
}

static const char *has_advice(const struct outbound_judgement *judgement, const char *record)
{
	for (size_t i = 0; i < judgement->advice_count; i++)
		if (strcmp(judgement->advice[i].record, record) == 0)
			return record;
	return "none";
}

/* The verdict's word, and the code behind it. */
static const char *said(const struct outbound_judgement *judgement, enum outbound_provider provider)
{
	static char text[64];
	const struct outbound_opinion *opinion = &judgement->opinions[provider];

	snprintf(text, sizeof(text), "%s%s%.10s", outbound_verdict_word(opinion->verdict),
		 opinion->reply != NULL ? " " : "", opinion->reply != NULL ? opinion->reply : "");
	return text;
}

struct failure {
	const char *name;
	/* What is different from an address with which all is well. */
	enum iprev_result iprev;
	bool has_no_ptr;
	enum spf_result spf;
	bool is_doubtful, has_no_domain;
	enum outbound_helo helo;
	enum spf_result helo_spf;
	/* What is told. */
	enum outbound_subject subject;
	const char *mark;
	const char *google, *microsoft_v6, *microsoft_v4;
	const char *record; /* over IPv6; NULL: none */
};

static const struct failure failures[] = {
	{.name = "all is well",
	 .mark = "ok",
	 .google = "accepts",
	 .microsoft_v6 = "accepts",
	 .microsoft_v4 = "accepts"},
	{.name = "no PTR record",
	 .iprev = IPREV_PERMERROR,
	 .has_no_ptr = true,
	 .subject = OUTBOUND_PTR,
	 .mark = "FAIL",
	 .google = "refuses 550 5.7.25",
	 .microsoft_v6 = "refuses 450 4.7.25",
	 .microsoft_v4 = "suspects",
	 .record = "x.arpa. IN PTR mail.example.org."},
	{.name = "the name does not lead back",
	 .iprev = IPREV_FAIL,
	 .subject = OUTBOUND_FORWARD,
	 .mark = "FAIL",
	 .google = "refuses 550 5.7.25",
	 .microsoft_v6 = "refuses 450 4.7.25",
	 .microsoft_v4 = "suspects",
	 .record = "mail.example.org. IN AAAA 2001:db8::25"},
	{.name = "DNS cannot tell the name",
	 .iprev = IPREV_TEMPERROR,
	 .has_no_ptr = true,
	 .subject = OUTBOUND_PTR,
	 .mark = "unknown",
	 .google = "unknown",
	 .microsoft_v6 = "unknown",
	 .microsoft_v4 = "unknown"},
	{.name = "DNS cannot tell the name's addresses",
	 .iprev = IPREV_TEMPERROR,
	 .subject = OUTBOUND_FORWARD,
	 .mark = "unknown",
	 .google = "unknown",
	 .microsoft_v6 = "unknown",
	 .microsoft_v4 = "unknown"},
	{.name = "no SPF record",
	 .spf = SPF_NONE,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "needs_dkim 550 5.7.26",
	 .microsoft_v6 = "needs_dkim 450 4.7.26",
	 .microsoft_v4 = "suspects"},
	{.name = "SPF neutral",
	 .spf = SPF_NEUTRAL,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "needs_dkim 550 5.7.26",
	 .microsoft_v6 = "needs_dkim 450 4.7.26",
	 .microsoft_v4 = "suspects"},
	{.name = "SPF softfail",
	 .spf = SPF_SOFTFAIL,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "needs_dkim 550 5.7.26",
	 .microsoft_v6 = "needs_dkim 450 4.7.26",
	 .microsoft_v4 = "suspects"},
	{.name = "SPF fail",
	 .spf = SPF_FAIL,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "refuses 550 5.7.26",
	 .microsoft_v6 = "needs_dkim 450 4.7.26",
	 .microsoft_v4 = "suspects"},
	{.name = "SPF fail that may rest on what DNS could not tell",
	 .spf = SPF_FAIL,
	 .is_doubtful = true,
	 .subject = OUTBOUND_SPF,
	 .mark = "unknown",
	 .google = "unknown",
	 .microsoft_v6 = "unknown",
	 .microsoft_v4 = "unknown"},
	{.name = "SPF permerror",
	 .spf = SPF_PERMERROR,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "needs_dkim 550 5.7.26",
	 .microsoft_v6 = "needs_dkim 450 4.7.26",
	 .microsoft_v4 = "suspects"},
	{.name = "DNS cannot tell SPF",
	 .spf = SPF_TEMPERROR,
	 .subject = OUTBOUND_SPF,
	 .mark = "unknown",
	 .google = "unknown",
	 .microsoft_v6 = "unknown",
	 .microsoft_v4 = "unknown"},
	{.name = "no such domain",
	 .spf = SPF_NONE,
	 .has_no_domain = true,
	 .subject = OUTBOUND_SPF,
	 .mark = "FAIL",
	 .google = "refuses",
	 .microsoft_v6 = "refuses",
	 .microsoft_v4 = "refuses"},
	{.name = "the HELO name has no such address",
	 .helo = OUTBOUND_HELO_ELSEWHERE,
	 .subject = OUTBOUND_HELO,
	 .mark = "note",
	 .google = "accepts",
	 .microsoft_v6 = "accepts",
	 .microsoft_v4 = "accepts",
	 .record = "mail.example.org. IN AAAA 2001:db8::25"},
	{.name = "the HELO name does not resolve",
	 .helo = OUTBOUND_HELO_NO_ADDRESS,
	 .subject = OUTBOUND_HELO,
	 .mark = "FAIL",
	 .google = "suspects",
	 .microsoft_v6 = "suspects",
	 .microsoft_v4 = "suspects",
	 .record = "mail.example.org. IN AAAA 2001:db8::25"},
	{.name = "the HELO name is no full one",
	 .helo = OUTBOUND_HELO_NO_FQDN,
	 .subject = OUTBOUND_HELO,
	 .mark = "FAIL",
	 .google = "suspects",
	 .microsoft_v6 = "suspects",
	 .microsoft_v4 = "suspects",
	 .record = "smtp_helo_name = mail.example.org"},
	{.name = "DNS cannot tell the HELO name's addresses",
	 .helo = OUTBOUND_HELO_UNKNOWN,
	 .subject = OUTBOUND_HELO,
	 .mark = "unknown",
	 .google = "unknown",
	 .microsoft_v6 = "unknown",
	 .microsoft_v4 = "unknown"},
	{.name = "no SPF record for bounces",
	 .helo_spf = SPF_NONE,
	 .subject = OUTBOUND_HELO_SPF,
	 .mark = "note",
	 .google = "accepts",
	 .microsoft_v6 = "accepts",
	 .microsoft_v4 = "accepts",
	 .record = "mail.example.org. IN TXT \"v=spf1 a -all\""},
	{.name = "SPF fail for bounces",
	 .helo_spf = SPF_FAIL,
	 .subject = OUTBOUND_HELO_SPF,
	 .mark = "FAIL",
	 .google = "suspects",
	 .microsoft_v6 = "suspects",
	 .microsoft_v4 = "suspects",
	 .record = "ip6:2001:db8::25"},
	{.name = "what refuses is told, not what is unknown besides",
	 .iprev = IPREV_PERMERROR,
	 .has_no_ptr = true,
	 .spf = SPF_TEMPERROR,
	 .subject = OUTBOUND_PTR,
	 .mark = "FAIL",
	 .google = "refuses 550 5.7.25",
	 .microsoft_v6 = "refuses 450 4.7.25",
	 .microsoft_v4 = "unknown"},
};

static struct outbound_evidence evidence_with(const struct failure *failure, const char *address)
{
	struct outbound_evidence evidence = evidence_of(address);

	if (failure->iprev != IPREV_NOT_ASKED)
		evidence.iprev.result = failure->iprev;
	evidence.has_ptr = !failure->has_no_ptr;
	if (failure->spf != SPF_NOT_ASKED)
		evidence.spf.result = failure->spf;
	evidence.spf.is_doubtful = failure->is_doubtful;
	evidence.has_no_domain = failure->has_no_domain;
	evidence.helo = failure->helo;
	if (failure->helo_spf != SPF_NOT_ASKED)
		evidence.helo_spf.result = failure->helo_spf;
	return evidence;
}

static void test_failures(void)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		const struct failure *failure = &failures[i];
		struct outbound_evidence evidence = evidence_with(failure, "2001:db8::25");
		struct outbound_judgement judgement;

		outbound_judge(&evidence, &judgement);
		tap_is(outbound_mark_word(judgement.findings[failure->subject].mark), failure->mark,
		       "%s: what is marked", failure->name);
		tap_is(said(&judgement, OUTBOUND_GOOGLE), failure->google, "%s: Google over IPv6",
		       failure->name);
		tap_is(said(&judgement, OUTBOUND_MICROSOFT), failure->microsoft_v6,
		       "%s: Microsoft over IPv6", failure->name);
		if (failure->record != NULL)
			tap_is(has_advice(&judgement, failure->record), failure->record,
			       "%s: the record to add", failure->name);
		evidence = evidence_with(failure, "192.0.2.25");
		outbound_judge(&evidence, &judgement);
		tap_is(said(&judgement, OUTBOUND_GOOGLE), failure->google, "%s: Google over IPv4",
		       failure->name);
		tap_is(said(&judgement, OUTBOUND_MICROSOFT), failure->microsoft_v4,
		       "%s: Microsoft over IPv4", failure->name);
	}
}

static void test_advice(void)
{
	struct outbound_evidence evidence = evidence_of("192.0.2.25");
	struct outbound_judgement judgement;

	evidence.iprev.result = IPREV_FAIL;
	snprintf(evidence.iprev.name, sizeof(evidence.iprev.name), "c-25.provider.example");
	outbound_judge(&evidence, &judgement);
	tap_is(has_advice(&judgement, "c-25.provider.example. IN A 192.0.2.25"),
	       "c-25.provider.example. IN A 192.0.2.25", "a provider's name could lead back");
	tap_is(has_advice(&judgement, "x.arpa. IN PTR mail.example.org."),
	       "x.arpa. IN PTR mail.example.org.", "or the address get another name");
	evidence.iprev.name[0] = '\0';
	outbound_judge(&evidence, &judgement);
	tap_is_number((long long)judgement.advice_count, 1, "a name that is none is not mended");

	evidence = evidence_of("192.0.2.25");
	evidence.helo_name = "Example.org";
	evidence.helo_spf.result = SPF_NONE;
	outbound_judge(&evidence, &judgement);
	tap_is_number((long long)judgement.advice_count, 0,
		      "the sender's domain gets no second SPF record");
}

static void test_unfinished(void)
{
	struct outbound_evidence evidence = evidence_of("2001:db8::25");
	struct outbound_judgement judgement;

	evidence.iprev.result = IPREV_NOT_ASKED;
	evidence.has_ptr = false;
	evidence.spf.result = evidence.helo_spf.result = SPF_NOT_ASKED;
	evidence.helo = OUTBOUND_HELO_UNKNOWN;
	outbound_judge(&evidence, &judgement);
	tap_is(said(&judgement, OUTBOUND_GOOGLE), "unknown", "what was not answered is no failure");
	tap_is_number((long long)judgement.advice_count, 0, "and nothing is to be mended");
	tap_ok(!outbound_spf_lacks(&evidence), "in SPF neither");
	for (unsigned i = 0; i < OUTBOUND_SUBJECT_COUNT; i++)
		tap_ok(judgement.findings[i].mark == OUTBOUND_UNKNOWN ||
			       judgement.findings[i].mark == OUTBOUND_NOT_ASKED,
		       "%s: no failure", outbound_subject_word((enum outbound_subject)i));
}

static void test_spf_records(void)
{
	static const struct {
		const char *record, *mended;
	} cases[] = {
		{"", "v=spf1 ip6:2001:db8::25 ip4:192.0.2.25 ~all"},
		{"v=spf1 mx -all", "v=spf1 mx ip6:2001:db8::25 ip4:192.0.2.25 -all"},
		{"v=spf1  a ~ALL", "v=spf1 a ip6:2001:db8::25 ip4:192.0.2.25 ~ALL"},
		{"v=spf1 mx redirect=_spf.example.org",
		 "v=spf1 mx ip6:2001:db8::25 ip4:192.0.2.25 redirect=_spf.example.org"},
		{"v=spf1 -ip6:2001:db8::/32 mx +all",
		 "v=spf1 ip6:2001:db8::25 ip4:192.0.2.25 -ip6:2001:db8::/32 mx +all"},
		{"v=spf1 mx all", "v=spf1 mx ip6:2001:db8::25 ip4:192.0.2.25 all"},
		{"v=spf1", "v=spf1 ip6:2001:db8::25 ip4:192.0.2.25"},
	};
	struct netaddr addresses[2];

	netaddr_parse(SPAN("2001:db8::25"), &addresses[0]);
	netaddr_parse(SPAN("192.0.2.25"), &addresses[1]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *mended = outbound_spf_record(span_of(cases[i].record), addresses, 2);
		tap_is(mended, cases[i].mended, "SPF record: \"%s\"", cases[i].record);
		free(mended);
	}
}

static void test_names_and_addresses(void)
{
	static const char *const full[] = {"mail.example.org", "a.b", "xn--4ca.example",
					   "1-2.example.org", "MX.Example.ORG"};
	static const char *const others[] = {"",           "mail",           "localhost",
					     "192.0.2.1",  "[192.0.2.1]",    "mail.example.org.",
					     ".example",   "a..b",           "-a.example",
					     "a-.example", "mail_1.example", "a.example-",
					     "a b.example"};
	static const char *const global[] = {"2001:db8::1", "192.0.2.1", "172.32.0.1",
					     "100.128.0.1", "2600::1"};
	static const char *const local[] = {"127.0.0.1",   "::1",         "10.1.2.3",  "172.31.0.1",
					    "192.168.1.1", "100.64.0.1",  "fe80::1",   "fd00::1",
					    "fc00::1",     "169.254.1.1", "224.0.0.1", "ff02::1",
					    "0.0.0.0",     "::"};
	struct netaddr address;

	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		tap_ok(outbound_is_fqdn(span_of(full[i])), "a full name: %s", full[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		tap_ok(!outbound_is_fqdn(span_of(others[i])), "no full name: \"%s\"", others[i]);
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
		tap_ok(netaddr_parse(span_of(global[i]), &address) && outbound_is_global(&address),
		       "global: %s", global[i]);
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		tap_ok(netaddr_parse(span_of(local[i]), &address) && !outbound_is_global(&address),
		       "not global: %s", local[i]);
}

int main(void)
{
	test_failures();
	test_advice();
	test_unfinished();
	test_spf_records();
	test_names_and_addresses();
	return tap_done();
}
