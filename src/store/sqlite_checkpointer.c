/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_checkpointer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sqlite_reader.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

enum {
	SQLITE_CHECKPOINT_PAGES = 1000,       /* of 4 KiB in the log, from when on it is copied */
	SQLITE_CHECKPOINT_MS = 100,           /* from the end of one to the next */
	SQLITE_CHECKPOINT_LONG_PAGES = 16384, /* 64 MB: an admin should know */
};

struct sqlite_checkpointer {
	struct sqlite_reader *reader; /* borrowed */
	sqlite_checkpointer_done_fn *done;
	void *arg;
	pthread_t thread;

	pthread_mutex_t lock; /* of all in this paragraph */
	pthread_cond_t wake;
	enum sqlite_checkpointer_state state;
	bool stop;
	int64_t next_ms; /* monotonic: the next one not before */

	pthread_mutex_t db_lock; /* held while the log is copied */
	struct sqlite_db *db;    /* owned; NULL: there is none */

	bool said_long; /* the worker's own: logged that the log does not become shorter */
};

/*
 * Copy what is in the log.  How many pages are left: few that were written meanwhile, or many when
 * a reader, an admin's say, is in the way.
 */
static int sqlite_checkpointer_copy(struct sqlite_checkpointer *checkpointer)
{
	int left = INT_MAX;

	/* Until the worker has done the rest, or there is none for it to do. */
	sqlite_reader_rest(checkpointer->reader);
	pthread_mutex_lock(&checkpointer->db_lock);
	struct sqlite_db *db = checkpointer->db;
	if (db != NULL) {
		enum sqlite_db_status status = sqlite_db_checkpoint(db, &left);
		/* Else the worker's own checkpoint would sync all that was copied here. */
		if (status == SQLITE_DB_OK)
			status = sqlite_db_sync(db);
		/* The worker meets it as well, and decides what to do about it. */
		if (status != SQLITE_DB_OK) {
			log_debug("store: %s: checkpoint: %s", sqlite_db_path(db),
				  sqlite_db_why(db));
			left = INT_MAX;
		}
	}
	pthread_mutex_unlock(&checkpointer->db_lock);
	return left;
}

/* Wait for something to do; false: it is time to stop. */
static bool sqlite_checkpointer_wait(struct sqlite_checkpointer *checkpointer)
{
	pthread_mutex_lock(&checkpointer->lock);
	while (checkpointer->state != SQLITE_CHECKPOINT_RUNS && !checkpointer->stop)
		pthread_cond_wait(&checkpointer->wake, &checkpointer->lock);
	bool goes_on = !checkpointer->stop;
	pthread_mutex_unlock(&checkpointer->lock);
	return goes_on;
}

static void *sqlite_checkpointer_main(void *arg)
{
	struct sqlite_checkpointer *checkpointer = arg;

	while (sqlite_checkpointer_wait(checkpointer)) {
		bool is_copied = sqlite_checkpointer_copy(checkpointer) < SQLITE_CHECKPOINT_PAGES;
		pthread_mutex_lock(&checkpointer->lock);
		checkpointer->state = is_copied ? SQLITE_CHECKPOINT_COPIED : SQLITE_CHECKPOINT_NONE;
		checkpointer->next_ms = clock_mono_ms() + SQLITE_CHECKPOINT_MS;
		/* Within the lock: behind it the worker may have begun the next one. */
		if (!is_copied)
			sqlite_reader_go_on(checkpointer->reader);
		pthread_mutex_unlock(&checkpointer->lock);
		checkpointer->done(checkpointer->arg);
	}
	return NULL;
}

struct sqlite_checkpointer *sqlite_checkpointer_new(struct sqlite_reader *reader,
						    sqlite_checkpointer_done_fn *done, void *arg)
{
	struct sqlite_checkpointer *checkpointer = mem_alloc(sizeof(*checkpointer));

	checkpointer->reader = reader;
	checkpointer->done = done;
	checkpointer->arg = arg;
	pthread_mutex_init(&checkpointer->lock, NULL);
	pthread_mutex_init(&checkpointer->db_lock, NULL);
	pthread_cond_init(&checkpointer->wake, NULL);
	if (pthread_create(&checkpointer->thread, NULL, sqlite_checkpointer_main, checkpointer) !=
	    0)
		sqlite_checkpointer_free(&checkpointer);
	return checkpointer;
}

void sqlite_checkpointer_set_db(struct sqlite_checkpointer *checkpointer, struct sqlite_db **db)
{
	pthread_mutex_lock(&checkpointer->db_lock);
	sqlite_db_close(&checkpointer->db);
	if (db != NULL) {
		checkpointer->db = *db;
		*db = NULL;
	}
	pthread_mutex_unlock(&checkpointer->db_lock);
}

enum sqlite_checkpointer_state sqlite_checkpointer_state(struct sqlite_checkpointer *checkpointer)
{
	pthread_mutex_lock(&checkpointer->lock);
	enum sqlite_checkpointer_state state = checkpointer->state;
	pthread_mutex_unlock(&checkpointer->lock);
	return state;
}

/* Let the thread begin, but not all the time. */
static void sqlite_checkpointer_begin(struct sqlite_checkpointer *checkpointer)
{
	pthread_mutex_lock(&checkpointer->lock);
	if (clock_mono_ms() >= checkpointer->next_ms) {
		checkpointer->state = SQLITE_CHECKPOINT_RUNS;
		pthread_cond_signal(&checkpointer->wake);
	}
	pthread_mutex_unlock(&checkpointer->lock);
}

/* The log begins anew only when nobody reads from it any more: as long as somebody else does, in a
 * transaction that does not end, it grows with all that is written. */
static void sqlite_checkpointer_tell_length(struct sqlite_checkpointer *checkpointer,
					    const struct sqlite_db *db)
{
	int pages = sqlite_db_wal_pages(db);

	if (!checkpointer->said_long && pages >= SQLITE_CHECKPOINT_LONG_PAGES) {
		log_warning("store: %s: its write-ahead log has %d MB, and grows: does another "
			    "program read the database all the while?",
			    sqlite_db_path(db), pages / 256);
		checkpointer->said_long = true;
	} else if (checkpointer->said_long && pages > 0 && pages < SQLITE_CHECKPOINT_PAGES) {
		log_info("store: %s: its write-ahead log is short again", sqlite_db_path(db));
		checkpointer->said_long = false;
	}
}

static bool sqlite_checkpointer_is_long(const struct sqlite_db *db)
{
	return sqlite_db_wal_pages(db) >= SQLITE_CHECKPOINT_PAGES;
}

void sqlite_checkpointer_watch(struct sqlite_checkpointer *checkpointer, const struct sqlite_db *db)
{
	sqlite_checkpointer_tell_length(checkpointer, db);
	if (sqlite_checkpointer_is_long(db) &&
	    sqlite_checkpointer_state(checkpointer) == SQLITE_CHECKPOINT_NONE)
		sqlite_checkpointer_begin(checkpointer);
}

void sqlite_checkpointer_finish(struct sqlite_checkpointer *checkpointer, struct sqlite_db *db)
{
	int left;

	if (sqlite_checkpointer_state(checkpointer) != SQLITE_CHECKPOINT_COPIED)
		return;
	/* The bulk is copied and synced; these are the pages of the last moments. */
	if (db != NULL && sqlite_checkpointer_is_long(db) &&
	    sqlite_db_checkpoint(db, &left) != SQLITE_DB_OK)
		log_warning("store: %s: checkpoint: %s", sqlite_db_path(db), sqlite_db_why(db));
	pthread_mutex_lock(&checkpointer->lock);
	checkpointer->state = SQLITE_CHECKPOINT_NONE;
	pthread_mutex_unlock(&checkpointer->lock);
	sqlite_reader_go_on(checkpointer->reader);
}

void sqlite_checkpointer_stop(struct sqlite_checkpointer *checkpointer)
{
	pthread_mutex_lock(&checkpointer->lock);
	checkpointer->stop = true;
	pthread_cond_signal(&checkpointer->wake);
	pthread_mutex_unlock(&checkpointer->lock);
	pthread_join(checkpointer->thread, NULL);
}

void sqlite_checkpointer_free(struct sqlite_checkpointer **checkpointer)
{
	struct sqlite_checkpointer *freed = *checkpointer;

	if (freed == NULL)
		return;
	*checkpointer = NULL;
	sqlite_db_close(&freed->db);
	pthread_cond_destroy(&freed->wake);
	pthread_mutex_destroy(&freed->lock);
	pthread_mutex_destroy(&freed->db_lock);
	free(freed);
}
