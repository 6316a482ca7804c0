/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_table.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void dns_table_init(struct dns_table *table, size_t max)
{
	*table = (struct dns_table){.max = max,
				    .no_name = dns_answer_new(DNS_NO_NAME, 0),
				    .failed = dns_answer_new(DNS_FAILED, 0)};
}

const struct dns_answer *dns_table_ask(struct dns_table *table, enum dns_type type,
				       struct span name)
{
	char folded[DNS_NAME_SIZE];

	if (!dns_name_fold_question(name, folded))
		return table->no_name;
	/* A table has at most some hundred rows, and mostly ten. */
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].type == type && strcmp(table->rows[i].name, folded) == 0)
			return table->rows[i].answer;
	if (table->count == table->max)
		return table->failed;
	if (table->count == table->size) {
		table->size = table->size == 0 ? 8 : 2 * table->size;
		table->rows = mem_resize(table->rows, table->size * sizeof(*table->rows));
	}
	struct dns_table_row *row = &table->rows[table->count++];
	*row = (struct dns_table_row){.type = type};
	memcpy(row->name, folded, sizeof(folded));
	return NULL;
}

void dns_table_answer(struct dns_table *table, size_t i, const struct dns_answer *answer)
{
	assert(i < table->count && table->rows[i].answer == NULL);
	table->rows[i].answer = dns_answer_hold(answer);
}

int64_t dns_table_good_until_ms(const struct dns_table *table)
{
	int64_t good_until_ms = INT64_MAX;

	for (size_t i = 0; i < table->count; i++) {
		const struct dns_answer *answer = table->rows[i].answer;
		if (answer != NULL && dns_answer_good_until_ms(answer) < good_until_ms)
			good_until_ms = dns_answer_good_until_ms(answer);
	}
	return good_until_ms;
}

void **dns_table_made(struct dns_table *table, const struct dns_answer *answer,
		      dns_table_free_fn *free_made)
{
	size_t i = 0;

	while (i < table->count && table->rows[i].answer != answer)
		i++;
	assert(i < table->count);
	table->free_made = free_made;
	return &table->rows[i].made;
}

void dns_table_clear(struct dns_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].made != NULL)
			table->free_made(table->rows[i].made);
		dns_answer_release(&table->rows[i].answer);
	}
	free(table->rows);
	dns_answer_release(&table->no_name);
	dns_answer_release(&table->failed);
	*table = (struct dns_table){0};
}
