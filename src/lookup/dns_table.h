/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions and the answers to them so far: what an evaluation by replay knows, and what it wants
 * to know.
 *
 * Such an evaluation is a pure function that takes this table.  It asks by dns_table_ask(); what is
 * not known yet is noted, the evaluation gives up, and runs again from its start when there is an
 * answer.  So SPF can be evaluated without waiting anywhere, and tested without a network.
 */
#pragma once

#include "dns_answer.h"
#include "dns_name.h"

#include <stdbool.h>
#include <stddef.h>

struct dns_table_row {
	enum dns_type type;
	char name[DNS_NAME_SIZE];
	const struct dns_answer *answer; /* held; NULL: not known yet */
	void *made;                      /* owned; see dns_table_made() */
};

typedef void dns_table_free_fn(void *made);

struct dns_table {
	struct dns_table_row *rows; /* owned; in the order in which they were asked first */
	size_t count, size;
	size_t max;                                /* rows; set by the caller of dns_table_init() */
	const struct dns_answer *no_name, *failed; /* owned; see dns_table_ask() */
	dns_table_free_fn *free_made;              /* of all rows; NULL while there is none */
};

/* A table for at most max questions: what is asked beyond could not be told. */
void dns_table_init(struct dns_table *table, size_t max);

/*
 * The answer to a question, or NULL: then the question is in the table from now on, to be answered
 * by dns_table_answer().  A name that is none (dns_name_fold_question()) is DNS_NO_NAME at once.
 * Answers stay what they are and where they are as long as the table.
 */
const struct dns_answer *dns_table_ask(struct dns_table *table, enum dns_type type,
				       struct span name);

/* Row number i gets its answer, which it holds from now on. */
void dns_table_answer(struct dns_table *table, size_t i, const struct dns_answer *answer);

/* Until when all answers that are there are good: monotonic; INT64_MAX when there are none. */
int64_t dns_table_good_until_ms(const struct dns_table *table);

/*
 * A place for what the evaluation makes of the answer of one of the rows, so that its next run need
 * not make it again; *place is NULL until then.  The table frees it with free_made, the same for
 * all rows.  Valid until the next dns_table_ask().
 */
void **dns_table_made(struct dns_table *table, const struct dns_answer *answer,
		      dns_table_free_fn *free_made);

void dns_table_clear(struct dns_table *table);
