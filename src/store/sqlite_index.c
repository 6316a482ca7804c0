/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_index.h"

#include "base/memory.h"
#include "sqlite_meta.h"
#include "sqlite_recent.h"
#include "sqlite_removed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	/* When so many are in memory, they begin to go into the index: 2 MiB, read in again in some
	 * twenty milliseconds. */
	SQLITE_INDEX_RECENT_MAX = 176 * 1024,
	SQLITE_INDEX_TRIES_MAX = 100, /* a few microseconds: it is mostly held for less */
	SQLITE_INDEX_SAME_MAX = 8, /* entries of one hash that are looked at for another thread */
	SQLITE_INDEX_PACE = 2,     /* so many go into the index, or out of it, for each entry that
				    * comes, or goes ... */
	SQLITE_INDEX_STEP = 32,    /* ... of so many at least at once: transactions of one or two
				    * entries would write a page for each otherwise */
};

/* Of what is in the index; far more than there will be entries, so that ids can be added to. */
static const int64_t SQLITE_INDEX_ID_MAX = (int64_t)1 << 60;

/* How far the index goes, as meta has it. */
struct sqlite_index_state {
	int64_t placed; /* all entries up to this id are in the index */
	/* While entries go into the index: those up to this id (0: none do), in the order of ranks,
	 * of which all before placing_from are there. */
	int64_t placing_to, placing_from;
	int64_t next_id; /* no entry has had it, or a later one */
	/* In memory alone: how many entries came and went since the index was brought on. */
	size_t added, removed;
};

struct sqlite_index {
	struct sqlite_statements *sql; /* borrowed */
	struct sqlite_index *shared;   /* borrowed; whose recent is used.  NULL: its own */
	struct sqlite_recent *recent;  /* owned; NULL: to be read in */
	pthread_mutex_t recent_lock;   /* held while recent is changed, or read by another thread */
	int64_t version;               /* of the database, when recent was read in */
	bool is_checked;               /* in this transaction: recent is what it must be */
	struct sqlite_index_state now, committed;
	/* Of this transaction: what was added to recent and taken from it, so that it can be
	 * undone, and what is to be taken from it at the end. */
	struct sqlite_recent_list added, gone, moved;
	struct sqlite_removed *removed; /* owned */
	size_t removed_count;           /* in this transaction */
};

struct sqlite_index *sqlite_index_new(struct sqlite_statements *sql)
{
	struct sqlite_index *index = mem_alloc(sizeof(*index));

	index->sql = sql;
	index->removed = sqlite_removed_new(sql);
	pthread_mutex_init(&index->recent_lock, NULL);
	return index;
}

void sqlite_index_share(struct sqlite_index *index, struct sqlite_index *of)
{
	index->shared = of;
}

static void sqlite_index_clear_lists(struct sqlite_index *index)
{
	index->added.count = index->gone.count = index->moved.count = 0;
	index->removed_count = 0;
}

void sqlite_index_free(struct sqlite_index **index)
{
	if (*index == NULL)
		return;
	sqlite_recent_free(&(*index)->recent);
	sqlite_removed_free(&(*index)->removed);
	sqlite_recent_list_clear(&(*index)->added);
	sqlite_recent_list_clear(&(*index)->gone);
	sqlite_recent_list_clear(&(*index)->moved);
	pthread_mutex_destroy(&(*index)->recent_lock);
	free(*index);
	*index = NULL;
}

void sqlite_index_begin(struct sqlite_index *index)
{
	index->is_checked = false;
	sqlite_index_clear_lists(index);
}

/* Within recent_lock. */
static void sqlite_index_take_out(struct sqlite_index *index, const struct sqlite_recent_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)sqlite_recent_remove(index->recent, list->entries[i].hash,
					   list->entries[i].id);
}

static void sqlite_index_undo(struct sqlite_index *index)
{
	pthread_mutex_lock(&index->recent_lock);
	sqlite_index_take_out(index, &index->added);
	for (size_t i = 0; i < index->gone.count; i++) {
		const struct sqlite_recent_entry *entry = &index->gone.entries[i];
		/* What came and went within the transaction never was. */
		if (entry->id < index->committed.next_id)
			sqlite_recent_add(index->recent, entry->hash, entry->id);
	}
	pthread_mutex_unlock(&index->recent_lock);
}

void sqlite_index_rollback(struct sqlite_index *index)
{
	if (index->recent != NULL)
		sqlite_index_undo(index);
	sqlite_removed_rollback(index->removed);
	index->now = index->committed;
	sqlite_index_clear_lists(index);
}

void sqlite_index_commit(struct sqlite_index *index)
{
	bool is_placed = index->now.placed != index->committed.placed;

	if (index->recent != NULL && (is_placed || index->moved.count > 0)) {
		pthread_mutex_lock(&index->recent_lock);
		sqlite_index_take_out(index, &index->moved);
		if (is_placed)
			sqlite_recent_set_base(index->recent, index->now.placed);
		pthread_mutex_unlock(&index->recent_lock);
	}
	sqlite_removed_commit(index->removed);
	index->committed = index->now;
	sqlite_index_clear_lists(index);
}

/* What sqlite3(1) may have put there, and we never would. */
static enum sqlite_db_status sqlite_index_damaged(struct sqlite_index *index, const char *what)
{
	snprintf(index->sql->why, sizeof(index->sql->why), "%s", what);
	return SQLITE_DB_DAMAGED;
}

/* How far the index goes. */
static enum sqlite_db_status sqlite_index_get_state(struct sqlite_index *index,
						    struct sqlite_index_state *state)
{
	bool has_placed = false, has_rest = false;
	enum sqlite_db_status status =
		sqlite_meta_get(index->sql, "placed", &state->placed, &has_placed);

	if (status == SQLITE_DB_OK)
		status = sqlite_meta_get(index->sql, "placing_to", &state->placing_to, &has_rest);
	if (status == SQLITE_DB_OK && has_rest)
		status = sqlite_meta_get(index->sql, "placing_from", &state->placing_from,
					 &has_rest);
	if (status == SQLITE_DB_OK && has_rest)
		status = sqlite_meta_get(index->sql, "next_id", &state->next_id, &has_rest);
	if (status != SQLITE_DB_OK)
		return status;
	if (!has_placed)
		return sqlite_index_damaged(index, "how far its index goes is missing");
	if (state->placed < 0 || state->placed > SQLITE_INDEX_ID_MAX)
		return sqlite_index_damaged(index, "how far its index goes is no id");
	if (state->placing_to <= state->placed || state->placing_from < 0 ||
	    state->placing_from > SQLITE_RECENT_RANKS)
		state->placing_to = state->placing_from = 0;
	return SQLITE_DB_OK;
}

/* Take the entry that SQL_ENTRY_RECENT stands on. */
static enum sqlite_db_status sqlite_index_read_one(struct sqlite_index *index)
{
	struct sqlite_index_state *now = &index->now;
	int64_t id = sqlite_statement_number(index->sql, SQL_ENTRY_RECENT, 0);
	int32_t hash = (int32_t)sqlite_statement_number(index->sql, SQL_ENTRY_RECENT, 1);

	/* A table that somebody else made has them in any order. */
	if (id < now->next_id || id - now->placed >= SQLITE_RECENT_IDS_MAX)
		return sqlite_index_damaged(index, "the ids of its entries are no ids of ours");
	now->next_id = id + 1;
	if (id > now->placing_to || sqlite_recent_rank(hash) >= now->placing_from)
		sqlite_recent_add(index->recent, hash, id);
	return SQLITE_DB_OK;
}

/* Read in the entries from id next_id on. */
static enum sqlite_db_status sqlite_index_read_on(struct sqlite_index *index)
{
	enum sqlite_db_status status;
	bool has_row;

	sqlite_statement_bind_number(index->sql, SQL_ENTRY_RECENT, 1, index->now.next_id - 1);
	do {
		status = sqlite_statement_step(index->sql, SQL_ENTRY_RECENT, &has_row);
		if (status == SQLITE_DB_OK && has_row)
			status = sqlite_index_read_one(index);
	} while (status == SQLITE_DB_OK && has_row);
	sqlite_statement_finish(index->sql, SQL_ENTRY_RECENT);
	return status;
}

/* Whether all but what came since is in memory. */
static bool sqlite_index_goes_on(const struct sqlite_index *index,
				 const struct sqlite_index_state *found)
{
	return index->recent != NULL && found->placed == index->now.placed &&
	       found->placing_to == index->now.placing_to &&
	       found->placing_from == index->now.placing_from;
}

/* Bring recent to what was found; within recent_lock. */
static enum sqlite_db_status sqlite_index_read_into(struct sqlite_index *index,
						    const struct sqlite_index_state *found)
{
	if (!sqlite_index_goes_on(index, found)) {
		sqlite_recent_free(&index->recent);
		index->recent = sqlite_recent_new(found->placed);
		index->now = *found;
		index->now.next_id = found->placed + 1;
	}
	enum sqlite_db_status status = sqlite_index_read_on(index);
	if (found->next_id > index->now.next_id &&
	    found->next_id - index->now.placed <= SQLITE_RECENT_IDS_MAX)
		index->now.next_id = found->next_id;
	if (status != SQLITE_DB_OK)
		sqlite_recent_free(&index->recent);
	return status;
}

/* Read in what the index does not have, and memory neither. */
static enum sqlite_db_status sqlite_index_read(struct sqlite_index *index)
{
	struct sqlite_index_state found = {0};
	enum sqlite_db_status status = sqlite_index_get_state(index, &found);

	if (status != SQLITE_DB_OK)
		return status;
	pthread_mutex_lock(&index->recent_lock);
	status = sqlite_index_read_into(index, &found);
	pthread_mutex_unlock(&index->recent_lock);
	index->committed = index->now;
	return status;
}

static enum sqlite_db_status sqlite_index_get_version(struct sqlite_index *index, int64_t *version)
{
	bool has_row;
	enum sqlite_db_status status =
		sqlite_statement_step(index->sql, SQL_DATA_VERSION, &has_row);

	*version = status == SQLITE_DB_OK && has_row
			   ? sqlite_statement_number(index->sql, SQL_DATA_VERSION, 0)
			   : 0;
	sqlite_statement_finish(index->sql, SQL_DATA_VERSION);
	return status;
}

/* See to it, once in a transaction, that what is in memory is what the database has. */
static enum sqlite_db_status sqlite_index_check(struct sqlite_index *index)
{
	int64_t version;

	if (index->is_checked)
		return SQLITE_DB_OK;
	enum sqlite_db_status status = sqlite_index_get_version(index, &version);
	if (status == SQLITE_DB_OK && (index->recent == NULL || version != index->version))
		status = sqlite_index_read(index);
	index->version = version;
	index->is_checked = status == SQLITE_DB_OK;
	return status;
}

/* The entry with this id, if it is the one that is looked for. */
static enum sqlite_db_status sqlite_index_try(struct sqlite_index *index, int64_t id, bool *has_row)
{
	sqlite_statement_finish(index->sql, SQL_ENTRY_GET);
	sqlite_statement_bind_number(index->sql, SQL_ENTRY_GET, 1, id);
	return sqlite_statement_step(index->sql, SQL_ENTRY_GET, has_row);
}

static enum sqlite_db_status sqlite_index_find_recent(struct sqlite_index *index, int32_t hash,
						      bool *has_row)
{
	enum sqlite_db_status status = sqlite_index_check(index);
	size_t from = 0;
	int64_t id;

	while (status == SQLITE_DB_OK && !*has_row &&
	       sqlite_recent_next(index->recent, hash, &from, &id))
		status = sqlite_index_try(index, id, has_row);
	return status;
}

/* The same on another thread than that of the index that is shared, without waiting for it. */
static enum sqlite_db_status sqlite_index_find_shared(struct sqlite_index *index, int32_t hash,
						      bool *has_row)
{
	struct sqlite_index *shared = index->shared;
	enum sqlite_db_status status = SQLITE_DB_OK;
	int64_t ids[SQLITE_INDEX_SAME_MAX];
	size_t count = 0, from = 0;

	for (int tries = 1; pthread_mutex_trylock(&shared->recent_lock) != 0; tries++)
		if (tries == SQLITE_INDEX_TRIES_MAX)
			return SQLITE_DB_BUSY;
	while (shared->recent != NULL && count < SQLITE_INDEX_SAME_MAX &&
	       sqlite_recent_next(shared->recent, hash, &from, &ids[count]))
		count++;
	pthread_mutex_unlock(&shared->recent_lock);
	for (size_t i = 0; status == SQLITE_DB_OK && !*has_row && i < count; i++)
		status = sqlite_index_try(index, ids[i], has_row);
	return status;
}

enum sqlite_db_status sqlite_index_find(struct sqlite_index *index, int32_t hash,
					enum sqlite_statement *which, bool *has_row)
{
	*has_row = false;
	*which = SQL_ENTRY_GET;
	enum sqlite_db_status status = index->shared != NULL
					       ? sqlite_index_find_shared(index, hash, has_row)
					       : sqlite_index_find_recent(index, hash, has_row);
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
	if (index->now.next_id - index->now.placed > SQLITE_RECENT_IDS_MAX)
		return sqlite_index_damaged(index, "its index was left behind");
	*id = index->now.next_id++;
	pthread_mutex_lock(&index->recent_lock);
	sqlite_recent_add(index->recent, hash, *id);
	pthread_mutex_unlock(&index->recent_lock);
	sqlite_recent_list_add(&index->added, hash, *id);
	return SQLITE_DB_OK;
}

void sqlite_index_remove(struct sqlite_index *index, int32_t hash, int64_t id)
{
	index->removed_count++;
	if (index->recent == NULL)
		return;
	pthread_mutex_lock(&index->recent_lock);
	bool was_there = sqlite_recent_remove(index->recent, hash, id);
	pthread_mutex_unlock(&index->recent_lock);
	if (was_there)
		sqlite_recent_list_add(&index->gone, hash, id);
}

/* Whether it is time for what is in memory to go into the index: there is much of it, or its ids
 * are far from those that are there. */
static bool sqlite_index_is_due(const struct sqlite_index *index)
{
	return sqlite_recent_count(index->recent) >= SQLITE_INDEX_RECENT_MAX ||
	       index->now.next_id - index->now.placed > SQLITE_RECENT_IDS_MAX / 2;
}

/* The next count go into the index, and it is noted how far that has come. */
static enum sqlite_db_status sqlite_index_place(struct sqlite_index *index, size_t count)
{
	struct sqlite_index_state *now = &index->now;
	enum sqlite_db_status status = SQLITE_DB_OK;

	sqlite_recent_collect(index->recent, now->placing_to, count, SQLITE_RECENT_RANKS,
			      &now->placing_from, &index->moved);
	for (size_t i = 0; status == SQLITE_DB_OK && i < index->moved.count; i++) {
		sqlite_statement_bind_number(index->sql, SQL_PLACE_ADD, 1,
					     index->moved.entries[i].hash);
		sqlite_statement_bind_number(index->sql, SQL_PLACE_ADD, 2,
					     index->moved.entries[i].id);
		status = sqlite_statement_run(index->sql, SQL_PLACE_ADD);
	}
	if (now->placing_from == SQLITE_RECENT_RANKS) {
		now->placed = now->placing_to;
		now->placing_to = now->placing_from = 0;
		if (status == SQLITE_DB_OK)
			status = sqlite_meta_set(index->sql, "placed", now->placed);
	}
	if (status == SQLITE_DB_OK)
		status = sqlite_meta_set(index->sql, "placing_to", now->placing_to);
	if (status == SQLITE_DB_OK)
		status = sqlite_meta_set(index->sql, "placing_from", now->placing_from);
	return status;
}

/* Bring the index on, for what came and went. */
static enum sqlite_db_status sqlite_index_go_on(struct sqlite_index *index, size_t added,
						size_t removed)
{
	struct sqlite_index_state *now = &index->now;
	enum sqlite_db_status status = SQLITE_DB_OK;
	int64_t to_rank = SQLITE_RECENT_RANKS;

	if (added > 0 && now->placing_to == 0 && sqlite_index_is_due(index)) {
		now->placing_to = now->next_id - 1;
		sqlite_removed_invite(index->removed);
	}
	if (added > 0 && now->placing_to != 0) {
		status = sqlite_index_place(index, SQLITE_INDEX_PACE * added);
		/* What leaves the index does not go ahead of that, so that both meet in its pages.
		 */
		if (now->placing_to != 0)
			to_rank = now->placing_from;
	}
	if (status == SQLITE_DB_OK)
		status = sqlite_removed_end(index->removed, SQLITE_INDEX_PACE * (added + removed),
					    to_rank);
	return status;
}

enum sqlite_db_status sqlite_index_end(struct sqlite_index *index)
{
	struct sqlite_index_state *now = &index->now;
	size_t added = now->added + index->added.count;
	size_t removed = now->removed + index->removed_count;
	bool is_time = added + removed >= SQLITE_INDEX_STEP;
	/* A transaction that only removes has not seen to it that what is in memory is what the
	 * database has. */
	bool may_place = is_time && index->is_checked;
	enum sqlite_db_status status = SQLITE_DB_OK;

	if (index->added.count > 0)
		status = sqlite_meta_set(index->sql, "next_id", now->next_id);
	now->added = may_place ? 0 : added;
	now->removed = is_time ? 0 : removed;
	return status == SQLITE_DB_OK && is_time
		       ? sqlite_index_go_on(index, may_place ? added : 0, removed)
		       : status;
}
