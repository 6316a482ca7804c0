/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One errand (store_errand.h) on its way: what was asked, how far it has come, and what it found.
 *
 * It goes in small steps, so that nobody waits for long: slices of a table, which a reader takes
 * from a connection of its own, and removals of some rows, which the worker takes between mails.
 * Blocking, as sqlite_db.h; an errand has one owner at a time.
 */
#pragma once

#include "sqlite_db.h"
#include "store_errand.h"

struct sqlite_errand;

/* Whose turn it is. */
enum sqlite_errand_turn {
	SQLITE_ERRAND_READER,
	SQLITE_ERRAND_WRITER,
	SQLITE_ERRAND_DONE,
};

/* Copies what errand borrows. */
struct sqlite_errand *sqlite_errand_new(const struct store_errand *errand);

enum sqlite_errand_turn sqlite_errand_turn(const struct sqlite_errand *errand);

/* Whether it is to be done even when nobody waits for its end: what it has is to be kept. */
bool sqlite_errand_is_lasting(const struct sqlite_errand *errand);

/* The reader's or the writer's next step, within a transaction.  With SQLITE_DB_BUSY it can be
 * tried again; after any other failure the errand has failed. */
enum sqlite_db_status sqlite_errand_step(struct sqlite_errand *errand, struct sqlite_db *db)
	__attribute__((warn_unused_result));

/* What it found, borrowed; the caller fills in the status, and of a census what only he knows. */
void sqlite_errand_report(struct sqlite_errand *errand, struct store_report *report);
struct store_census *sqlite_errand_census(struct sqlite_errand *errand);

void sqlite_errand_free(struct sqlite_errand **errand);
