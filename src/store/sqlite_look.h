/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known mail, answered on the event loop itself: read over a connection of its own, without waiting
 * for the disk (sqlite_nowait.h), for the worker, or for anybody's lock on the database.
 *
 * So known mail does not wait behind what a flood of new mail makes the worker write.  Only what
 * passes, and needs nothing written, is answered here.  Whatever else is found, or cannot be found
 * now, is for the worker to say: this connection may not see yet what he is about to commit.
 *
 * What remains are moments: SQLite's mutex around the index of the log, which the worker holds
 * while he lengthens it beyond 64 MB of log, and that index itself, which is mapped into memory and
 * would have to be read again after it was paged out.
 */
#pragma once

#include "sqlite_request.h"

struct sqlite_look;

struct sqlite_look *sqlite_look_new(void);

/*
 * From now on read from *db, which is taken over (NULL: from nothing).  of is the worker's own
 * connection to the same database, borrowed until the next call: what it has in memory is used.
 * On the worker's thread.
 */
void sqlite_look_set_db(struct sqlite_look *look, struct sqlite_db **db, struct sqlite_db *of);

/* Answer what can be answered of asked, which moves to done.  On the loop's thread. */
void sqlite_look(struct sqlite_look *look, struct sqlite_queue *asked, struct sqlite_queue *done);

void sqlite_look_free(struct sqlite_look **look);
