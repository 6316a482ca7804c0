/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that reads for admins: slices of tables, over a connection of its own, so that what
 * answers mail never waits for it.
 *
 * The connection is opened and closed by the worker, together with its own: one that is opened
 * later by name could be to another file, which somebody put there, but with our log beside it.
 */
#pragma once

#include "sqlite_request.h"

struct sqlite_reader;

/* The errand of request, which the callee owns now, has come to somebody else's turn, or is done.
 * Called on the reader's thread. */
typedef void sqlite_reader_done_fn(struct sqlite_request *request, void *arg);

/* NULL: no thread to be had.  Signals are blocked in the thread if they are in the caller. */
struct sqlite_reader *sqlite_reader_new(sqlite_reader_done_fn *done, void *arg);

/* From now on read from *db, which is taken over (NULL: from nothing, and every request fails); the
 * connection before is closed, which waits for the slice that is being read. */
void sqlite_reader_set_db(struct sqlite_reader *reader, struct sqlite_db **db);

/*
 * Read nothing from now on, until sqlite_reader_go_on(); a slice that has begun ends first. Whoever
 * copies the write-ahead log can copy only what no reader still needs as it was.
 */
void sqlite_reader_rest(struct sqlite_reader *reader);
void sqlite_reader_go_on(struct sqlite_reader *reader);

/* Do the errand of request, which is taken over.  From any thread. */
void sqlite_reader_ask(struct sqlite_reader *reader, struct sqlite_request *request);

/* End the thread; what it has begun comes back by done(), unfinished. */
void sqlite_reader_stop(struct sqlite_reader *reader);

/* Also what it has not begun. */
void sqlite_reader_free(struct sqlite_reader **reader);
