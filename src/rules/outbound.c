/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound.h"

#include "base/memory.h"
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

enum { FAMILY_IPV6, FAMILY_IPV4, FAMILY_COUNT };

/* When advice is given. */
enum outbound_condition {
	ADVICE_ALWAYS,
	ADVICE_WITH_NAME,       /* where the address has a name that is one */
	ADVICE_WITH_OTHER_NAME, /* where that is not the name it should have */
	ADVICE_OF_HOST,         /* where the name in HELO is not the sender's domain, too */
};

/*
 * In texts and records: %a the address, %r the type of record that leads to it, %p
 * its name in the reverse tree, %n the name that it has, %o the name it should have, %h the name in
 * HELO, %d the sender's domain, %s and %b what SPF of that and of the HELO name rests on.
 */
struct outbound_advice_row {
	const char *text; /* NULL: none */
	const char *record;
	enum outbound_condition condition;
};

struct outbound_row {
	enum outbound_mark mark;
	const char *text;
	struct outbound_opinion opinions[OUTBOUND_PROVIDER_COUNT][FAMILY_COUNT];
	struct outbound_advice_row advice[2];
};

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
		[OUTBOUND_MICROSOFT] = {[FAMILY_IPV6] = {microsoft, microsoft_reply},              \
					[FAMILY_IPV4] = {OUTBOUND_SUSPECTS, NULL}},                \
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
				    "%p. IN PTR %o.", ADVICE_ALWAYS}},
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
				    ADVICE_WITH_NAME},
				   {"If it is not, ask whoever gave you %a (your provider) for "
				    "this PTR record in place of the present one:",
				    "%p. IN PTR %o.", ADVICE_WITH_OTHER_NAME}},
		},
	[ANSWER_UNKNOWN] =
		{
			.mark = OUTBOUND_UNKNOWN,
			.text = "DNS could not tell the addresses of its name now",
			.opinions = ALL_SAY(OUTBOUND_CANNOT_TELL),
		},
	[ANSWER_NOT_ASKED] = {.mark = OUTBOUND_NOT_ASKED, .text = "no name to look up"},
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
			.advice = {{"Mend the SPF record of %d: %s", "", ADVICE_ALWAYS}},
		},
};

/* Nobody could answer, or be told that the mail has failed. */
static const struct outbound_row outbound_no_domain = {
	.mark = OUTBOUND_FAIL,
	.text = "there is no domain %d",
	.opinions = ALL_SAY(OUTBOUND_REFUSES),
	.advice = {{"Send from a domain that exists: give it to this command with --from, or to "
		    "Postfix as myorigin in main.cf",
		    "", ADVICE_ALWAYS}},
};

static const struct outbound_row outbound_helo_rows[OUTBOUND_HELO_COUNT] = {
	[OUTBOUND_HELO_LEADS_HERE] = {.mark = OUTBOUND_OK, .text = "%h leads to the address"},
	[OUTBOUND_HELO_ELSEWHERE] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h has addresses, but no %r record of this one",
			.advice = {{HELO_ADVICE, "%h. IN %r %a", ADVICE_ALWAYS}},
		},
	[OUTBOUND_HELO_NO_ADDRESS] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%h does not resolve",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {{HELO_ADVICE, "%h. IN %r %a", ADVICE_ALWAYS}},
		},
	[OUTBOUND_HELO_NO_FQDN] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "\"%h\" is no fully qualified host name",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {{"Give Postfix a full name for HELO in main.cf, such as:",
				    "smtp_helo_name = %o", ADVICE_ALWAYS},
				   {HELO_ADVICE, "%o. IN %r %a", ADVICE_ALWAYS}},
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
			.advice = {{HELO_SPF_ADVICE, HELO_SPF_RECORD, ADVICE_OF_HOST}},
		},
	[SPF_NEUTRAL] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h does not say that bounces come from the address (neutral: %b)",
			.advice = {{HELO_SPF_ADVICE, HELO_SPF_RECORD, ADVICE_OF_HOST}},
		},
	[SPF_PASS] = {.mark = OUTBOUND_OK, .text = "%h lets the address send bounces (%b)"},
	[SPF_FAIL] =
		{
			.mark = OUTBOUND_FAIL,
			.text = "%h forbids the address to send bounces (fail: %b)",
			.opinions = ALL_SAY(OUTBOUND_SUSPECTS),
			.advice = {{HELO_SPF_ADVICE, HELO_SPF_RECORD, ADVICE_OF_HOST}},
		},
	[SPF_SOFTFAIL] =
		{
			.mark = OUTBOUND_NOTE,
			.text = "%h does not list the address for bounces (softfail: %b)",
			.advice = {{HELO_SPF_ADVICE, HELO_SPF_RECORD, ADVICE_OF_HOST}},
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
			.advice = {{"Mend the SPF record of %h: %b", "", ADVICE_ALWAYS}},
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
	return &outbound_forward_rows[evidence->has_ptr ? ANSWER_UNKNOWN : ANSWER_NOT_ASKED];
}

/* A fail in doubt could be a pass as soon as DNS answers, as in gate.c. */
static enum spf_result outbound_spf_result(const struct spf_evidence *spf)
{
	bool is_bad = spf->result == SPF_FAIL || spf->result == SPF_SOFTFAIL;

	return spf->result == SPF_NOT_ASKED || (is_bad && spf->is_doubtful) ? SPF_TEMPERROR
									    : spf->result;
}

static const struct outbound_row *outbound_row(const struct outbound_evidence *evidence,
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

static const char *outbound_detail(const char *detail)
{
	return detail[0] != '\0' ? detail : "no term of the record matches";
}

/* What a letter behind "%" stands for. */
static const char *outbound_word(const struct outbound_evidence *evidence, char letter,
				 char address[static NETADDR_TEXT_SIZE])
{
	bool is_ipv4 = evidence->address.bits == 32;

	switch (letter) {
	case 'a':
		netaddr_format(&evidence->address, address);
		return address;
	case 'r':
		return is_ipv4 ? "A" : "AAAA";
	case 'p':
		return evidence->reverse_name;
	case 'n':
		return evidence->iprev.name[0] != '\0' ? evidence->iprev.name : "its name";
	case 'o':
		return evidence->own_name;
	case 'h':
		return evidence->helo_name;
	case 'd':
		return evidence->spf.domain;
	case 's':
		return outbound_detail(evidence->spf_detail);
	default:
		return outbound_detail(evidence->helo_spf_detail);
	}
}

static void outbound_write(const struct outbound_evidence *evidence, const char *text,
			   char out[static OUTBOUND_TEXT_SIZE])
{
	char address[NETADDR_TEXT_SIZE];
	size_t length = 0;

	for (; *text != '\0' && length + 1 < OUTBOUND_TEXT_SIZE; text++) {
		if (*text != '%') {
			out[length++] = *text;
			continue;
		}
		text++;
		length += printable_line(out + length, OUTBOUND_TEXT_SIZE - length,
					 span_of(outbound_word(evidence, *text, address)));
	}
	out[length] = '\0';
}

static bool outbound_is_same_name(const char *a, const char *b)
{
	return span_equals_nocase(span_of(a), span_of(b));
}

static bool outbound_applies(const struct outbound_evidence *evidence,
			     enum outbound_condition condition)
{
	switch (condition) {
	case ADVICE_ALWAYS:
		break;
	case ADVICE_WITH_NAME:
		return evidence->iprev.name[0] != '\0';
	case ADVICE_WITH_OTHER_NAME:
		return !outbound_is_same_name(evidence->iprev.name, evidence->own_name);
	case ADVICE_OF_HOST:
		return !outbound_is_same_name(evidence->helo_name, evidence->spf.domain);
	}
	return true;
}

static void outbound_advise(const struct outbound_evidence *evidence,
			    const struct outbound_row *row, struct outbound_judgement *judgement)
{
	for (size_t i = 0; i < sizeof(row->advice) / sizeof(row->advice[0]); i++) {
		const struct outbound_advice_row *from = &row->advice[i];
		if (from->text == NULL || !outbound_applies(evidence, from->condition))
			continue;
		struct outbound_advice *advice = &judgement->advice[judgement->advice_count++];
		advice->is_minor = row->mark == OUTBOUND_NOTE;
		outbound_write(evidence, from->text, advice->text);
		outbound_write(evidence, from->record, advice->record);
	}
}

void outbound_judge(const struct outbound_evidence *evidence, struct outbound_judgement *judgement)
{
	int family = evidence->address.bits == 32 ? FAMILY_IPV4 : FAMILY_IPV6;

	*judgement = (struct outbound_judgement){.advice_count = 0};
	for (unsigned i = 0; i < OUTBOUND_SUBJECT_COUNT; i++) {
		const struct outbound_row *row = outbound_row(evidence, (enum outbound_subject)i);
		judgement->findings[i].mark = row->mark;
		outbound_write(evidence, row->text, judgement->findings[i].text);
		outbound_advise(evidence, row, judgement);
		for (unsigned j = 0; j < OUTBOUND_PROVIDER_COUNT; j++)
			if (row->opinions[j][family].verdict > judgement->opinions[j].verdict)
				judgement->opinions[j] = row->opinions[j][family];
	}
}

bool outbound_spf_lacks(const struct outbound_evidence *evidence)
{
	switch (outbound_spf_result(&evidence->spf)) {
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		return !evidence->has_no_domain;
	case SPF_NOT_ASKED:
	case SPF_PASS:
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
	case SPF_RESULT_COUNT:
		break;
	}
	return false;
}

/* Whether the evaluation may end at this term of a record with anything else than pass. */
static bool outbound_term_may_not_pass(struct span term)
{
	return ascii_is_one_of(term.text[0], "-~?") || span_equals_nocase(term, SPAN("all")) ||
	       span_equals_nocase(term, SPAN("+all")) ||
	       (term.length >= 9 && strncasecmp(term.text, "redirect=", 9) == 0);
}

static void outbound_write_terms(FILE *to, const struct netaddr *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char text[NETADDR_TEXT_SIZE];
		netaddr_format(&addresses[i], text);
		fprintf(to, " %s:%s", addresses[i].bits == 32 ? "ip4" : "ip6", text);
	}
}

char *outbound_spf_record(struct span record, const struct netaddr *addresses, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	bool is_written = false;

	if (to == NULL)
		return mem_copy_string("");
	struct span rest = record.length > 0 ? record : SPAN("v=spf1 ~all");
	struct span word = span_next_word(&rest, " ");
	fwrite(word.text, 1, word.length, to);
	for (word = span_next_word(&rest, " "); word.length > 0;
	     word = span_next_word(&rest, " ")) {
		if (!is_written && outbound_term_may_not_pass(word)) {
			outbound_write_terms(to, addresses, count);
			is_written = true;
		}
		fputc(' ', to);
		fwrite(word.text, 1, word.length, to);
	}
	if (!is_written)
		outbound_write_terms(to, addresses, count);
	fclose(to);
	return text;
}

bool outbound_is_fqdn(struct span name)
{
	size_t label = 0, labels = 1;
	bool has_letter = false;

	for (size_t i = 0; i < name.length; i++) {
		char c = ascii_lower(name.text[i]);
		bool is_letter = c >= 'a' && c <= 'z';
		if (c == '.' ? label == 0 || name.text[i - 1] == '-'
			     : !(is_letter || ascii_is_digit(c) || (c == '-' && label > 0)))
			return false;
		has_letter = has_letter || is_letter;
		labels += c == '.';
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && labels > 1 && has_letter && name.length < EVIDENCE_NAME_SIZE &&
	       name.text[name.length - 1] != '-';
}

bool outbound_is_global(const struct netaddr *address)
{
	static const char *const others[] = {"0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
					     "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
					     "192.168.0.0/16", "::1/128",        "fc00::/7",
					     "fe80::/10",      "fec0::/10"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct network network;
		if (network_parse(span_of(others[i]), &network) == NULL &&
		    network_contains(&network, address))
			return false;
	}
	return netaddr_is_host(address);
}

const char *outbound_provider_word(enum outbound_provider provider)
{
	static const char *const words[] = {
		[OUTBOUND_GOOGLE] = "google", [OUTBOUND_MICROSOFT] = "microsoft"};

	_Static_assert(sizeof(words) / sizeof(words[0]) == OUTBOUND_PROVIDER_COUNT, "a word each");
	return words[provider];
}

const char *outbound_subject_word(enum outbound_subject subject)
{
	static const char *const words[] = {[OUTBOUND_PTR] = "ptr",
					    [OUTBOUND_FORWARD] = "forward",
					    [OUTBOUND_SPF] = "spf",
					    [OUTBOUND_HELO] = "helo",
					    [OUTBOUND_HELO_SPF] = "helo_spf"};

	_Static_assert(sizeof(words) / sizeof(words[0]) == OUTBOUND_SUBJECT_COUNT, "a word each");
	return words[subject];
}

const char *outbound_mark_word(enum outbound_mark mark)
{
	static const char *const words[] = {[OUTBOUND_OK] = "ok",
					    [OUTBOUND_NOTE] = "note",
					    [OUTBOUND_FAIL] = "FAIL",
					    [OUTBOUND_UNKNOWN] = "unknown",
					    [OUTBOUND_NOT_ASKED] = "-"};

	_Static_assert(sizeof(words) / sizeof(words[0]) == OUTBOUND_MARK_COUNT, "a word each");
	return words[mark];
}

static const struct {
	const char *word, *text;
} outbound_verdicts[] = {
	[OUTBOUND_ACCEPTS] = {"accepts", "accepts"},
	[OUTBOUND_SUSPECTS] = {"suspects", "accepts, perhaps as spam"},
	[OUTBOUND_NEEDS_DKIM] = {"needs_dkim", "refuses what has no good DKIM signature"},
	[OUTBOUND_CANNOT_TELL] = {"unknown", "could not tell"},
	[OUTBOUND_REFUSES] = {"refuses", "refuses"},
};
_Static_assert(sizeof(outbound_verdicts) / sizeof(outbound_verdicts[0]) == OUTBOUND_VERDICT_COUNT,
	       "words for each");

const char *outbound_verdict_word(enum outbound_verdict verdict)
{
	return outbound_verdicts[verdict].word;
}

const char *outbound_verdict_text(enum outbound_verdict verdict)
{
	return outbound_verdicts[verdict].text;
}
