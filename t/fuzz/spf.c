/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPF in a world where everybody is hostile: guard and libspf2.
 *
 * The input is lines: limits and client (two characters), sender, HELO, and then answers, of which
 * each new question takes the next, in turn.  An answer is records with \1 between them, or of one
 * character: "!" could not tell, "-" no such name, "=" no data.  A record of addresses is the bytes
 * of an address, or "c", the client's; of a host or a client's name, the name.
 *
 * It is evaluated twice, with answers arriving in different orders, and has to end the same.
 */
#include "lookup/spf_evaluate.h"

#include "base/printable.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was answered to whom, so that the second evaluation hears the same. */
struct known {
	enum dns_type type;
	char name[DNS_NAME_SIZE];
	const struct dns_answer *answer; /* held */
};

static struct {
	struct span answers, rest;
	struct netaddr client;
	struct known known[2 * SPF_QUESTIONS_MAX];
	size_t known_count;
} fuzz;

static struct span fuzz_take(struct span *text, char separator)
{
	size_t length = span_find(*text, separator);
	struct span part = span_first(*text, length);

	*text = span_from(*text, length < text->length ? length + 1 : length);
	return part;
}

static void fuzz_add(struct dns_answer *answer, enum dns_type type, struct span record)
{
	struct netaddr addr = {.bits = type == DNS_A ? 32 : 128};
	char name[DNS_NAME_SIZE];

	switch (type) {
	case DNS_TXT:
		dns_answer_add_text(answer, record);
		break;
	case DNS_MX:
	case DNS_PTR:
		dns_name_fold(record, name);
		dns_answer_add_text(answer, span_of(name));
		break;
	case DNS_A:
	case DNS_AAAA:
		memcpy(addr.bytes, record.text,
		       record.length < addr.bits / 8 ? record.length : addr.bits / 8);
		if (span_equals(record, SPAN("c")) && fuzz.client.bits == addr.bits)
			addr = fuzz.client;
		dns_answer_add_address(answer, &addr);
		break;
	}
}

static const struct dns_answer *fuzz_answer(enum dns_type type, const char *name)
{
	for (size_t i = 0; i < fuzz.known_count; i++)
		if (fuzz.known[i].type == type && strcmp(fuzz.known[i].name, name) == 0)
			return fuzz.known[i].answer;
	if (fuzz.rest.length == 0)
		fuzz.rest = fuzz.answers;
	struct span line = fuzz_take(&fuzz.rest, '\n');
	enum dns_status status = span_equals(line, SPAN("!"))   ? DNS_FAILED
				 : span_equals(line, SPAN("-")) ? DNS_NO_NAME
				 : span_equals(line, SPAN("=")) ? DNS_NO_DATA
								: DNS_FOUND;
	struct dns_answer *answer = dns_answer_new(status, 60);
	while (status == DNS_FOUND) {
		fuzz_add(answer, type, fuzz_take(&line, '\1'));
		if (line.length == 0)
			break;
	}
	assert(fuzz.known_count < 2 * SPF_QUESTIONS_MAX);
	struct known *known = &fuzz.known[fuzz.known_count++];
	known->type = type;
	memcpy(known->name, name, strlen(name) + 1);
	known->answer = answer;
	return answer;
}

/* is_needed: answer what is waited for before each run; else the last that is out. */
static void fuzz_evaluate(struct spf_evaluator *evaluator, const struct spf_question *question,
			  bool is_needed, struct spf_outcome *outcome)
{
	struct dns_table table;
	size_t row, runs = 1;

	dns_table_init(&table, SPF_QUESTIONS_MAX);
	while (!spf_evaluate(evaluator, question, &table, &row, outcome)) {
		assert(row < table.count && table.rows[row].answer == NULL);
		if (!is_needed)
			for (row = table.count - 1; table.rows[row].answer != NULL; row--)
				;
		dns_table_answer(&table, row,
				 fuzz_answer(table.rows[row].type, table.rows[row].name));
		runs++;
	}
	assert(runs <= table.count + 1 && table.count < SPF_QUESTIONS_MAX);
	dns_table_clear(&table);
}

static void fuzz_set_client(char choice)
{
	static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "127.0.0.1",      "::1",
					      "0.0.0.0",   "::",          "255.255.255.255"};

	netaddr_parse(span_of(clients[(uint8_t)choice % 7]), &fuzz.client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spf_evaluator *evaluator;
	struct span input = {(const char *)data, size};
	struct spf_outcome first, second;

	if (evaluator == NULL)
		evaluator = spf_evaluator_new();
	if (size < 3)
		return 0;
	unsigned limits = (uint8_t)input.text[0];
	fuzz_set_client(input.text[1]);
	input = span_from(input, 3);
	struct spf_question question = {
		.client = fuzz.client,
		.sender = fuzz_take(&input, '\n'),
		.helo = fuzz_take(&input, '\n'),
		/* "0" is what the RFC says. */
		.limits = {limits == '0' ? 10 : limits % 32, limits == '0' ? 2 : limits / 32},
	};
	fuzz.answers = fuzz.rest = input.length > 0 ? input : SPAN("-");
	fuzz_evaluate(evaluator, &question, true, &first);
	fuzz_evaluate(evaluator, &question, false, &second);
	assert(first.evidence.result != SPF_NOT_ASKED);
	assert(printable_is_clean(span_of(first.detail)));
	assert(memcmp(&first, &second, sizeof(first)) == 0);
	while (fuzz.known_count > 0)
		dns_answer_release(&fuzz.known[--fuzz.known_count].answer);
	return 0;
}
