/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPF in a world where everybody is hostile: guard and libspf2.
 *
 * The input is lines: limits and client (two characters), sender, HELO, and then answers
 * (rig/answers.h).
 *
 * It is evaluated twice, with answers arriving in different orders, and has to end the same.  Then
 * the record of the sender's domain is flattened, as the farms' are, with the same answers.
 */
#include "lookup/spf_evaluate.h"

#include "base/printable.h"
#include "lookup/spf_networks.h"
#include "rig/answers.h"
#include "rig/input.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Static_assert((int)ANSWERS_MAX >= 2 * (int)SPF_QUESTIONS_MAX + (int)SPF_NETWORKS_QUESTIONS_MAX,
	       "room for what is asked");

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
				 answers_get(table.rows[row].type, table.rows[row].name));
		runs++;
	}
	assert(runs <= table.count + 1 && table.count < SPF_QUESTIONS_MAX);
	dns_table_clear(&table);
}

static struct netaddr fuzz_client(char choice)
{
	static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "127.0.0.1",      "::1",
					      "0.0.0.0",   "::",          "255.255.255.255"};
	struct netaddr client;

	netaddr_parse(span_of(clients[(uint8_t)choice % 7]), &client);
	return client;
}

/* What is found is sorted, each once, and in nothing else that is found. */
static void fuzz_check_networks(const struct spf_networks *networks)
{
	assert((networks->status == SPF_NETWORKS_FOUND) == (networks->count > 0));
	assert((networks->status == SPF_NETWORKS_FOUND) == (networks->why[0] == '\0'));
	assert(printable_is_clean(span_of(networks->left)));
	if (networks->count > 0)
		assert(networks->ttl_s >= SPF_NETWORKS_TTL_MIN_S &&
		       networks->ttl_s <= SPF_NETWORKS_TTL_MAX_S);
	for (size_t i = 0; i + 1 < networks->count; i++)
		assert(netaddr_compare(&networks->list[i].addr, &networks->list[i + 1].addr) <= 0 &&
		       memcmp(&networks->list[i], &networks->list[i + 1],
			      sizeof(*networks->list)) != 0);
}

static void fuzz_flatten(struct span domain)
{
	struct spf_networks networks = {0};
	struct dns_table table;
	size_t row, runs = 1;

	dns_table_init(&table, SPF_NETWORKS_QUESTIONS_MAX);
	while (!spf_networks_flatten(domain, &table, &row, &networks)) {
		assert(row < table.count && table.rows[row].answer == NULL);
		dns_table_answer(&table, row,
				 answers_get(table.rows[row].type, table.rows[row].name));
		runs++;
	}
	assert(runs <= table.count + 1 && table.count <= SPF_NETWORKS_QUESTIONS_MAX);
	fuzz_check_networks(&networks);
	spf_networks_clear(&networks);
	dns_table_clear(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spf_evaluator *evaluator;
	struct span input = input_of(data, size);
	struct spf_outcome first, second;

	if (evaluator == NULL)
		evaluator = spf_evaluator_new();
	if (size < 3)
		return 0;
	unsigned limits = (uint8_t)input.text[0];
	struct netaddr client = fuzz_client(input.text[1]);
	input = span_from(input, 3);
	struct spf_question question = {
		.client = client,
		.sender = input_line(&input),
		.helo = input_line(&input),
		/* "0" is what the RFC says. */
		.limits = {limits == '0' ? 10 : limits % 32, limits == '0' ? 2 : limits / 32},
	};
	answers_begin(input, &client);
	fuzz_evaluate(evaluator, &question, true, &first);
	fuzz_evaluate(evaluator, &question, false, &second);
	assert(first.evidence.result != SPF_NOT_ASKED);
	assert(printable_is_clean(span_of(first.detail)));
	assert(memcmp(&first, &second, sizeof(first)) == 0);
	fuzz_flatten(span_of(first.evidence.domain));
	answers_end();
	return 0;
}
