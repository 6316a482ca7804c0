/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the index of hashes (sqlite_index.h) still has of entries that were removed.
 *
 * It is taken out behind, as what comes is put in: in a database that is full each new entry
 * removes another, whose hash falls anywhere, and to take out each at once would write a page of
 * the index for each.  So the database notes what was removed, by whomever, in a table in that
 * order (sqlite_schema.c).  When there is much of it, a go through the index begins: it is read
 * into memory, taken out of the index in the order of hashes, many of a page at once, and then
 * forgotten, some with each transaction that adds or removes entries.  Until then a row of the
 * index leads to no entry, which harms nobody.
 *
 * How far a go has come is in meta, so that restarts do not keep it from its end.
 */
#pragma once

#include "sqlite_db.h"
#include "sqlite_statement.h"

struct sqlite_removed;

struct sqlite_removed *sqlite_removed_new(struct sqlite_statements *sql);

/* It is a good time to begin a go: somebody else goes through the index as well. */
void sqlite_removed_invite(struct sqlite_removed *removed);

/*
 * The last step of a transaction: go on, if it is time, by about count rows of the index; none that
 * stand at to_rank (sqlite_recent.h) or behind it.
 */
enum sqlite_db_status sqlite_removed_end(struct sqlite_removed *removed, size_t count,
					 int64_t to_rank) __attribute__((warn_unused_result));

/* The transaction was undone, or committed. */
void sqlite_removed_rollback(struct sqlite_removed *removed);
void sqlite_removed_commit(struct sqlite_removed *removed);

void sqlite_removed_free(struct sqlite_removed **removed);
