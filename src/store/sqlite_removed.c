/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_removed.h"

#include "base/memory.h"
#include "sqlite_meta.h"
#include "sqlite_recent.h"

#include <stdlib.h>

enum {
	/* When so many are noted, a go begins, or already at the second number when somebody else
	 * begins one; it has so many at most: 2 MiB. */
	SQLITE_REMOVED_MANY = 184 * 1024,
	SQLITE_REMOVED_SOME = 64 * 1024,
	SQLITE_REMOVED_READ_MAX = 16 * 1024, /* in one transaction: two milliseconds */
	SQLITE_REMOVED_PACE = 4,             /* so many are forgotten where one leaves the index */
};

/* How far the go has come, as meta has it. */
struct sqlite_removed_state {
	/* All up to this number (0: no go is on) leave the index, and have left it before this
	 * rank. */
	int64_t going_to, from_rank;
};

struct sqlite_removed {
	struct sqlite_statements *sql; /* borrowed */
	struct sqlite_recent *going;   /* owned; hashes by their numbers.  NULL: no go is on */
	int64_t read_to;               /* all up to this number are in going, or not of the go */
	bool is_read;                  /* all of the go is in going */
	bool knows_state;              /* now is what meta has */
	bool is_invited;               /* in this transaction */
	struct sqlite_recent_list out; /* owned; to keep its memory */
	struct sqlite_removed_state now, committed;
};

struct sqlite_removed *sqlite_removed_new(struct sqlite_statements *sql)
{
	struct sqlite_removed *removed = mem_alloc(sizeof(*removed));

	removed->sql = sql;
	return removed;
}

void sqlite_removed_free(struct sqlite_removed **removed)
{
	if (*removed == NULL)
		return;
	sqlite_recent_free(&(*removed)->going);
	sqlite_recent_list_clear(&(*removed)->out);
	free(*removed);
	*removed = NULL;
}

/* What was read is of no use any more. */
static void sqlite_removed_drop(struct sqlite_removed *removed)
{
	sqlite_recent_free(&removed->going);
	removed->is_read = false;
}

void sqlite_removed_rollback(struct sqlite_removed *removed)
{
	/* It began in this transaction, and some of what it read may have been of it too, or it
	 * ended in it. */
	if (removed->now.going_to != removed->committed.going_to)
		sqlite_removed_drop(removed);
	removed->now = removed->committed;
	removed->is_invited = false;
}

void sqlite_removed_commit(struct sqlite_removed *removed)
{
	if (removed->now.going_to == 0)
		sqlite_removed_drop(removed);
	removed->committed = removed->now;
	removed->is_invited = false;
}

void sqlite_removed_invite(struct sqlite_removed *removed)
{
	removed->is_invited = true;
}

/* Once: what an earlier process left half-done. */
static enum sqlite_db_status sqlite_removed_get_state(struct sqlite_removed *removed)
{
	struct sqlite_removed_state found = {0};
	bool has_row;

	enum sqlite_db_status status =
		sqlite_meta_get(removed->sql, "removing_to", &found.going_to, &has_row);
	if (status == SQLITE_DB_OK)
		status = sqlite_meta_get(removed->sql, "removing_from", &found.from_rank, &has_row);
	if (status != SQLITE_DB_OK)
		return status;
	/* sqlite3(1) may have put anything there; to take out again what is gone does no harm. */
	if (found.from_rank < 0 || found.from_rank > SQLITE_RECENT_RANKS)
		found.from_rank = 0;
	if (found.going_to <= 0)
		found = (struct sqlite_removed_state){0};
	removed->now = removed->committed = found;
	removed->knows_state = true;
	return SQLITE_DB_OK;
}

/* The first and the last number of the table; 0 and 0: it is empty. */
static enum sqlite_db_status sqlite_removed_get_span(struct sqlite_removed *removed, int64_t *first,
						     int64_t *last)
{
	bool has_row;
	enum sqlite_db_status status =
		sqlite_statement_step(removed->sql, SQL_REMOVED_SPAN, &has_row);

	*first = *last = 0;
	if (status == SQLITE_DB_OK && has_row) {
		*first = sqlite_statement_number(removed->sql, SQL_REMOVED_SPAN, 0);
		*last = sqlite_statement_number(removed->sql, SQL_REMOVED_SPAN, 1);
	}
	sqlite_statement_finish(removed->sql, SQL_REMOVED_SPAN);
	return status;
}

/* Begin a go, if there is enough for one, or the one that an earlier process had begun. */
static enum sqlite_db_status sqlite_removed_begin(struct sqlite_removed *removed)
{
	struct sqlite_removed_state *now = &removed->now;
	int64_t first, last;
	enum sqlite_db_status status = sqlite_removed_get_span(removed, &first, &last);

	if (status != SQLITE_DB_OK || first == 0)
		return status;
	if (now->going_to == 0 &&
	    last - first < (removed->is_invited ? SQLITE_REMOVED_SOME : SQLITE_REMOVED_MANY))
		return SQLITE_DB_OK;
	if (now->going_to == 0) {
		now->going_to = last;
		now->from_rank = 0;
	}
	if (now->going_to - first >= SQLITE_REMOVED_MANY)
		now->going_to = first + SQLITE_REMOVED_MANY - 1;
	removed->read_to = first - 1;
	removed->going = sqlite_recent_new(removed->read_to);
	return SQLITE_DB_OK;
}

/* Some more of what is to leave the index. */
static enum sqlite_db_status sqlite_removed_read(struct sqlite_removed *removed)
{
	struct sqlite_statements *sql = removed->sql;
	enum sqlite_db_status status;
	size_t count = 0;
	bool has_row;

	sqlite_statement_bind_number(sql, SQL_REMOVED_READ, 1, removed->read_to);
	sqlite_statement_bind_number(sql, SQL_REMOVED_READ, 2, removed->now.going_to);
	sqlite_statement_bind_number(sql, SQL_REMOVED_READ, 3, SQLITE_REMOVED_READ_MAX);
	while ((status = sqlite_statement_step(sql, SQL_REMOVED_READ, &has_row)) == SQLITE_DB_OK &&
	       has_row) {
		removed->read_to = sqlite_statement_number(sql, SQL_REMOVED_READ, 0);
		sqlite_recent_add(removed->going,
				  (int32_t)sqlite_statement_number(sql, SQL_REMOVED_READ, 1),
				  removed->read_to);
		count++;
	}
	sqlite_statement_finish(sql, SQL_REMOVED_READ);
	removed->is_read = status == SQLITE_DB_OK && count < SQLITE_REMOVED_READ_MAX;
	return status;
}

/* The next count leave the index. */
static enum sqlite_db_status sqlite_removed_take_out(struct sqlite_removed *removed, size_t count,
						     int64_t to_rank)
{
	enum sqlite_db_status status = SQLITE_DB_OK;

	removed->out.count = 0;
	sqlite_recent_collect(removed->going, removed->now.going_to, count, to_rank,
			      &removed->now.from_rank, &removed->out);
	for (size_t i = 0; status == SQLITE_DB_OK && i < removed->out.count; i++) {
		sqlite_statement_bind_number(removed->sql, SQL_PLACE_REMOVE, 1,
					     removed->out.entries[i].hash);
		status = sqlite_statement_run(removed->sql, SQL_PLACE_REMOVE);
	}
	return status;
}

/* All have left the index: the next count, which stand side by side, need not be noted any more. */
static enum sqlite_db_status sqlite_removed_forget(struct sqlite_removed *removed, size_t count)
{
	sqlite_statement_bind_number(removed->sql, SQL_REMOVED_FORGET, 1, removed->now.going_to);
	sqlite_statement_bind_number(removed->sql, SQL_REMOVED_FORGET, 2, (int64_t)count);
	enum sqlite_db_status status = sqlite_statement_run(removed->sql, SQL_REMOVED_FORGET);
	if (status == SQLITE_DB_OK && sqlite3_changes(removed->sql->handle) == 0)
		removed->now = (struct sqlite_removed_state){0};
	return status;
}

static enum sqlite_db_status sqlite_removed_go_on(struct sqlite_removed *removed, size_t count,
						  int64_t to_rank)
{
	if (removed->now.from_rank == SQLITE_RECENT_RANKS)
		return sqlite_removed_forget(removed, SQLITE_REMOVED_PACE * count);
	if (!removed->is_read)
		return sqlite_removed_read(removed);
	return sqlite_removed_take_out(removed, count, to_rank);
}

static enum sqlite_db_status sqlite_removed_set_state(struct sqlite_removed *removed)
{
	const struct sqlite_removed_state *now = &removed->now, *committed = &removed->committed;
	enum sqlite_db_status status = SQLITE_DB_OK;

	if (now->going_to != committed->going_to)
		status = sqlite_meta_set(removed->sql, "removing_to", now->going_to);
	/* With a new one in any case: sqlite3(1) may have left anything there. */
	if (status == SQLITE_DB_OK &&
	    (now->going_to != committed->going_to || now->from_rank != committed->from_rank))
		status = sqlite_meta_set(removed->sql, "removing_from", now->from_rank);
	return status;
}

enum sqlite_db_status sqlite_removed_end(struct sqlite_removed *removed, size_t count,
					 int64_t to_rank)
{
	enum sqlite_db_status status = SQLITE_DB_OK;

	if (!removed->knows_state)
		status = sqlite_removed_get_state(removed);
	if (status == SQLITE_DB_OK && removed->going == NULL)
		status = sqlite_removed_begin(removed);
	if (status == SQLITE_DB_OK && removed->going != NULL)
		status = sqlite_removed_go_on(removed, count, to_rank);
	return status == SQLITE_DB_OK ? sqlite_removed_set_state(removed) : status;
}
