/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that copies the write-ahead log into the database now and then, over a connection of
 * its own, so that no answer waits for it.
 *
 * It can never copy the last pages while the worker goes on writing, and only a log that is copied
 * whole begins anew; so the worker copies the few that are left when the thread has done the bulk.
 * The connection is opened and closed by the worker, as the reader's is (sqlite_reader.h).
 */
#pragma once

#include "sqlite_db.h"

struct sqlite_checkpointer;
struct sqlite_reader;

enum sqlite_checkpointer_state {
	SQLITE_CHECKPOINT_NONE,
	SQLITE_CHECKPOINT_RUNS,   /* the thread copies */
	SQLITE_CHECKPOINT_COPIED, /* the rest is the worker's */
};

/* The state is another one than SQLITE_CHECKPOINT_RUNS now.  Called on the thread. */
typedef void sqlite_checkpointer_done_fn(void *arg);

/* reader (borrowed) rests while the log is copied.  NULL: no thread to be had.  Signals are blocked
 * in the thread if they are in the caller. */
struct sqlite_checkpointer *sqlite_checkpointer_new(struct sqlite_reader *reader,
						    sqlite_checkpointer_done_fn *done, void *arg);

/* From now on copy over *db, which is taken over (NULL: there is none); the connection before is
 * closed, which waits for the copying. */
void sqlite_checkpointer_set_db(struct sqlite_checkpointer *checkpointer, struct sqlite_db **db);

/* From any thread. */
enum sqlite_checkpointer_state sqlite_checkpointer_state(struct sqlite_checkpointer *checkpointer);

/* For the worker, between two transactions on db: begin to copy when the log has grown. */
void sqlite_checkpointer_watch(struct sqlite_checkpointer *checkpointer,
			       const struct sqlite_db *db);

/* For the worker likewise (NULL: it is closed): when all was copied, do the rest, with a sync. */
void sqlite_checkpointer_finish(struct sqlite_checkpointer *checkpointer, struct sqlite_db *db);

/* End the thread. */
void sqlite_checkpointer_stop(struct sqlite_checkpointer *checkpointer);

void sqlite_checkpointer_free(struct sqlite_checkpointer **checkpointer);
