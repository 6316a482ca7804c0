/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_index.h"

#include "base/memory.h"
#include "sqlite_recent.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	/* When so many are in memory, they begin to go into the index: 2 MiB, read in again in some
	 * ten milliseconds. */
	SQLITE_INDEX_RECENT_MAX = 128 * 1024,
	SQLITE_INDEX_PACE = 2, /* so many go into the index for each entry that comes */
};

/* Of what is in the index; far more than there will be entries, so that ids can be added to. */
static const int64_t SQLITE_INDEX_ID_MAX = (int64_t)1 << 60;

struct sqlite_index {
	struct sqlite_statements *sql; /* borrowed */
	struct sqlite_recent *recent;  /* owned; NULL: to be read in */
	int64_t version;               /* of the database, when recent was read in */
	bool is_checked;               /* in this transaction: recent is what it must be */
	int64_t placed;                /* all entries up to this id are in the index */
	int64_t next_id;
	size_t added; /* in this transaction */
	/* While entries go into the index. */
	bool is_placing;
	int64_t placing_to; /* those up to this id */
	size_t left;        /* of them */
	size_t at;          /* as in sqlite_recent_take() */
};

struct sqlite_index *sqlite_index_new(struct sqlite_statements *sql)
{
	struct sqlite_index *index = mem_alloc(sizeof(*index));

	index->sql = sql;
	return index;
}

void sqlite_index_free(struct sqlite_index **index)
{
	if (*index == NULL)
		return;
	sqlite_recent_free(&(*index)->recent);
	free(*index);
	*index = NULL;
}

void sqlite_index_begin(struct sqlite_index *index)
{
	index->is_checked = false;
	index->added = 0;
}

void sqlite_index_rollback(struct sqlite_index *index)
{
	sqlite_recent_free(&index->recent);
}

/* The number that a statement gives; one that gives none is damage. */
static enum sqlite_db_status sqlite_index_ask(struct sqlite_index *index,
					      enum sqlite_statement which, int64_t *number)
{
	bool has_row;
	enum sqlite_db_status status = sqlite_statement_step(index->sql, which, &has_row);

	*number = 0;
	if (status == SQLITE_DB_OK && has_row) {
		*number = sqlite_statement_number(index->sql, which, 0);
	} else if (status == SQLITE_DB_OK) {
		snprintf(index->sql->why, sizeof(index->sql->why),
			 "how far its index goes is missing");
		status = SQLITE_DB_DAMAGED;
	}
	sqlite_statement_finish(index->sql, which);
	return status;
}

/* What sqlite3(1) may have put there, and we never would. */
static enum sqlite_db_status sqlite_index_damaged(struct sqlite_index *index, const char *what)
{
	snprintf(index->sql->why, sizeof(index->sql->why), "%s", what);
	return SQLITE_DB_DAMAGED;
}

/* Take the entry that SQL_ENTRY_RECENT stands on. */
static enum sqlite_db_status sqlite_index_read_one(struct sqlite_index *index)
{
	int64_t id = sqlite_statement_number(index->sql, SQL_ENTRY_RECENT, 0);

	/* A table that somebody else made has them in any order. */
	if (id < index->next_id || id - index->placed > SQLITE_RECENT_IDS_MAX)
		return sqlite_index_damaged(index, "the ids of its entries are no ids of ours");
	sqlite_recent_add(index->recent,
			  (int32_t)sqlite_statement_number(index->sql, SQL_ENTRY_RECENT, 1), id);
	index->next_id = id + 1;
	return SQLITE_DB_OK;
}

/* Read in what the index does not have. */
static enum sqlite_db_status sqlite_index_read(struct sqlite_index *index)
{
	enum sqlite_db_status status;
	bool has_row;

	sqlite_statement_bind_text(index->sql, SQL_META_GET, 1, "placed");
	status = sqlite_index_ask(index, SQL_META_GET, &index->placed);
	if (status == SQLITE_DB_OK && (index->placed < 0 || index->placed > SQLITE_INDEX_ID_MAX))
		status = sqlite_index_damaged(index, "how far its index goes is no id");
	if (status != SQLITE_DB_OK)
		return status;
	sqlite_recent_free(&index->recent);
	index->recent = sqlite_recent_new(index->placed);
	index->next_id = index->placed + 1;
	index->is_placing = false;
	sqlite_statement_bind_number(index->sql, SQL_ENTRY_RECENT, 1, index->placed);
	do {
		status = sqlite_statement_step(index->sql, SQL_ENTRY_RECENT, &has_row);
		if (status == SQLITE_DB_OK && has_row)
			status = sqlite_index_read_one(index);
	} while (status == SQLITE_DB_OK && has_row);
	sqlite_statement_finish(index->sql, SQL_ENTRY_RECENT);
	if (status != SQLITE_DB_OK)
		sqlite_recent_free(&index->recent);
	return status;
}

/* See to it, once in a transaction, that what is in memory is what the database has. */
static enum sqlite_db_status sqlite_index_check(struct sqlite_index *index)
{
	int64_t version;

	if (index->is_checked)
		return SQLITE_DB_OK;
	enum sqlite_db_status status = sqlite_index_ask(index, SQL_DATA_VERSION, &version);
	if (status == SQLITE_DB_OK && (index->recent == NULL || version != index->version))
		status = sqlite_index_read(index);
	index->version = version;
	index->is_checked = status == SQLITE_DB_OK;
	return status;
}

enum sqlite_db_status sqlite_index_find(struct sqlite_index *index, int32_t hash,
					enum sqlite_statement *which, bool *has_row)
{
	enum sqlite_db_status status = sqlite_index_check(index);
	size_t from = 0;
	int64_t id;

	*has_row = false;
	*which = SQL_ENTRY_GET;
	while (status == SQLITE_DB_OK && !*has_row &&
	       sqlite_recent_next(index->recent, hash, &from, &id)) {
		sqlite_statement_finish(index->sql, SQL_ENTRY_GET);
		sqlite_statement_bind_number(index->sql, SQL_ENTRY_GET, 1, id);
		status = sqlite_statement_step(index->sql, SQL_ENTRY_GET, has_row);
	}
	if (status != SQLITE_DB_OK || *has_row)
		return status;
	sqlite_statement_finish(index->sql, SQL_ENTRY_GET);
	*which = SQL_ENTRY_FIND;
	sqlite_statement_bind_number(index->sql, SQL_ENTRY_FIND, 1, hash);
	return sqlite_statement_step(index->sql, SQL_ENTRY_FIND, has_row);
}

enum sqlite_db_status sqlite_index_add(struct sqlite_index *index, int32_t hash, int64_t *id)
{
	enum sqlite_db_status status = sqlite_index_check(index);

	if (status != SQLITE_DB_OK)
		return status;
	*id = index->next_id++;
	sqlite_recent_add(index->recent, hash, *id);
	index->added++;
	return SQLITE_DB_OK;
}

void sqlite_index_remove(struct sqlite_index *index, int32_t hash, int64_t id)
{
	if (index->recent != NULL && sqlite_recent_remove(index->recent, hash, id) &&
	    index->is_placing && id <= index->placing_to)
		index->left--;
}

/* All that there are now shall go into the index. */
static void sqlite_index_begin_placing(struct sqlite_index *index)
{
	index->is_placing = true;
	index->placing_to = index->next_id - 1;
	index->left = sqlite_recent_count(index->recent);
	index->at = 0;
}

static enum sqlite_db_status sqlite_index_place_one(struct sqlite_index *index)
{
	int32_t hash;
	int64_t id;

	if (!sqlite_recent_take(index->recent, index->placing_to, &index->at, &hash, &id)) {
		/* Once more: the table has grown, or moved. */
		index->at = 0;
		return SQLITE_DB_OK;
	}
	index->left--;
	sqlite_statement_bind_number(index->sql, SQL_PLACE_ADD, 1, hash);
	sqlite_statement_bind_number(index->sql, SQL_PLACE_ADD, 2, id);
	return sqlite_statement_run(index->sql, SQL_PLACE_ADD);
}

/* From now on the index has them all, also for a start. */
static enum sqlite_db_status sqlite_index_end_placing(struct sqlite_index *index)
{
	index->is_placing = false;
	index->placed = index->placing_to;
	sqlite_recent_set_base(index->recent, index->placed);
	sqlite_statement_bind_text(index->sql, SQL_META_SET, 1, "placed");
	sqlite_statement_bind_number(index->sql, SQL_META_SET, 2, index->placed);
	return sqlite_statement_run(index->sql, SQL_META_SET);
}

enum sqlite_db_status sqlite_index_end(struct sqlite_index *index)
{
	enum sqlite_db_status status = SQLITE_DB_OK;

	if (index->added == 0)
		return SQLITE_DB_OK;
	if (!index->is_placing && sqlite_recent_count(index->recent) >= SQLITE_INDEX_RECENT_MAX)
		sqlite_index_begin_placing(index);
	if (!index->is_placing)
		return SQLITE_DB_OK;
	for (size_t n = SQLITE_INDEX_PACE * index->added;
	     status == SQLITE_DB_OK && n > 0 && index->left > 0; n--)
		status = sqlite_index_place_one(index);
	if (status == SQLITE_DB_OK && index->left == 0)
		status = sqlite_index_end_placing(index);
	return status;
}
