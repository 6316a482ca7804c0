/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_worker.h"

#include "base/clock.h"
#include "base/memory.h"
#include "sqlite_checkpointer.h"
#include "sqlite_db.h"
#include "sqlite_greylist.h"
#include "sqlite_life.h"
#include "sqlite_look.h"
#include "sqlite_reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SQLITE_WORKER_BATCH_MAX = 512,     /* questions in one transaction */
	SQLITE_WORKER_BATCH_FEW = 16,      /* so many are worth one; fewer wait for others, ... */
	SQLITE_WORKER_REST_US = 1000,      /* ... so long since the last one was written */
	SQLITE_WORKER_EXPIRE_STEP = 50,    /* rows removed at a time */
	SQLITE_WORKER_TICK_BUSY_MS = 10,   /* to the next step while there are more */
	SQLITE_WORKER_TICK_IDLE_MS = 1000, /* to the next step when there were none */
	SQLITE_WORKER_ERRAND_REST_MS = 3,  /* between two steps, for questions about mail */
	SQLITE_WORKER_ERRAND_BUSY_MS = 50, /* to the next try, while somebody else is writing */
};

struct sqlite_worker {
	struct sqlite_life *life; /* owned; what has the database */
	sqlite_worker_done_fn *done;
	void *arg;
	struct sqlite_reader *reader;             /* owned */
	struct sqlite_checkpointer *checkpointer; /* owned */
	struct sqlite_look *look;                 /* owned */
	atomic_bool is_busy;                      /* with other things than questions */
	pthread_t thread;

	pthread_mutex_t lock; /* of all in this paragraph */
	pthread_cond_t wake;
	struct sqlite_queue asked;
	size_t asked_count;
	struct sqlite_queue writing; /* errands whose turn is the worker's */
	struct histogram batches;    /* by store_batch_steps */
	bool stop;

	/* The thread's own; monotonic. */
	int64_t rest_us;   /* until then few questions wait */
	int64_t tick_ms;   /* next step */
	int64_t errand_ms; /* the next step of an errand not before */
};

/* The same as sqlite_life_end_transaction(); after one that wrote, questions rest. */
static enum sqlite_db_status sqlite_worker_end_transaction(struct sqlite_worker *worker,
							   enum sqlite_db_status status)
{
	status = sqlite_life_end_transaction(worker->life, status);
	if (status == SQLITE_DB_OK && sqlite_db_wrote(sqlite_life_db(worker->life)))
		worker->rest_us = clock_mono_us() + SQLITE_WORKER_REST_US;
	return status;
}

/* Answer all questions in batch within one transaction, or none of them. */
static enum sqlite_db_status sqlite_worker_try_once(struct sqlite_worker *worker,
						    const struct sqlite_queue *batch,
						    bool for_writing)
{
	struct sqlite_db *db = sqlite_life_db(worker->life);
	enum sqlite_db_status status = sqlite_db_begin(db, for_writing);
	struct sqlite_request *request;

	TAILQ_FOREACH (request, batch, link) {
		if (status == SQLITE_DB_OK)
			status = sqlite_request_run(request, db);
	}
	status = sqlite_worker_end_transaction(worker, status);
	TAILQ_FOREACH (request, batch, link) {
		if (status == SQLITE_DB_OK)
			request->status = STORE_ANSWERED;
	}
	return status;
}

/* What is in batch is done. */
static void sqlite_worker_hand_back(struct sqlite_worker *worker, struct sqlite_queue *batch)
{
	if (!TAILQ_EMPTY(batch))
		worker->done(batch, worker->arg);
}

static void sqlite_worker_hand_back_one(struct sqlite_worker *worker,
					struct sqlite_request *request)
{
	struct sqlite_queue alone = TAILQ_HEAD_INITIALIZER(alone);

	TAILQ_INSERT_TAIL(&alone, request, link);
	sqlite_worker_hand_back(worker, &alone);
}

/* An errand, to whoever's turn it is.  From any thread. */
static void sqlite_worker_pass_on(struct sqlite_request *request, void *arg)
{
	struct sqlite_worker *worker = arg;
	struct store_census *census = sqlite_errand_census(request->errand.errand);
	enum sqlite_errand_turn turn = sqlite_errand_turn(request->errand.errand);

	if (request->errand.has_failed)
		return sqlite_worker_hand_back_one(worker, request);
	switch (turn) {
	case SQLITE_ERRAND_READER:
		return sqlite_reader_ask(worker->reader, request);
	case SQLITE_ERRAND_WRITER:
		pthread_mutex_lock(&worker->lock);
		TAILQ_INSERT_TAIL(&worker->writing, request, link);
		pthread_cond_signal(&worker->wake);
		pthread_mutex_unlock(&worker->lock);
		return;
	case SQLITE_ERRAND_DONE:
		break;
	}
	if (census != NULL)
		sqlite_life_tell(worker->life, census);
	request->status = STORE_ANSWERED;
	return sqlite_worker_hand_back_one(worker, request);
}

/*
 * Known mail costs a read, and waits neither for the disk nor for what others have to be kept: it
 * is answered, and handed back, first.  What is left in batch is to be written.
 */
static enum sqlite_db_status sqlite_worker_answer_known(struct sqlite_worker *worker,
							struct sqlite_queue *batch)
{
	struct sqlite_db *db = sqlite_life_db(worker->life);
	struct sqlite_queue known = TAILQ_HEAD_INITIALIZER(known);
	enum sqlite_db_status status = sqlite_db_begin(db, false);
	struct sqlite_request *next;
	bool is_done;

	for (struct sqlite_request *request = TAILQ_FIRST(batch);
	     request != NULL && status == SQLITE_DB_OK; request = next) {
		next = TAILQ_NEXT(request, link);
		status = sqlite_request_try_reading(request, db, &is_done);
		if (status != SQLITE_DB_OK || !is_done)
			continue;
		request->status = STORE_ANSWERED;
		TAILQ_REMOVE(batch, request, link);
		TAILQ_INSERT_TAIL(&known, request, link);
	}
	status = sqlite_worker_end_transaction(worker, status);
	sqlite_worker_hand_back(worker, &known);
	return status;
}

/*
 * When there is something to write and somebody else, an admin with sqlite3(1) say, is writing,
 * that is done again when he has finished.
 */
static enum sqlite_db_status sqlite_worker_try_batch(struct sqlite_worker *worker,
						     struct sqlite_queue *batch)
{
	enum sqlite_db_status status = sqlite_worker_answer_known(worker, batch);

	if (status == SQLITE_DB_OK && !TAILQ_EMPTY(batch))
		status = sqlite_worker_try_once(worker, batch, false);
	if (status == SQLITE_DB_BUSY)
		status = sqlite_worker_try_once(worker, batch, true);
	return status;
}

/* What was found to pass passes, though nothing could be kept of it: when it comes again, it is
 * found as it was. */
static void sqlite_worker_let_pass(struct sqlite_queue *batch)
{
	struct sqlite_request *request;

	TAILQ_FOREACH (request, batch, link) {
		if (sqlite_request_passes(request))
			sqlite_request_let_pass(request);
	}
}

/* Answer every question in batch; those that cannot be answered keep their STORE_FAILED. */
static void sqlite_worker_run_batch(struct sqlite_worker *worker, struct sqlite_queue *batch)
{
	if (TAILQ_EMPTY(batch) || sqlite_life_db(worker->life) == NULL)
		return;
	/* What this leaves, also by failing, is asked again. */
	if (TAILQ_FIRST(batch)->reads_only)
		return (void)sqlite_worker_answer_known(worker, batch);
	enum sqlite_db_status status = sqlite_worker_try_batch(worker, batch);
	if (status == SQLITE_DB_DAMAGED) {
		status = sqlite_life_begin_anew(worker->life);
		if (status == SQLITE_DB_OK)
			status = sqlite_worker_try_batch(worker, batch);
	}
	if (status == SQLITE_DB_OK)
		return;
	sqlite_life_take_failure(worker->life, status);
	sqlite_worker_let_pass(batch);
}

/* Every now and then: clean up a little, and see whether a store that failed can write again. */
static void sqlite_worker_tick(struct sqlite_worker *worker)
{
	int removed = 0;

	sqlite_life_stay_in_place(worker->life);
	struct sqlite_db *db = sqlite_life_db(worker->life);
	if (db != NULL) {
		/* Whoever is writing, mail does not wait for him because of this. */
		sqlite_db_set_waiting(db, false);
		if (sqlite_life_is_failing(worker->life))
			sqlite_db_touch(db);
		enum sqlite_db_status status = sqlite_db_begin(db, false);
		if (status == SQLITE_DB_OK)
			status = sqlite_greylist_expire(db, clock_wall_s(),
							SQLITE_WORKER_EXPIRE_STEP, &removed);
		status = sqlite_worker_end_transaction(worker, status);
		sqlite_db_set_waiting(db, true);
		if (status == SQLITE_DB_DAMAGED)
			status = sqlite_life_begin_anew(worker->life);
		if (status != SQLITE_DB_OK && status != SQLITE_DB_BUSY)
			sqlite_life_take_failure(worker->life, status);
	}
	worker->tick_ms = clock_mono_ms() + (removed >= SQLITE_WORKER_EXPIRE_STEP
						     ? SQLITE_WORKER_TICK_BUSY_MS
						     : SQLITE_WORKER_TICK_IDLE_MS);
}

/*
 * The errand whose turn it is, or NULL.  They rest while the log is copied: what they write
 * meanwhile would be left for the worker to copy, with mail waiting for it.
 */
static struct sqlite_request *sqlite_worker_take_errand(struct sqlite_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	struct sqlite_request *request = TAILQ_FIRST(&worker->writing);
	bool rests = sqlite_checkpointer_state(worker->checkpointer) != SQLITE_CHECKPOINT_NONE ||
		     clock_mono_ms() < worker->errand_ms;
	if (request != NULL && (!rests || worker->stop))
		TAILQ_REMOVE(&worker->writing, request, link);
	else
		request = NULL;
	pthread_mutex_unlock(&worker->lock);
	return request;
}

static bool sqlite_worker_is_stopping(struct sqlite_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	bool stop = worker->stop;
	pthread_mutex_unlock(&worker->lock);
	return stop;
}

/* Somebody else is writing: try again in a while. */
static void sqlite_worker_put_errand_off(struct sqlite_worker *worker,
					 struct sqlite_request *request)
{
	pthread_mutex_lock(&worker->lock);
	worker->errand_ms = clock_mono_ms() + SQLITE_WORKER_ERRAND_BUSY_MS;
	TAILQ_INSERT_HEAD(&worker->writing, request, link);
	pthread_mutex_unlock(&worker->lock);
}

/* One step of one errand, in a transaction of its own. */
static void sqlite_worker_run_errand(struct sqlite_worker *worker)
{
	struct sqlite_request *request = sqlite_worker_take_errand(worker);
	struct sqlite_db *db = sqlite_life_db(worker->life);
	enum sqlite_db_status status = SQLITE_DB_FAILED;
	bool is_last_try = sqlite_worker_is_stopping(worker);

	if (request == NULL)
		return;
	/* What a cancelled errand would still remove stays. */
	if (sqlite_request_is_cancelled(request) &&
	    !sqlite_errand_is_lasting(request->errand.errand))
		return sqlite_worker_hand_back_one(worker, request);
	if (db != NULL) {
		/* Mail does not wait for whoever is writing because of this; at the end there is no
		 * mail, and what is to be kept waits for its turn. */
		sqlite_db_set_waiting(db, is_last_try);
		status = sqlite_db_begin(db, is_last_try);
		if (status == SQLITE_DB_OK)
			status = sqlite_request_run(request, db);
		status = sqlite_worker_end_transaction(worker, status);
		sqlite_db_set_waiting(db, true);
		if (status == SQLITE_DB_BUSY && !is_last_try)
			return sqlite_worker_put_errand_off(worker, request);
		if (status == SQLITE_DB_DAMAGED)
			(void)sqlite_life_begin_anew(worker->life);
		else if (status != SQLITE_DB_OK)
			sqlite_life_take_failure(worker->life, status);
	}
	request->errand.has_failed = status != SQLITE_DB_OK;
	worker->errand_ms = clock_mono_ms() + SQLITE_WORKER_ERRAND_REST_MS;
	return sqlite_worker_pass_on(request, worker);
}

static void sqlite_worker_wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t mono_us)
{
	struct timespec until = {.tv_sec = mono_us / 1000000, .tv_nsec = mono_us % 1000000 * 1000};
	pthread_cond_timedwait(wake, lock, &until);
}

/*
 * Whether it is time to take questions.  One transaction costs as much as some ten questions in
 * it, so that those that may have to be written for wait a moment for others, unless nothing was
 * written lately: a stream of them gathers, and a single one is answered at once.
 */
static bool sqlite_worker_has_turn(const struct sqlite_worker *worker)
{
	const struct sqlite_request *request = TAILQ_FIRST(&worker->asked);

	return request != NULL &&
	       (request->reads_only || worker->asked_count >= SQLITE_WORKER_BATCH_FEW ||
		clock_mono_us() >= worker->rest_us);
}

/* When there is something to do even if nobody asks: monotonic. */
static int64_t sqlite_worker_due_ms(const struct sqlite_worker *worker)
{
	enum sqlite_checkpointer_state state = sqlite_checkpointer_state(worker->checkpointer);

	if (state == SQLITE_CHECKPOINT_COPIED)
		return 0;
	return !TAILQ_EMPTY(&worker->writing) && state == SQLITE_CHECKPOINT_NONE &&
			       worker->errand_ms < worker->tick_ms
		       ? worker->errand_ms
		       : worker->tick_ms;
}

/* Wait for questions, or for something else to do. */
static void sqlite_worker_wait(struct sqlite_worker *worker)
{
	while (!sqlite_worker_has_turn(worker) && !worker->stop) {
		int64_t due_us = 1000 * sqlite_worker_due_ms(worker);
		if (clock_mono_us() >= due_us)
			return;
		if (!TAILQ_EMPTY(&worker->asked) && worker->rest_us < due_us)
			due_us = worker->rest_us;
		sqlite_worker_wait_until(&worker->wake, &worker->lock, due_us);
	}
}

/* Take some questions, which may be written for or not. */
static void sqlite_worker_take_batch(struct sqlite_worker *worker, struct sqlite_queue *batch)
{
	struct sqlite_request *request;
	bool reads_only = false;
	int taken = 0;

	for (; taken < SQLITE_WORKER_BATCH_MAX; taken++) {
		request = TAILQ_FIRST(&worker->asked);
		if (request == NULL || (taken > 0 && request->reads_only != reads_only))
			break;
		reads_only = request->reads_only;
		TAILQ_REMOVE(&worker->asked, request, link);
		TAILQ_INSERT_TAIL(batch, request, link);
	}
	worker->asked_count -= (size_t)taken;
	if (taken > 0)
		histogram_add(&worker->batches, &store_batch_steps, taken);
}

/* A step of all that is due beside questions. */
static void sqlite_worker_keep_up(struct sqlite_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	bool is_due = worker->stop || clock_mono_ms() >= sqlite_worker_due_ms(worker);
	pthread_mutex_unlock(&worker->lock);
	if (is_due) {
		atomic_store_explicit(&worker->is_busy, true, memory_order_relaxed);
		if (clock_mono_ms() >= worker->tick_ms)
			sqlite_worker_tick(worker);
		sqlite_worker_run_errand(worker);
		sqlite_checkpointer_finish(worker->checkpointer, sqlite_life_db(worker->life));
		atomic_store_explicit(&worker->is_busy, false, memory_order_relaxed);
	}
	struct sqlite_db *db = sqlite_life_db(worker->life);
	if (db != NULL)
		sqlite_checkpointer_watch(worker->checkpointer, db);
}

static void *sqlite_worker_main(void *arg)
{
	struct sqlite_worker *worker = arg;
	struct sqlite_queue batch = TAILQ_HEAD_INITIALIZER(batch);

	pthread_mutex_lock(&worker->lock);
	while (!worker->stop || !TAILQ_EMPTY(&worker->asked) || !TAILQ_EMPTY(&worker->writing)) {
		sqlite_worker_wait(worker);
		sqlite_worker_take_batch(worker, &batch);
		pthread_mutex_unlock(&worker->lock);

		sqlite_life_reopen(worker->life);
		sqlite_worker_run_batch(worker, &batch);
		sqlite_worker_hand_back(worker, &batch);
		sqlite_worker_keep_up(worker);

		pthread_mutex_lock(&worker->lock);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

/* On the checkpointer's thread: there may be something for the worker to do. */
static void sqlite_worker_wake(void *arg)
{
	struct sqlite_worker *worker = arg;

	pthread_mutex_lock(&worker->lock);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

/* When all threads have ended, or have not begun. */
static void sqlite_worker_release(struct sqlite_worker *worker)
{
	sqlite_look_free(&worker->look);
	sqlite_reader_free(&worker->reader);
	sqlite_checkpointer_free(&worker->checkpointer);
	sqlite_life_free(&worker->life);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

static void sqlite_worker_stop_others(struct sqlite_worker *worker)
{
	if (worker->reader != NULL)
		sqlite_reader_stop(worker->reader);
	if (worker->checkpointer != NULL)
		sqlite_checkpointer_stop(worker->checkpointer);
}

/* The threads beside the worker; false: not all are to be had. */
static bool sqlite_worker_start_others(struct sqlite_worker *worker)
{
	worker->reader = sqlite_reader_new(sqlite_worker_pass_on, worker);
	if (worker->reader != NULL)
		worker->checkpointer =
			sqlite_checkpointer_new(worker->reader, sqlite_worker_wake, worker);
	return worker->checkpointer != NULL;
}

/* Begin all; what is begun when that fails is the caller's to stop. */
static bool sqlite_worker_start_threads(struct sqlite_worker *worker,
					char why[static STORE_WHY_SIZE])
{
	sigset_t all, before;
	bool started = false;

	/* Signals are for the event loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	snprintf(why, STORE_WHY_SIZE, "no thread to be had");
	if (sqlite_worker_start_others(worker)) {
		/* Here, before the loop runs, opening may take its time, and failing ends the
		 * start. */
		const struct sqlite_life_others others = {worker->checkpointer, worker->reader,
							  worker->look};
		started = sqlite_life_begin(worker->life, &others, why) &&
			  pthread_create(&worker->thread, NULL, sqlite_worker_main, worker) == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct sqlite_worker *sqlite_worker_new(const char *path, const struct store_options *options,
					sqlite_worker_done_fn *done, void *arg,
					char why[static STORE_WHY_SIZE])
{
	struct sqlite_worker *worker = mem_alloc(sizeof(*worker));
	pthread_condattr_t monotonic;

	worker->life = sqlite_life_new(path, options);
	worker->done = done;
	worker->arg = arg;
	worker->look = sqlite_look_new();
	TAILQ_INIT(&worker->asked);
	TAILQ_INIT(&worker->writing);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (sqlite_worker_start_threads(worker, why))
		return worker;
	sqlite_worker_stop_others(worker);
	sqlite_worker_release(worker);
	return NULL;
}

void sqlite_worker_ask(struct sqlite_worker *worker, struct sqlite_queue *asked)
{
	const struct sqlite_request *request;
	size_t count = 0;

	TAILQ_FOREACH (request, asked, link)
		count++;
	if (count == 0)
		return;
	pthread_mutex_lock(&worker->lock);
	size_t before = worker->asked_count;
	/* Else it is at work, or rests until it is time. */
	if (before == 0 ||
	    (before < SQLITE_WORKER_BATCH_FEW && before + count >= SQLITE_WORKER_BATCH_FEW))
		pthread_cond_signal(&worker->wake);
	worker->asked_count += count;
	TAILQ_CONCAT(&worker->asked, asked, link);
	pthread_mutex_unlock(&worker->lock);
}

void sqlite_worker_ask_errand(struct sqlite_worker *worker, struct sqlite_request *request)
{
	sqlite_worker_pass_on(request, worker);
}

bool sqlite_worker_is_busy(struct sqlite_worker *worker)
{
	return atomic_load_explicit(&worker->is_busy, memory_order_relaxed);
}

void sqlite_worker_look(struct sqlite_worker *worker, struct sqlite_queue *asked,
			struct sqlite_queue *done)
{
	sqlite_look(worker->look, asked, done);
}

void sqlite_worker_get_batches(struct sqlite_worker *worker, struct histogram *batches)
{
	pthread_mutex_lock(&worker->lock);
	*batches = worker->batches;
	pthread_mutex_unlock(&worker->lock);
}

void sqlite_worker_free(struct sqlite_worker **worker)
{
	struct sqlite_worker *freed = *worker;

	if (freed == NULL)
		return;
	*worker = NULL;
	/* First, as what the reader has begun goes to the worker. */
	sqlite_worker_stop_others(freed);
	pthread_mutex_lock(&freed->lock);
	freed->stop = true;
	pthread_cond_signal(&freed->wake);
	pthread_mutex_unlock(&freed->lock);
	pthread_join(freed->thread, NULL);
	sqlite_worker_release(freed);
}
