/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sqlite_checkpointer.h"
#include "sqlite_db.h"
#include "sqlite_file.h"
#include "sqlite_greylist.h"
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
	SQLITE_WORKER_RECOVERED_MS =
		3000,                   /* without a failure, and a failing store is one no more */
	SQLITE_WORKER_REOPEN_MS = 1000, /* between tries while the database cannot be opened */
	SQLITE_WORKER_ASIDE_MAX = 10,   /* damaged databases that are put aside in ... */
	SQLITE_WORKER_ASIDE_MS = 3600 * 1000, /* ... an hour: a broken disk damages each new one */
	SQLITE_WORKER_ERRAND_REST_MS = 3,     /* between two steps, for questions about mail */
	SQLITE_WORKER_ERRAND_BUSY_MS = 50,    /* to the next try, while somebody else is writing */
};

struct sqlite_worker {
	char *path; /* owned; never changes */
	struct store_options options;
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
	struct sqlite_queue writing; /* errands whose turn is the worker's */
	struct histogram batches;    /* by store_batch_steps */
	bool tells_failing;          /* is_failing, for others */
	char tells_why[STORE_WHY_SIZE];
	bool stop;

	/* The thread's own. */
	struct sqlite_db *db; /* owned; NULL while it cannot be opened */
	bool is_failing;      /* said so in the log */
	int64_t failed_ms;    /* monotonic: when it failed last */
	int64_t reopen_ms;    /* monotonic: not before */
	int64_t rest_us;      /* monotonic: until then few questions wait */
	int64_t tick_ms;      /* monotonic: next step */
	int64_t errand_ms;    /* monotonic: the next step of an errand not before */
	int64_t aside_ms;     /* monotonic: since then ... */
	int aside_count;      /* ... so many were put aside */
	char why[STORE_WHY_SIZE];
};

/* For the census. */
static void sqlite_worker_tell_failing(struct sqlite_worker *worker, bool is_failing)
{
	pthread_mutex_lock(&worker->lock);
	worker->tells_failing = is_failing;
	snprintf(worker->tells_why, sizeof(worker->tells_why), "%s", worker->why);
	pthread_mutex_unlock(&worker->lock);
}

/* Say once that the store fails, and once that it does not any more. */
static void sqlite_worker_log_failing(struct sqlite_worker *worker)
{
	worker->failed_ms = clock_mono_ms();
	if (!worker->is_failing)
		log_error(
			"store: %s: %s; on_store_failure decides about mail until it answers again",
			worker->path, worker->why);
	worker->is_failing = true;
	sqlite_worker_tell_failing(worker, true);
}

/* Something was written.  On a full disk now this fits and now that does not: only when nothing
 * failed for a while is it over. */
static void sqlite_worker_log_recovered(struct sqlite_worker *worker)
{
	if (!worker->is_failing || clock_mono_ms() - worker->failed_ms < SQLITE_WORKER_RECOVERED_MS)
		return;
	log_info("store: %s: answers again", worker->path);
	worker->is_failing = false;
	sqlite_worker_tell_failing(worker, false);
}

/* Whether one more may be put aside: they stay, for an admin to look at, and take room. */
static bool sqlite_worker_may_move_aside(struct sqlite_worker *worker)
{
	int64_t now_ms = clock_mono_ms();

	if (worker->aside_count == 0 || now_ms - worker->aside_ms > SQLITE_WORKER_ASIDE_MS) {
		worker->aside_ms = now_ms;
		worker->aside_count = 0;
	}
	return worker->aside_count++ < SQLITE_WORKER_ASIDE_MAX;
}

/* Put a damaged database out of the way, which nobody has open.  False when that fails. */
static bool sqlite_worker_move_aside(struct sqlite_worker *worker)
{
	char moved_to[4096];

	if (!sqlite_worker_may_move_aside(worker)) {
		snprintf(worker->why, sizeof(worker->why),
			 "the database is damaged once more, as %d before it were within an hour",
			 SQLITE_WORKER_ASIDE_MAX);
		return false;
	}
	bool moved = sqlite_file_move_aside(worker->path, moved_to, sizeof(moved_to));
	if (moved)
		log_error("store: %s: the database is damaged: %s; it is now %s, and a new one is "
			  "begun, so that all senders are new",
			  worker->path, worker->why, moved_to);
	else
		snprintf(worker->why, sizeof(worker->why),
			 "the database is damaged and cannot be moved aside: %s", strerror(errno));
	return moved;
}

/*
 * Open the database.  One that is known to be damaged, or turns out to be, makes room for a new
 * one.
 */
static enum sqlite_db_status sqlite_worker_open_db(struct sqlite_worker *worker, bool is_damaged)
{
	enum sqlite_db_status status = SQLITE_DB_DAMAGED;
	struct sqlite_db *checkpoint_db = NULL, *reader_db = NULL, *look_db = NULL;

	if (!is_damaged)
		status = sqlite_db_open(worker->path, &worker->options, &worker->db, worker->why);
	if (status == SQLITE_DB_DAMAGED && sqlite_worker_move_aside(worker))
		status = sqlite_db_open(worker->path, &worker->options, &worker->db, worker->why);
	/* The other threads' now, too: one that is opened later by name could be to another file,
	 * which somebody put there, but with our log beside it. */
	if (status == SQLITE_DB_OK)
		status =
			sqlite_db_open(worker->path, &worker->options, &checkpoint_db, worker->why);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_open(worker->path, &worker->options, &reader_db, worker->why);
	if (status == SQLITE_DB_OK) {
		sqlite_checkpointer_set_db(worker->checkpointer, &checkpoint_db);
		sqlite_reader_set_db(worker->reader, &reader_db);
		/* Without this one known mail may have to wait, and that is all. */
		if (sqlite_db_open(worker->path, &worker->options, &look_db, worker->why) ==
		    SQLITE_DB_OK)
			sqlite_look_set_db(worker->look, &look_db, worker->db);
	} else {
		sqlite_db_close(&reader_db);
		sqlite_db_close(&checkpoint_db);
		sqlite_db_close(&worker->db);
	}
	return status;
}

/* The connections of the other threads, when they have ended what they do. */
static void sqlite_worker_close_others(struct sqlite_worker *worker)
{
	sqlite_look_set_db(worker->look, NULL, NULL);
	sqlite_reader_set_db(worker->reader, NULL);
	sqlite_checkpointer_set_db(worker->checkpointer, NULL);
}

static void sqlite_worker_close_db(struct sqlite_worker *worker)
{
	sqlite_worker_close_others(worker);
	sqlite_db_close(&worker->db);
}

/* Roll back, and remember why, when status tells of a failure. */
static enum sqlite_db_status sqlite_worker_end_transaction(struct sqlite_worker *worker,
							   enum sqlite_db_status status)
{
	if (status == SQLITE_DB_OK)
		status = sqlite_db_commit(worker->db);
	if (status != SQLITE_DB_OK) {
		snprintf(worker->why, sizeof(worker->why), "%s", sqlite_db_why(worker->db));
		sqlite_db_rollback(worker->db);
	} else if (sqlite_db_wrote(worker->db)) {
		sqlite_worker_log_recovered(worker);
		worker->rest_us = clock_mono_us() + SQLITE_WORKER_REST_US;
	}
	return status;
}

/* Answer all questions in batch within one transaction, or none of them. */
static enum sqlite_db_status sqlite_worker_try_once(struct sqlite_worker *worker,
						    const struct sqlite_queue *batch,
						    bool for_writing)
{
	enum sqlite_db_status status = sqlite_db_begin(worker->db, for_writing);
	struct sqlite_request *request;

	TAILQ_FOREACH (request, batch, link) {
		if (status == SQLITE_DB_OK)
			status = sqlite_request_run(request, worker->db);
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
	pthread_mutex_lock(&worker->lock);
	if (census != NULL) {
		census->is_failing = worker->tells_failing;
		snprintf(census->why, sizeof(census->why), "%s", worker->tells_why);
	}
	pthread_mutex_unlock(&worker->lock);
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
	struct sqlite_queue known = TAILQ_HEAD_INITIALIZER(known);
	enum sqlite_db_status status = sqlite_db_begin(worker->db, false);
	struct sqlite_request *next;
	bool is_done;

	for (struct sqlite_request *request = TAILQ_FIRST(batch);
	     request != NULL && status == SQLITE_DB_OK; request = next) {
		next = TAILQ_NEXT(request, link);
		status = sqlite_request_try_reading(request, worker->db, &is_done);
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

/* What a failure does to the database that we have open. */
static void sqlite_worker_take_failure(struct sqlite_worker *worker, enum sqlite_db_status status)
{
	sqlite_worker_log_failing(worker);
	/* A lock or a full disk leaves it as it was; anything else may leave it half-usable, and it
	 * is opened again in a while. */
	if (status != SQLITE_DB_BUSY && status != SQLITE_DB_NO_WRITING)
		sqlite_worker_close_db(worker);
}

/* The database that we have open is damaged: begin a new one. */
static enum sqlite_db_status sqlite_worker_begin_anew(struct sqlite_worker *worker)
{
	sqlite_worker_close_db(worker);
	return sqlite_worker_open_db(worker, true);
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
	if (TAILQ_EMPTY(batch) || worker->db == NULL)
		return;
	/* What this leaves, also by failing, is asked again. */
	if (TAILQ_FIRST(batch)->reads_only)
		return (void)sqlite_worker_answer_known(worker, batch);
	enum sqlite_db_status status = sqlite_worker_try_batch(worker, batch);
	if (status == SQLITE_DB_DAMAGED) {
		status = sqlite_worker_begin_anew(worker);
		if (status == SQLITE_DB_OK)
			status = sqlite_worker_try_batch(worker, batch);
	}
	if (status == SQLITE_DB_OK)
		return;
	sqlite_worker_take_failure(worker, status);
	sqlite_worker_let_pass(batch);
}

/* The database was closed after a failure: open it again, but not all the time. */
static void sqlite_worker_reopen(struct sqlite_worker *worker)
{
	if (worker->db != NULL || clock_mono_ms() < worker->reopen_ms)
		return;
	worker->reopen_ms = clock_mono_ms() + SQLITE_WORKER_REOPEN_MS;
	if (sqlite_worker_open_db(worker, false) != SQLITE_DB_OK)
		sqlite_worker_log_failing(worker);
}

/* What is written to a database that was removed, or replaced by another, is lost. */
static void sqlite_worker_stay_in_place(struct sqlite_worker *worker)
{
	if (worker->db == NULL || sqlite_db_is_in_place(worker->db))
		return;
	sqlite_worker_close_others(worker);
	sqlite_db_abandon(&worker->db);
	/* Only now is what was answered safe. */
	log_error("store: %s: the database was removed or replaced while it was in use, or its log "
		  "was; what is there now is opened, or a new one begun",
		  worker->path);
	worker->reopen_ms = 0;
	sqlite_worker_reopen(worker);
}

/* Every now and then: clean up a little, and see whether a store that failed can write again. */
static void sqlite_worker_tick(struct sqlite_worker *worker)
{
	int removed = 0;

	sqlite_worker_stay_in_place(worker);
	if (worker->db != NULL) {
		/* Whoever is writing, mail does not wait for him because of this. */
		sqlite_db_set_waiting(worker->db, false);
		if (worker->is_failing)
			sqlite_db_touch(worker->db);
		enum sqlite_db_status status = sqlite_db_begin(worker->db, false);
		if (status == SQLITE_DB_OK)
			status = sqlite_greylist_expire(worker->db, clock_wall_s(),
							SQLITE_WORKER_EXPIRE_STEP, &removed);
		status = sqlite_worker_end_transaction(worker, status);
		sqlite_db_set_waiting(worker->db, true);
		if (status == SQLITE_DB_DAMAGED)
			status = sqlite_worker_begin_anew(worker);
		if (status != SQLITE_DB_OK && status != SQLITE_DB_BUSY)
			sqlite_worker_take_failure(worker, status);
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
	enum sqlite_db_status status = SQLITE_DB_FAILED;
	bool is_last_try = sqlite_worker_is_stopping(worker);

	if (request == NULL)
		return;
	/* What a cancelled errand would still remove stays. */
	if (sqlite_request_is_cancelled(request) &&
	    !sqlite_errand_is_lasting(request->errand.errand))
		return sqlite_worker_hand_back_one(worker, request);
	if (worker->db != NULL) {
		/* Mail does not wait for whoever is writing because of this; at the end there is no
		 * mail, and what is to be kept waits for its turn. */
		sqlite_db_set_waiting(worker->db, is_last_try);
		status = sqlite_db_begin(worker->db, is_last_try);
		if (status == SQLITE_DB_OK)
			status = sqlite_request_run(request, worker->db);
		status = sqlite_worker_end_transaction(worker, status);
		sqlite_db_set_waiting(worker->db, true);
		if (status == SQLITE_DB_BUSY && !is_last_try)
			return sqlite_worker_put_errand_off(worker, request);
		if (status == SQLITE_DB_DAMAGED)
			(void)sqlite_worker_begin_anew(worker);
		else if (status != SQLITE_DB_OK)
			sqlite_worker_take_failure(worker, status);
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
	int count = 0;

	if (request == NULL || request->reads_only || clock_mono_us() >= worker->rest_us)
		return request != NULL;
	for (; request != NULL && count < SQLITE_WORKER_BATCH_FEW; count++)
		request = TAILQ_NEXT(request, link);
	return count == SQLITE_WORKER_BATCH_FEW;
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
		sqlite_checkpointer_finish(worker->checkpointer, worker->db);
		atomic_store_explicit(&worker->is_busy, false, memory_order_relaxed);
	}
	if (worker->db != NULL)
		sqlite_checkpointer_watch(worker->checkpointer, worker->db);
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

		sqlite_worker_reopen(worker);
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
	sqlite_db_close(&worker->db);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker->path);
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
		if (sqlite_worker_open_db(worker, false) != SQLITE_DB_OK)
			snprintf(why, STORE_WHY_SIZE, "%.250s: %.250s", worker->path, worker->why);
		else
			started = pthread_create(&worker->thread, NULL, sqlite_worker_main,
						 worker) == 0;
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

	worker->path = mem_copy_string(path);
	worker->options = *options;
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
	if (TAILQ_EMPTY(asked))
		return;
	pthread_mutex_lock(&worker->lock);
	if (TAILQ_EMPTY(&worker->asked))
		pthread_cond_signal(&worker->wake);
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
