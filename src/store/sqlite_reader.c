/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_reader.h"

#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>

struct sqlite_reader {
	sqlite_reader_done_fn *done;
	void *arg;
	pthread_t thread;

	pthread_mutex_t lock; /* of all in this paragraph */
	struct sqlite_queue asked;
	bool stop;
	bool rests;   /* no slice may begin */
	bool is_busy; /* one has begun */
	pthread_cond_t wake;

	/*
	 * Held while a slice is read, and taken by way of turn_lock: a mutex does not care who came
	 * first, and the reader, who begins a slice as soon as he has ended one, would have it
	 * again before the worker is awake.
	 */
	pthread_mutex_t db_lock, turn_lock;
	struct sqlite_db *db; /* owned; NULL: there is none */
};

/* Whoever waits for db_lock here keeps the other from coming first once more. */
static void sqlite_reader_lock_db(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->turn_lock);
	pthread_mutex_lock(&reader->db_lock);
	pthread_mutex_unlock(&reader->turn_lock);
}

/* One slice.  False: the errand has failed. */
static bool sqlite_reader_step(struct sqlite_reader *reader, struct sqlite_request *request)
{
	bool succeeded = false;

	sqlite_reader_lock_db(reader);
	if (reader->db != NULL) {
		enum sqlite_db_status status = sqlite_db_begin(reader->db, false);
		if (status == SQLITE_DB_OK)
			status = sqlite_errand_step(request->errand.errand, reader->db);
		if (status != SQLITE_DB_OK)
			log_warning("store: an admin's question failed: %s",
				    sqlite_db_why(reader->db));
		/* Nothing was written, and the log can be written anew when nobody reads it. */
		sqlite_db_rollback(reader->db);
		succeeded = status == SQLITE_DB_OK;
	}
	pthread_mutex_unlock(&reader->db_lock);
	return succeeded;
}

/* Wait until a slice may begin; false: it is time to stop. */
static bool sqlite_reader_begin(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	while (reader->rests && !reader->stop)
		pthread_cond_wait(&reader->wake, &reader->lock);
	reader->is_busy = !reader->stop;
	bool begins = reader->is_busy;
	pthread_mutex_unlock(&reader->lock);
	return begins;
}

static void sqlite_reader_end(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->is_busy = false;
	pthread_cond_broadcast(&reader->wake);
	pthread_mutex_unlock(&reader->lock);
}

/*
 * One slice, if somebody still waits for it; what has more to read goes behind all others, so that
 * no short question waits for the end of a long list.
 */
static void sqlite_reader_run(struct sqlite_reader *reader, struct sqlite_request *request)
{
	struct sqlite_errand *errand = request->errand.errand;

	if (!sqlite_request_is_cancelled(request) && sqlite_reader_begin(reader)) {
		request->errand.has_failed = !sqlite_reader_step(reader, request);
		sqlite_reader_end(reader);
		if (sqlite_errand_turn(errand) == SQLITE_ERRAND_READER &&
		    !request->errand.has_failed)
			return sqlite_reader_ask(reader, request);
	}
	if (sqlite_errand_turn(errand) == SQLITE_ERRAND_READER)
		request->errand.has_failed = true;
	reader->done(request, reader->arg);
}

static struct sqlite_request *sqlite_reader_next(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	while (TAILQ_EMPTY(&reader->asked) && !reader->stop)
		pthread_cond_wait(&reader->wake, &reader->lock);
	struct sqlite_request *request = TAILQ_FIRST(&reader->asked);
	if (request != NULL)
		TAILQ_REMOVE(&reader->asked, request, link);
	pthread_mutex_unlock(&reader->lock);
	return request;
}

static void *sqlite_reader_main(void *arg)
{
	struct sqlite_reader *reader = arg;
	struct sqlite_request *request;

	while ((request = sqlite_reader_next(reader)) != NULL)
		sqlite_reader_run(reader, request);
	return NULL;
}

struct sqlite_reader *sqlite_reader_new(sqlite_reader_done_fn *done, void *arg)
{
	struct sqlite_reader *reader = mem_alloc(sizeof(*reader));

	reader->done = done;
	reader->arg = arg;
	TAILQ_INIT(&reader->asked);
	pthread_mutex_init(&reader->lock, NULL);
	pthread_mutex_init(&reader->db_lock, NULL);
	pthread_mutex_init(&reader->turn_lock, NULL);
	pthread_cond_init(&reader->wake, NULL);
	if (pthread_create(&reader->thread, NULL, sqlite_reader_main, reader) != 0)
		sqlite_reader_free(&reader);
	return reader;
}

void sqlite_reader_set_db(struct sqlite_reader *reader, struct sqlite_db **db)
{
	sqlite_reader_lock_db(reader);
	sqlite_db_close(&reader->db);
	if (db != NULL) {
		reader->db = *db;
		*db = NULL;
		/* Nobody is waited for while the worker may want to close it. */
		sqlite_db_set_waiting(reader->db, false);
	}
	pthread_mutex_unlock(&reader->db_lock);
}

void sqlite_reader_rest(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->rests = true;
	while (reader->is_busy)
		pthread_cond_wait(&reader->wake, &reader->lock);
	pthread_mutex_unlock(&reader->lock);
}

void sqlite_reader_go_on(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->rests = false;
	pthread_cond_broadcast(&reader->wake);
	pthread_mutex_unlock(&reader->lock);
}

void sqlite_reader_ask(struct sqlite_reader *reader, struct sqlite_request *request)
{
	pthread_mutex_lock(&reader->lock);
	TAILQ_INSERT_TAIL(&reader->asked, request, link);
	pthread_cond_broadcast(&reader->wake);
	pthread_mutex_unlock(&reader->lock);
}

void sqlite_reader_stop(struct sqlite_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->stop = true;
	pthread_cond_broadcast(&reader->wake);
	pthread_mutex_unlock(&reader->lock);
	pthread_join(reader->thread, NULL);
}

void sqlite_reader_free(struct sqlite_reader **reader)
{
	struct sqlite_reader *freed = *reader;

	if (freed == NULL)
		return;
	*reader = NULL;
	while (!TAILQ_EMPTY(&freed->asked)) {
		struct sqlite_request *request = TAILQ_FIRST(&freed->asked);
		TAILQ_REMOVE(&freed->asked, request, link);
		sqlite_request_free(&request);
	}
	sqlite_db_close(&freed->db);
	pthread_cond_destroy(&freed->wake);
	pthread_mutex_destroy(&freed->lock);
	pthread_mutex_destroy(&freed->db_lock);
	pthread_mutex_destroy(&freed->turn_lock);
	free(freed);
}
