/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store (store/store.h) that answers what a text says, from the loop, and keeps nothing.
 *
 * The text is lines of fields with tabs between:
 *
 *     q FIRST LAST PASSES COUNTED LAST PASSES ...  what is found for the next question about mail,
 *                                                  six numbers for each identity; of questions
 *                                                  beyond, nothing is found
 *     q!                                           that question fails
 *     entry ID FIRST LAST PASSES EXPIRES IDENTITY SENDER RECIPIENT
 *     client COUNTED LAST PASSES EXPIRES IDENTITY
 *     networks RESOLVED FRESH_UNTIL DOMAIN TEXT
 *     total VALUE NAME
 *     census WAITING PASSED CLIENTS KNOWN SIZE WHY (with a WHY, it is failing)
 *     fails                                        all but questions about mail
 */
#pragma once

#include "base/span.h"
#include "store/store.h"

/* base is borrowed.  Freed by store_free(). */
struct store *text_store_new(struct event_base *base);

/* From now on it answers by text (borrowed). */
void text_store_begin(struct store *store, struct span text);

/* How many questions about mail there were since then. */
size_t text_store_questions(const struct store *store);
