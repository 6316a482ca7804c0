/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mail and admins ask of a database, as a text: a step a line, its arguments behind tabs.
 *
 *     ask IDENTITY SENDER RECIPIENT NOW   a question about mail; "ask+": from a client that can
 *                                         become known, "ask?": that leaves nothing behind
 *     list CLIENT SENDER RECIPIENT        entries, by an admin's patterns, or without ("")
 *     forget CLIENT SENDER RECIPIENT      the same, removed
 *     clients CLIENT                      clients
 *     disown CLIENT                       the same, removed
 *     allow IDENTITY                      a client is made known
 *     expire NOW
 *     census KNOWN_AFTER
 *     totals                              are read, and kept again
 *     networks                            of the farms: are read, and kept again
 *     set FIRST LAST PASSES EXPIRES       somebody with sqlite3(1) changes every entry and client
 *
 * Steps go through sqlite_db.h and its like, as the store's threads take them, but on this thread.
 */
#pragma once

#include "base/span.h"
#include "store/sqlite_db.h"

/* Take the steps in script, each in a transaction.  A step that fails is undone, and the rest goes
 * on; but not behind SQLITE_DB_DAMAGED, which is returned then. */
enum sqlite_db_status store_script_run(struct sqlite_db *db, struct span script);
