/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the entry of a triplet is: an index by hash that is written behind the entries.
 *
 * Hashes of new triplets fall anywhere in the index, so that to write each at once would write a
 * page for each, fifty times what the entry itself takes.  So an entry is durable without it: the
 * index has all entries up to a certain id (meta 'placed'), and later ones stand in memory
 * (sqlite_recent.h), where a start reads them in again.  When there are many, they go into the
 * index in the order of hashes, many to a page, a few with each transaction that adds some; how far
 * that has come is in meta too, so that a start, or another process, goes on from there.
 *
 * What is in memory belongs to one connection and its thread.  Another connection of this process
 * may look into it from another thread (sqlite_index_share()).
 */
#pragma once

#include "sqlite_db.h"
#include "sqlite_statement.h"

#include <stdint.h>

struct sqlite_index;

struct sqlite_index *sqlite_index_new(struct sqlite_statements *sql);

/*
 * Let sqlite_index_find() of index, and nothing else, use what of has in memory; of outlives index.
 * It then finds what is committed, or SQLITE_DB_BUSY while of is changing much; what of commits
 * meanwhile may not be found.
 */
void sqlite_index_share(struct sqlite_index *index, struct sqlite_index *of);

/* A transaction has begun: what another process committed since the last one is to be seen. */
void sqlite_index_begin(struct sqlite_index *index);

/* It was undone, or committed. */
void sqlite_index_rollback(struct sqlite_index *index);
void sqlite_index_commit(struct sqlite_index *index);

/* Its last step: bring the index on, in proportion to what was added and removed. */
enum sqlite_db_status sqlite_index_end(struct sqlite_index *index)
	__attribute__((warn_unused_result));

/*
 * Find an entry: SQL_ENTRY_GET or SQL_ENTRY_FIND (*which), whose texts are bound, stands on it if
 * *has_row; the caller finishes it in any case.
 */
enum sqlite_db_status sqlite_index_find(struct sqlite_index *index, int32_t hash,
					enum sqlite_statement *which, bool *has_row)
	__attribute__((warn_unused_result));

/* The id of an entry that is inserted next, and which the index knows from then on. */
enum sqlite_db_status sqlite_index_add(struct sqlite_index *index, int32_t hash, int64_t *id)
	__attribute__((warn_unused_result));

/* An entry is removed; the database notes it by itself (sqlite_removed.h). */
void sqlite_index_remove(struct sqlite_index *index, int32_t hash, int64_t id);

void sqlite_index_free(struct sqlite_index **index);
