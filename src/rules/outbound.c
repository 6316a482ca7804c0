/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound.h"

#include "base/memory.h"
#include "base/printable.h"
#include "outbound_table.h"

#include <stdio.h>
#include <string.h>

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
	case 'f':
		return is_ipv4 ? "ip4" : "ip6";
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
	case OUTBOUND_ADVICE_ALWAYS:
		break;
	case OUTBOUND_ADVICE_WITH_NAME:
		return evidence->iprev.name[0] != '\0';
	case OUTBOUND_ADVICE_WITH_OTHER_NAME:
		return !outbound_is_same_name(evidence->iprev.name, evidence->own_name);
	case OUTBOUND_ADVICE_OF_HOST:
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
	enum outbound_family family = evidence->address.bits == 32 ? OUTBOUND_IPV4 : OUTBOUND_IPV6;

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
