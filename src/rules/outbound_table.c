/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_table.h"

/* What both say over either family. */
#define ALL_SAY(what)                                                                              \
	{                                                                                          \
		[OUTBOUND_GOOGLE] = {{what, NULL}, {what, NULL}},                                  \
		[OUTBOUND_MICROSOFT] = {{what, NULL}, {what, NULL}},                               \
	}
/* Google has the same rules for both families since 2024; of Microsoft those for IPv6 are known. */
#define THEY_SAY(google, google_reply, microsoft, microsoft_reply)                                 \
	{                                                                                          \
		[OUTBOUND_GOOGLE] = {{google, google_reply}, {google, google_reply}},              \
		[OUTBOUND_MICROSOFT] = {[OUTBOUND_IPV6] = {microsoft, microsoft_reply},            \
					[OUTBOUND_IPV4] = {OUTBOUND_SUSPECTS, NULL}},              \
	}
#define GOOGLE_NO_PTR                                                                              \
	"550 5.7.25 The IP address sending this message does not have a PTR record setup"
#define GOOGLE_MISMATCH                                                                            \
	"550 5.7.25 The sending IP does not match the IP address of the hostname specified in "    \
	"the pointer (PTR) record"
#define GOOGLE_SPF_FAIL                                                                            \
	"550 5.7.26 The MAIL FROM domain has an SPF record with a hard fail policy (-all) but it " \
	"fails to pass SPF checks"
#define GOOGLE_UNAUTHENTICATED                                                                     \
	"550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM"
#define MICROSOFT_NO_PTR                                                                           \
	"450 4.7.25 Service unavailable, sending IPv6 address must have reverse DNS record"
#define MICROSOFT_UNAUTHENTICATED                                                                  \
	"450 4.7.26 Service unavailable, message sent over IPv6 must pass either SPF or DKIM "     \
	"validation"
#define UNAUTHENTICATED                                                                            \
	THEY_SAY(OUTBOUND_NEEDS_DKIM, GOOGLE_UNAUTHENTICATED, OUTBOUND_NEEDS_DKIM,                 \
		 MICROSOFT_UNAUTHENTICATED)

#define HELO_ADVICE "Let the name in HELO lead to the address with this record:"
#define HELO_SPF_ADVICE                                                                            \
	"Let SPF speak for bounces, which have the name in HELO in place of a sender; the host's " \
	"own record:"
#define HELO_SPF_RECORD "%h. IN TXT \"v=spf1 a -all\""
/* Of a record that is there: a second one would make both void (RFC 7208 4.5). */
#define HELO_SPF_TERM                                                                              \
	{                                                                                          \
		"Let the SPF record of %h, which speaks for bounces, pass the address, with this " \
		"term before its \"all\":",                                                        \
			"%f:%a", OUTBOUND_ADVICE_OF_HOST                                           \
	}

enum outbound_answer { ANSWER_YES, ANSWER_NO, ANSWER_UNKNOWN, ANSWER_NOT_ASKED, ANSWER_COUNT };

static const struct outbound_row outbound_ptr_rows[ANSWER_COUNT] = {
	[ANSWER_YES] = {.mark = OUTBOUND_OK, .text = "%n"},
	[ANSWER_NO] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "the address has no PTR record",
			.opinions = THEY_SAY(OUTBOUND_REFUSES, GOOGLE_NO_PTR, OUTBOUND_REFUSES,
					     MICROSOFT_NO_PTR),
			.advice = {{"Ask whoever gave you %a (your provider) for this PTR record:",
				    "%p. IN PTR %o.", OUTBOUND_ADVICE_ALWAYS}},
		},
	[ANSWER_UNKNOWN] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell its name now",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
	[ANSWER_NOT_ASKED] = {.mark = OUTBOUND_NOT_ASKED, .text = ""},
};

static const struct outbound_row outbound_forward_rows[ANSWER_COUNT] = {
	[ANSWER_YES] = {.mark = OUTBOUND_OK, .text = "%n leads back to the address"},
	[ANSWER_NO] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%n has no %r record of the address",
			.opinions = THEY_SAY(OUTBOUND_REFUSES, GOOGLE_MISMATCH, OUTBOUND_REFUSES,
					     MICROSOFT_NO_PTR),
			.advice = {{"If %n is a name of yours, add this record:", "%n. IN %r %a",
				    OUTBOUND_ADVICE_WITH_NAME},
				   {"If it is not, ask whoever gave you %a (your provider) for "
				    "this PTR record in place of the present one:",
				    "%p. IN PTR %o.", OUTBOUND_ADVICE_WITH_OTHER_NAME}},
		},
	[ANSWER_UNKNOWN] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell the addresses of its name now",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
	[ANSWER_NOT_ASKED] = {.mark = OUTBOUND_NOT_ASKED, .text = "no name to look up"},
};

/* Whether one of the names that nobody looked at leads back is chance, for receivers as for us. */
static const struct outbound_row outbound_many_names = {
	.mark = OUTBOUND_UNKNOWN,
	.text = "the address has so many names that nobody looks at all, and the first do not lead "
		"back",
	.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
	.advice = {{"Ask whoever gave you %a (your provider) to leave it one PTR record:",
		    "%p. IN PTR %o.", OUTBOUND_ADVICE_ALWAYS}},
};

/* What to mend in a record that is there, or is not, is told for all addresses at once. */
static const struct outbound_row outbound_spf_rows[SPF_RESULT_COUNT] = {
	[SPF_NOT_ASKED] = {.mark = OUTBOUND_NOT_ASKED, .text = ""},
	[SPF_NONE] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%d has no SPF record",
			.opinions = UNAUTHENTICATED,
		},
	[SPF_NEUTRAL] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%d does not say that the address may send (neutral: %s)",
			.opinions = UNAUTHENTICATED,
		},
	[SPF_PASS] = {.mark = OUTBOUND_OK, .text = "%d lets the address send (%s)"},
	[SPF_FAIL] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%d forbids the address to send (fail: %s)",
			.opinions = THEY_SAY(OUTBOUND_REFUSES, GOOGLE_SPF_FAIL, OUTBOUND_NEEDS_DKIM,
					     MICROSOFT_UNAUTHENTICATED),
		},
	[SPF_SOFTFAIL] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%d does not list the address (softfail: %s)",
			.opinions = UNAUTHENTICATED,
		},
	[SPF_TEMPERROR] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell now what SPF of %d says",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
	[SPF_PERMERROR] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "SPF of %d cannot be evaluated: %s",
			.opinions = UNAUTHENTICATED,
			.advice = {{"Mend the SPF record of %d: %s", "", OUTBOUND_ADVICE_ALWAYS}},
		},
};

/* Nobody could answer, or be told that the mail has failed. */
static const struct outbound_row outbound_no_domain = {
	.mark = OUTBOUND_FAIL,
	.text = "there is no domain %d",
	.opinions = ALL_SAY(OUTBOUND_REFUSES),
	.advice = {{"Send from a domain that exists: give it to this command with --from, or to "
		    "Postfix as myorigin in main.cf",
		    "", OUTBOUND_ADVICE_ALWAYS}},
};

static const struct outbound_row outbound_helo_rows[OUTBOUND_HELO_COUNT] = {
	[OUTBOUND_HELO_LEADS_HERE] = {.mark = OUTBOUND_OK, .text = "%h leads to the address"},
	[OUTBOUND_HELO_ELSEWHERE] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h has addresses, but no %r record of this one",
			.advice = {{HELO_ADVICE, "%h. IN %r %a", OUTBOUND_ADVICE_ALWAYS}},
		},
	[OUTBOUND_HELO_NO_ADDRESS] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%h does not resolve",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {{HELO_ADVICE, "%h. IN %r %a", OUTBOUND_ADVICE_ALWAYS}},
		},
	[OUTBOUND_HELO_NO_FQDN] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "\"%h\" is no fully qualified host name",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {{"Give Postfix a full name for HELO in main.cf, such as:",
				    "smtp_helo_name = %o", OUTBOUND_ADVICE_ALWAYS},
				   {HELO_ADVICE, "%o. IN %r %a", OUTBOUND_ADVICE_ALWAYS}},
		},
	[OUTBOUND_HELO_UNKNOWN] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell the addresses of %h now",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
};

/* Bounces have no sender: SPF is that of the name in HELO. */
static const struct outbound_row outbound_helo_spf_rows[SPF_RESULT_COUNT] = {
	[SPF_NOT_ASKED] = {.mark = OUTBOUND_NOT_ASKED, .text = "no name to look up"},
	[SPF_NONE] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h has no SPF record that would speak for bounces",
			.advice = {{HELO_SPF_ADVICE, HELO_SPF_RECORD, OUTBOUND_ADVICE_OF_HOST}},
		},
	[SPF_NEUTRAL] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h does not say that bounces come from the address (neutral: %b)",
			.advice = {HELO_SPF_TERM},
		},
	[SPF_PASS] = {.mark = OUTBOUND_OK, .text = "%h lets the address send bounces (%b)"},
	[SPF_FAIL] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%h forbids the address to send bounces (fail: %b)",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {HELO_SPF_TERM},
		},
	[SPF_SOFTFAIL] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h does not list the address for bounces (softfail: %b)",
			.advice = {HELO_SPF_TERM},
		},
	[SPF_TEMPERROR] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell now what SPF of %h says",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
	[SPF_PERMERROR] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "SPF of %h cannot be evaluated for bounces: %b",
			.advice = {{"Mend the SPF record of %h: %b", "", OUTBOUND_ADVICE_ALWAYS}},
		},
};

/* The state of each subject.  What was not found out in time is "could not tell". */

static const struct outbound_row *outbound_ptr_row(const struct outbound_evidence *evidence)
{
	switch (evidence->iprev.result) {
	case IPREV_PASS:
	case IPREV_FAIL:
		return &outbound_ptr_rows[ANSWER_YES];
	case IPREV_PERMERROR:
		return &outbound_ptr_rows[ANSWER_NO];
	case IPREV_NOT_ASKED:
	case IPREV_TEMPERROR:
	case IPREV_RESULT_COUNT:
		break;
	}
	return &outbound_ptr_rows[evidence->has_ptr ? ANSWER_YES : ANSWER_UNKNOWN];
}

static const struct outbound_row *outbound_forward_row(const struct outbound_evidence *evidence)
{
	switch (evidence->iprev.result) {
	case IPREV_PASS:
		return &outbound_forward_rows[ANSWER_YES];
	case IPREV_FAIL:
		return &outbound_forward_rows[ANSWER_NO];
	case IPREV_PERMERROR:
		return &outbound_forward_rows[ANSWER_NOT_ASKED];
	case IPREV_NOT_ASKED:
	case IPREV_TEMPERROR:
	case IPREV_RESULT_COUNT:
		break;
	}
	if (evidence->has_many_names)
		return &outbound_many_names;
	return &outbound_forward_rows[evidence->has_ptr ? ANSWER_UNKNOWN : ANSWER_NOT_ASKED];
}

enum spf_result outbound_spf_result(const struct spf_evidence *spf)
{
	bool is_bad = spf->result == SPF_FAIL || spf->result == SPF_SOFTFAIL;

	return spf->result == SPF_NOT_ASKED || (is_bad && spf->is_doubtful) ? SPF_TEMPERROR
									    : spf->result;
}

const struct outbound_row *outbound_row(const struct outbound_evidence *evidence,
					enum outbound_subject subject)
{
	switch (subject) {
	case OUTBOUND_PTR:
		return outbound_ptr_row(evidence);
	case OUTBOUND_FORWARD:
		return outbound_forward_row(evidence);
	case OUTBOUND_SPF:
		return evidence->has_no_domain
			       ? &outbound_no_domain
			       : &outbound_spf_rows[outbound_spf_result(&evidence->spf)];
	case OUTBOUND_HELO:
		return &outbound_helo_rows[evidence->helo];
	case OUTBOUND_HELO_SPF:
	case OUTBOUND_SUBJECT_COUNT:
		break;
	}
	return &outbound_helo_spf_rows[evidence->helo == OUTBOUND_HELO_NO_FQDN
					       ? SPF_NOT_ASKED
					       : outbound_spf_result(&evidence->helo_spf)];
}
