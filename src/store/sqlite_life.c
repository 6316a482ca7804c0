/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_life.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sqlite_file.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SQLITE_LIFE_RECOVERED_MS = 3000, /* without a failure, and a failing store is one no more */
	SQLITE_LIFE_REOPEN_MS = 1000,    /* between tries while the database cannot be opened */
	SQLITE_LIFE_ASIDE_MAX = 10,      /* damaged databases that are put aside in ... */
	SQLITE_LIFE_ASIDE_MS = 3600 * 1000, /* ... an hour: a broken disk damages each new one */
};

struct sqlite_life {
	char *path; /* owned; never changes */
	struct store_options options;
	struct sqlite_life_others others; /* borrowed */
	struct sqlite_db *db;             /* owned; NULL while it cannot be opened */
	bool is_failing;                  /* said so in the log */
	int64_t failed_ms;                /* monotonic: when it failed last */
	int64_t reopen_ms;                /* monotonic: not before */
	int64_t aside_ms;                 /* monotonic: since then ... */
	int aside_count;                  /* ... so many were put aside */
	char why[STORE_WHY_SIZE];

	pthread_mutex_t tells_lock; /* of the rest */
	bool tells_failing;         /* is_failing, for others */
	char tells_why[STORE_WHY_SIZE];
};

struct sqlite_life *sqlite_life_new(const char *path, const struct store_options *options)
{
	struct sqlite_life *life = mem_alloc(sizeof(*life));

	life->path = mem_copy_string(path);
	life->options = *options;
	pthread_mutex_init(&life->tells_lock, NULL);
	return life;
}

void sqlite_life_free(struct sqlite_life **life)
{
	if (*life == NULL)
		return;
	sqlite_db_close(&(*life)->db);
	pthread_mutex_destroy(&(*life)->tells_lock);
	free((*life)->path);
	free(*life);
	*life = NULL;
}

struct sqlite_db *sqlite_life_db(const struct sqlite_life *life)
{
	return life->db;
}

bool sqlite_life_is_failing(const struct sqlite_life *life)
{
	return life->is_failing;
}

void sqlite_life_tell(struct sqlite_life *life, struct store_census *census)
{
	pthread_mutex_lock(&life->tells_lock);
	census->is_failing = life->tells_failing;
	snprintf(census->why, sizeof(census->why), "%s", life->tells_why);
	pthread_mutex_unlock(&life->tells_lock);
}

/* For the census. */
static void sqlite_life_tell_failing(struct sqlite_life *life, bool is_failing)
{
	pthread_mutex_lock(&life->tells_lock);
	life->tells_failing = is_failing;
	snprintf(life->tells_why, sizeof(life->tells_why), "%s", life->why);
	pthread_mutex_unlock(&life->tells_lock);
}

/* Say once that the store fails, and once that it does not any more. */
static void sqlite_life_log_failing(struct sqlite_life *life)
{
	life->failed_ms = clock_mono_ms();
	if (!life->is_failing)
		log_error(
			"store: %s: %s; on_store_failure decides about mail until it answers again",
			life->path, life->why);
	life->is_failing = true;
	sqlite_life_tell_failing(life, true);
}

/* Something was written.  On a full disk now this fits and now that does not: only when nothing
 * failed for a while is it over. */
static void sqlite_life_log_recovered(struct sqlite_life *life)
{
	if (!life->is_failing || clock_mono_ms() - life->failed_ms < SQLITE_LIFE_RECOVERED_MS)
		return;
	log_info("store: %s: answers again", life->path);
	life->is_failing = false;
	sqlite_life_tell_failing(life, false);
}

/* Whether one more may be put aside: they stay, for an admin to look at, and take room. */
static bool sqlite_life_may_move_aside(struct sqlite_life *life)
{
	int64_t now_ms = clock_mono_ms();

	if (life->aside_count == 0 || now_ms - life->aside_ms > SQLITE_LIFE_ASIDE_MS) {
		life->aside_ms = now_ms;
		life->aside_count = 0;
	}
	return life->aside_count++ < SQLITE_LIFE_ASIDE_MAX;
}

/* Put a damaged database out of the way, which nobody has open.  False when that fails. */
static bool sqlite_life_move_aside(struct sqlite_life *life)
{
	char moved_to[4096];

	if (!sqlite_life_may_move_aside(life)) {
		snprintf(life->why, sizeof(life->why),
			 "the database is damaged once more, as %d before it were within an hour",
			 SQLITE_LIFE_ASIDE_MAX);
		return false;
	}
	bool moved = sqlite_file_move_aside(life->path, moved_to, sizeof(moved_to));
	if (moved)
		log_error("store: %s: the database is damaged: %s; it is now %s, and a new one is "
			  "begun, so that all senders are new",
			  life->path, life->why, moved_to);
	else
		snprintf(life->why, sizeof(life->why),
			 "the database is damaged and cannot be moved aside: %s", strerror(errno));
	return moved;
}

/*
 * Open the database.  One that is known to be damaged, or turns out to be, makes room for a new
 * one.
 */
static enum sqlite_db_status sqlite_life_open(struct sqlite_life *life, bool is_damaged)
{
	enum sqlite_db_status status = SQLITE_DB_DAMAGED;
	struct sqlite_db *checkpoint_db = NULL, *reader_db = NULL, *look_db = NULL;

	if (!is_damaged)
		status = sqlite_db_open(life->path, &life->options, &life->db, life->why);
	if (status == SQLITE_DB_DAMAGED && sqlite_life_move_aside(life))
		status = sqlite_db_open(life->path, &life->options, &life->db, life->why);
	/* The other threads' now, too: one that is opened later by name could be to another file,
	 * which somebody put there, but with our log beside it. */
	if (status == SQLITE_DB_OK)
		status = sqlite_db_open(life->path, &life->options, &checkpoint_db, life->why);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_open(life->path, &life->options, &reader_db, life->why);
	if (status == SQLITE_DB_OK) {
		sqlite_checkpointer_set_db(life->others.checkpointer, &checkpoint_db);
		sqlite_reader_set_db(life->others.reader, &reader_db);
		/* Without this one known mail may have to wait, and that is all. */
		if (sqlite_db_open(life->path, &life->options, &look_db, life->why) == SQLITE_DB_OK)
			sqlite_look_set_db(life->others.look, &look_db, life->db);
	} else {
		sqlite_db_close(&reader_db);
		sqlite_db_close(&checkpoint_db);
		sqlite_db_close(&life->db);
	}
	return status;
}

/* The connections of the other threads, when they have ended what they do. */
static void sqlite_life_close_others(struct sqlite_life *life)
{
	sqlite_look_set_db(life->others.look, NULL, NULL);
	sqlite_reader_set_db(life->others.reader, NULL);
	sqlite_checkpointer_set_db(life->others.checkpointer, NULL);
}

static void sqlite_life_close(struct sqlite_life *life)
{
	sqlite_life_close_others(life);
	sqlite_db_close(&life->db);
}

bool sqlite_life_begin(struct sqlite_life *life, const struct sqlite_life_others *others,
		       char why[static STORE_WHY_SIZE])
{
	life->others = *others;
	bool is_open = sqlite_life_open(life, false) == SQLITE_DB_OK;
	if (!is_open)
		snprintf(why, STORE_WHY_SIZE, "%.250s: %.250s", life->path, life->why);
	return is_open;
}

enum sqlite_db_status sqlite_life_end_transaction(struct sqlite_life *life,
						  enum sqlite_db_status status)
{
	if (status == SQLITE_DB_OK)
		status = sqlite_db_commit(life->db);
	if (status != SQLITE_DB_OK) {
		snprintf(life->why, sizeof(life->why), "%s", sqlite_db_why(life->db));
		sqlite_db_rollback(life->db);
	} else if (sqlite_db_wrote(life->db)) {
		sqlite_life_log_recovered(life);
	}
	return status;
}

void sqlite_life_take_failure(struct sqlite_life *life, enum sqlite_db_status status)
{
	sqlite_life_log_failing(life);
	/* A lock or a full disk leaves it as it was; anything else may leave it half-usable, and it
	 * is opened again in a while. */
	if (status != SQLITE_DB_BUSY && status != SQLITE_DB_NO_WRITING)
		sqlite_life_close(life);
}

enum sqlite_db_status sqlite_life_begin_anew(struct sqlite_life *life)
{
	sqlite_life_close(life);
	return sqlite_life_open(life, true);
}

void sqlite_life_reopen(struct sqlite_life *life)
{
	if (life->db != NULL || clock_mono_ms() < life->reopen_ms)
		return;
	life->reopen_ms = clock_mono_ms() + SQLITE_LIFE_REOPEN_MS;
	if (sqlite_life_open(life, false) != SQLITE_DB_OK)
		sqlite_life_log_failing(life);
}

void sqlite_life_stay_in_place(struct sqlite_life *life)
{
	if (life->db == NULL || sqlite_db_is_in_place(life->db))
		return;
	sqlite_life_close_others(life);
	sqlite_db_abandon(&life->db);
	/* Only now is what was answered safe. */
	log_error("store: %s: the database was removed or replaced while it was in use, or its log "
		  "was; what is there now is opened, or a new one begun",
		  life->path);
	life->reopen_ms = 0;
	sqlite_life_reopen(life);
}
