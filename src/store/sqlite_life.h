/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the database: its connections are opened together, it is moved aside when it is
 * damaged and a new one begun, closed after a failure and opened again in a while, and looked for
 * when somebody replaced it.  And what the log says of all this.
 *
 * On the worker's thread, but for what is said otherwise.
 */
#pragma once

#include "sqlite_checkpointer.h"
#include "sqlite_db.h"
#include "sqlite_look.h"
#include "sqlite_reader.h"

struct sqlite_life;

/* Those that have a connection of their own beside the worker's; borrowed. */
struct sqlite_life_others {
	struct sqlite_checkpointer *checkpointer;
	struct sqlite_reader *reader;
	struct sqlite_look *look;
};

struct sqlite_life *sqlite_life_new(const char *path, const struct store_options *options);

/* For the first time: before the worker's thread begins.  A database that is damaged is moved aside
 * here too.  False, and why: it cannot be opened. */
bool sqlite_life_begin(struct sqlite_life *life, const struct sqlite_life_others *others,
		       char why[static STORE_WHY_SIZE]);

/* The worker's connection, borrowed until the next call here; NULL while it cannot be opened. */
struct sqlite_db *sqlite_life_db(const struct sqlite_life *life);

/*
 * End the worker's transaction: commit when status, of what was done in it, is SQLITE_DB_OK, or
 * roll back and remember why.  Returns the status of both.
 */
enum sqlite_db_status sqlite_life_end_transaction(struct sqlite_life *life,
						  enum sqlite_db_status status)
	__attribute__((warn_unused_result));

/* The database that is open is damaged: move it aside and begin a new one. */
enum sqlite_db_status sqlite_life_begin_anew(struct sqlite_life *life);

/* The database that is open failed with status: log it, once, and close it if it may be half-usable
 * now. */
void sqlite_life_take_failure(struct sqlite_life *life, enum sqlite_db_status status);

/* It failed, and has not been well since for long enough. */
bool sqlite_life_is_failing(const struct sqlite_life *life);

/* If it is closed: open it again, but not all the time. */
void sqlite_life_reopen(struct sqlite_life *life);

/* If it was removed or replaced, open what is there now: what is written to the other is lost. */
void sqlite_life_stay_in_place(struct sqlite_life *life);

/* Note in census whether it fails, and why.  From any thread. */
void sqlite_life_tell(struct sqlite_life *life, struct store_census *census);

/* The others have ended with their connections. */
void sqlite_life_free(struct sqlite_life **life);
