/* SPDX-License-Identifier: BSD-2-Clause */
#include "gate.h"

#include "base/printable.h"
#include "base/span.h"

#include <stdio.h>

/* What a sender is told.  code NULL: nothing, the mail goes on. */
struct gate_reply {
	const char *code;   /* RFC 5321 */
	const char *status; /* RFC 7372, RFC 3463 */
	/*
	 * In the words that senders know from the profile's namesake, with what to mend.  %a is the
	 * client's address, %f its family, %r the type of record that leads to it, %n its first
	 * name, %d the domain that SPF was asked about, %i where that came from, %s the SPF result.
	 */
	const char *text;
};

struct gate_row {
	/* One of the two is not "not asked". */
	enum iprev_result iprev;
	enum spf_result spf;
	const char *words;   /* for the log */
	bool is_temporary;   /* DNS could not tell: on_dns_failure decides */
	bool spares_bounces; /* not of the null sender: a bounce has no DKIM to pass instead, and
			      * the HELO names of most hosts have no SPF record */
	struct gate_reply replies[GATE_PROFILE_COUNT];
};

#define GATE_IPREV_TEMPERROR                                                                       \
	{                                                                                          \
		"450", "4.7.25",                                                                   \
			"[%a] Temporary error validating reverse DNS of the sending IP address, "  \
			"please try "                                                              \
			"again later"                                                              \
	}
#define GATE_SPF_TEMPERROR                                                                         \
	{                                                                                          \
		"450", "4.7.24",                                                                   \
			"[%a] Temporary DNS error while validating SPF of the %i domain [%d], "    \
			"please try again "                                                        \
			"later"                                                                    \
	}
#define GATE_MICROSOFT_UNAUTHENTICATED                                                             \
	{                                                                                          \
		"450", "4.7.26",                                                                   \
			"Service unavailable, message sent over %f [%a] must pass either SPF or "  \
			"DKIM "                                                                    \
			"validation; SPF of the %i domain [%d]: %s"                                \
	}

/* The contract's table: the first row that matches wins. */
static const struct gate_row gate_rows[] = {
	{
		.iprev = IPREV_PERMERROR,
		.words = "iprev permerror",
		.replies =
			{
				[GATE_GOOGLE] =
					{"550", "5.7.25",
					 "[%a] The IP address sending this message does not have a "
					 "PTR record setup. Give it one, with a name whose %r "
					 "record points to the address"},
				[GATE_MICROSOFT] =
					{"450", "4.7.25",
					 "Service unavailable, sending %f address [%a] must "
					 "have reverse DNS record"},
			},
	},
	{
		.iprev = IPREV_FAIL,
		.words = "iprev fail",
		.replies =
			{
				[GATE_GOOGLE] =
					{"550", "5.7.25",
					 "[%a] The sending IP does not match the IP address of "
					 "the hostname specified in the pointer (PTR) record. "
					 "Let an %r record of [%n] point to the address"},
				[GATE_MICROSOFT] =
					{"450", "4.7.25",
					 "Service unavailable, sending %f address [%a] must "
					 "have reverse DNS record whose name [%n] points back "
					 "to it"},
			},
	},
	{
		.iprev = IPREV_TEMPERROR,
		.words = "iprev temperror",
		.is_temporary = true,
		.replies =
			{
				[GATE_GOOGLE] = GATE_IPREV_TEMPERROR,
				[GATE_MICROSOFT] = GATE_IPREV_TEMPERROR,
			},
	},
	{
		.spf = SPF_FAIL,
		.words = "spf fail",
		.replies =
			{
				[GATE_GOOGLE] =
					{"550", "5.7.23",
					 "The %i domain [%d] has an SPF record with a hard fail "
					 "policy (-all) but it fails to pass SPF checks with the "
					 "ip: [%a]. Add the address to the record, or send from "
					 "one that is in it"},
				[GATE_MICROSOFT] =
					{"450", "4.7.23",
					 "Service unavailable, message sent over %f [%a] fails "
					 "SPF validation of the %i domain [%d]"},
			},
	},
	{
		.spf = SPF_TEMPERROR,
		.words = "spf temperror",
		.is_temporary = true,
		.replies =
			{
				[GATE_GOOGLE] = GATE_SPF_TEMPERROR,
				[GATE_MICROSOFT] = GATE_SPF_TEMPERROR,
			},
	},
	{
		.spf = SPF_NONE,
		.words = "spf none",
		.spares_bounces = true,
		.replies = {[GATE_MICROSOFT] = GATE_MICROSOFT_UNAUTHENTICATED},
	},
	{
		.spf = SPF_NEUTRAL,
		.words = "spf neutral",
		.spares_bounces = true,
		.replies = {[GATE_MICROSOFT] = GATE_MICROSOFT_UNAUTHENTICATED},
	},
	{
		.spf = SPF_SOFTFAIL,
		.words = "spf softfail",
		.spares_bounces = true,
		.replies = {[GATE_MICROSOFT] = GATE_MICROSOFT_UNAUTHENTICATED},
	},
	{
		.spf = SPF_PERMERROR,
		.words = "spf permerror",
		.spares_bounces = true,
		.replies = {[GATE_MICROSOFT] = GATE_MICROSOFT_UNAUTHENTICATED},
	},
};

_Static_assert(sizeof(gate_rows) / sizeof(gate_rows[0]) == GATE_ROW_COUNT, "gate.h says how many");

/* A fail in doubt could be a pass as soon as DNS answers: that is what temperror stands for. */
static enum spf_result gate_spf_result(const struct spf_evidence *spf)
{
	return spf->result == SPF_FAIL && spf->is_doubtful ? SPF_TEMPERROR : spf->result;
}

static bool gate_row_matches(const struct gate_row *row, const struct gate_case *about)
{
	const struct evidence *evidence = about->evidence;

	if (row->is_temporary && about->dns_failure_passes)
		return false;
	if (row->iprev != IPREV_NOT_ASKED)
		return row->iprev == evidence->iprev.result;
	if (row->spares_bounces && evidence->spf.is_helo)
		return false;
	return !about->is_trusted_forwarder && row->spf == gate_spf_result(&evidence->spf);
}

/* What a letter behind "%" in a text stands for. */
static const char *gate_word(const struct gate_case *about, char letter,
			     char address[static NETADDR_TEXT_SIZE])
{
	const struct evidence *evidence = about->evidence;
	bool is_ipv4 = about->client->bits == 32;

	switch (letter) {
	case 'a':
		netaddr_format(about->client, address);
		return address;
	case 'f':
		return is_ipv4 ? "IPv4" : "IPv6";
	case 'r':
		return is_ipv4 ? "A" : "AAAA";
	case 'n':
		return evidence->iprev.name[0] != '\0' ? evidence->iprev.name : "a valid name";
	case 'd':
		return evidence->spf.domain[0] != '\0' ? evidence->spf.domain : "none";
	case 'i':
		return evidence->spf.is_helo ? "HELO" : "MAIL FROM";
	default:
		return spf_result_word(evidence->spf.result);
	}
}

/* A long name is cut, and shows that it is. */
static void gate_write_word(char *out, size_t size, const char *word)
{
	static const char cut[] = "...";

	if (strlen(word) < size) {
		printable_line(out, size, span_of(word));
	} else {
		size_t length = printable_line(out, size - strlen(cut), span_of(word));
		memcpy(out + length, cut, sizeof(cut));
	}
}

static void gate_write_text(const struct gate_case *about, const char *text, char *out, size_t size)
{
	/* A reply line has 512 bytes (RFC 5321 4.5.3.1.5), and the longest text holds one name. */
	enum { WORD_SIZE = 128 };
	char address[NETADDR_TEXT_SIZE], word[WORD_SIZE];
	size_t length = 0;

	for (; *text != '\0' && length + 1 < size; text++) {
		if (*text != '%') {
			out[length++] = *text;
			continue;
		}
		text++;
		gate_write_word(word, sizeof(word), gate_word(about, *text, address));

		length += (size_t)snprintf(out + length, size - length, "%s", word);
		if (length >= size)
			length = size - 1;
	}
	out[length] = '\0';
}

const char *gate_row_words(size_t row)
{
	return gate_rows[row].words;
}

bool gate_judge(const struct gate_case *about, struct gate_judgement *judgement)
{
	for (size_t i = 0; i < sizeof(gate_rows) / sizeof(gate_rows[0]); i++) {
		const struct gate_row *row = &gate_rows[i];
		const struct gate_reply *reply = &row->replies[about->profile];
		if (reply->code == NULL || !gate_row_matches(row, about))
			continue;
		char text[GATE_ANSWER_SIZE - 32];
		gate_write_text(about, reply->text, text, sizeof(text));
		judgement->is_permanent = reply->code[0] == '5';
		snprintf(judgement->reply, sizeof(judgement->reply), "%s %s", reply->code,
			 reply->status);
		judgement->evidence = row->words;
		judgement->row = (unsigned)i;
		snprintf(judgement->answer, sizeof(judgement->answer), "%s %s %s",
			 judgement->is_permanent ? reply->code : "DEFER_IF_PERMIT", reply->status,
			 text);
		return true;
	}
	return false;
}
