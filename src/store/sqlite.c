/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded store: SQLite on threads of its own.
 *
 * The event loop puts questions into a queue; the worker takes all that have gathered, answers them
 * in one transaction, commits, and hands the answers back through an eventfd (group commit: one
 * sync for many answers).  A question crosses to the worker and back as a whole, and has one owner
 * at a time.
 *
 * A second thread (sqlite_checkpointer.h) copies the write-ahead log into the database.  A third
 * (sqlite_reader.h) reads for admins, in slices.  What they want removed it finds,
 * and the worker removes it, some rows after each batch of questions about mail.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/wakeup.h"
#include "sqlite_checkpointer.h"
#include "sqlite_db.h"
#include "sqlite_file.h"
#include "sqlite_reader.h"
#include "sqlite_request.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	SQLITE_OUTSTANDING_MAX = 20000, /* questions; more than connections can have */
	SQLITE_BATCH_MAX = 512,         /* questions in one transaction */
	SQLITE_EXPIRE_STEP = 50,        /* rows removed at a time */
	SQLITE_TICK_BUSY_MS = 10,       /* to the next step while there are more */
	SQLITE_TICK_IDLE_MS = 1000,     /* to the next step when there were none */
	SQLITE_RECOVERED_MS = 3000,     /* without a failure, and a failing store is one no more */
	SQLITE_REOPEN_MS = 1000,        /* between tries while the database cannot be opened */
	SQLITE_ERRAND_REST_MS = 3,      /* between two steps, for questions about mail */
	SQLITE_ERRAND_BUSY_MS = 50,     /* to the next try, while somebody else is writing */
};

struct sqlite_store {
	struct store base;
	char *path; /* owned; never changes */
	struct store_options options;

	/* The loop's own. */
	size_t outstanding; /* questions that were asked and not handed back yet */
	bool is_answering;  /* a done() is running */
	struct store_counts counts;

	struct wakeup *answers;                   /* owned; there is something in answered */
	struct sqlite_reader *reader;             /* owned */
	struct sqlite_checkpointer *checkpointer; /* owned */

	pthread_t worker;
	pthread_mutex_t lock; /* of all in this paragraph */
	pthread_cond_t wake_worker;
	struct sqlite_queue asked, answered;
	struct sqlite_queue writing; /* errands whose turn is the worker's */
	struct histogram batches;    /* by store_batch_steps */
	bool tells_failing;          /* is_failing, for others */
	char tells_why[STORE_WHY_SIZE];
	bool stop;

	/* The worker's own. */
	struct sqlite_db *db; /* owned; NULL while it cannot be opened */
	bool is_failing;      /* said so in the log */
	int64_t failed_ms;    /* monotonic: when it failed last */
	int64_t reopen_ms;    /* monotonic: not before */
	int64_t tick_ms;      /* monotonic: next step */
	int64_t errand_ms;    /* monotonic: the next step of an errand not before */
	char why[STORE_WHY_SIZE];
};

/* For the census. */
static void sqlite_tell_failing(struct sqlite_store *store, bool is_failing)
{
	pthread_mutex_lock(&store->lock);
	store->tells_failing = is_failing;
	snprintf(store->tells_why, sizeof(store->tells_why), "%s", store->why);
	pthread_mutex_unlock(&store->lock);
}

/* Say once that the store fails, and once that it does not any more. */
static void sqlite_log_failing(struct sqlite_store *store)
{
	store->failed_ms = clock_mono_ms();
	if (!store->is_failing)
		log_error(
			"store: %s: %s; on_store_failure decides about mail until it answers again",
			store->path, store->why);
	store->is_failing = true;
	sqlite_tell_failing(store, true);
}

/* Something was written.  On a full disk now this fits and now that does not: only when nothing
 * failed for a while is it over. */
static void sqlite_log_recovered(struct sqlite_store *store)
{
	if (!store->is_failing || clock_mono_ms() - store->failed_ms < SQLITE_RECOVERED_MS)
		return;
	log_info("store: %s: answers again", store->path);
	store->is_failing = false;
	sqlite_tell_failing(store, false);
}

/* Put a damaged database out of the way, which nobody has open.  False when that fails. */
static bool sqlite_move_aside(struct sqlite_store *store)
{
	char moved_to[4096];

	bool moved = sqlite_file_move_aside(store->path, moved_to, sizeof(moved_to));
	if (moved)
		log_error("store: %s: the database is damaged: %s; it is now %s, and a new one is "
			  "begun, so that all senders are new",
			  store->path, store->why, moved_to);
	else
		snprintf(store->why, sizeof(store->why),
			 "the database is damaged and cannot be moved aside: %s", strerror(errno));
	return moved;
}

/*
 * Open the database.  One that is known to be damaged, or turns out to be, makes room for a new
 * one.
 */
static enum sqlite_db_status sqlite_open_db(struct sqlite_store *store, bool is_damaged)
{
	enum sqlite_db_status status = SQLITE_DB_DAMAGED;
	struct sqlite_db *checkpoint_db = NULL, *reader_db = NULL;

	if (!is_damaged)
		status = sqlite_db_open(store->path, &store->options, &store->db, store->why);
	if (status == SQLITE_DB_DAMAGED && sqlite_move_aside(store))
		status = sqlite_db_open(store->path, &store->options, &store->db, store->why);
	/* The other threads' now, too: one that is opened later by name could be to another file,
	 * which somebody put there, but with our log beside it. */
	if (status == SQLITE_DB_OK)
		status = sqlite_db_open(store->path, &store->options, &checkpoint_db, store->why);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_open(store->path, &store->options, &reader_db, store->why);
	if (status == SQLITE_DB_OK) {
		sqlite_checkpointer_set_db(store->checkpointer, &checkpoint_db);
		sqlite_reader_set_db(store->reader, &reader_db);
	} else {
		sqlite_db_close(&checkpoint_db);
		sqlite_db_close(&store->db);
	}
	return status;
}

/* The connections of the other threads, when they have ended what they do. */
static void sqlite_close_others(struct sqlite_store *store)
{
	sqlite_reader_set_db(store->reader, NULL);
	sqlite_checkpointer_set_db(store->checkpointer, NULL);
}

static void sqlite_close_db(struct sqlite_store *store)
{
	sqlite_close_others(store);
	sqlite_db_close(&store->db);
}

/* Roll back, and remember why, when status tells of a failure. */
static enum sqlite_db_status sqlite_end_transaction(struct sqlite_store *store,
						    enum sqlite_db_status status)
{
	if (status == SQLITE_DB_OK)
		status = sqlite_db_commit(store->db);
	if (status != SQLITE_DB_OK) {
		snprintf(store->why, sizeof(store->why), "%s", sqlite_db_why(store->db));
		sqlite_db_rollback(store->db);
	} else if (sqlite_db_wrote(store->db)) {
		sqlite_log_recovered(store);
	}
	return status;
}

/* Answer the questions from first up to, but not, end (NULL: to the last) within one transaction.
 */
static enum sqlite_db_status sqlite_try_once(struct sqlite_store *store,
					     struct sqlite_request *first,
					     const struct sqlite_request *end, bool for_writing)
{
	enum sqlite_db_status status = sqlite_db_begin(store->db, for_writing);

	for (struct sqlite_request *request = first; request != end && status == SQLITE_DB_OK;
	     request = TAILQ_NEXT(request, link))
		status = sqlite_request_run(request, store->db);
	status = sqlite_end_transaction(store, status);
	for (struct sqlite_request *request = first; request != end && status == SQLITE_DB_OK;
	     request = TAILQ_NEXT(request, link))
		request->status = STORE_ANSWERED;
	return status;
}

static void sqlite_hand_back(struct sqlite_store *store, struct sqlite_queue *batch)
{
	if (TAILQ_EMPTY(batch))
		return;
	pthread_mutex_lock(&store->lock);
	if (TAILQ_EMPTY(&store->answered))
		wakeup_send(store->answers);
	TAILQ_CONCAT(&store->answered, batch, link);
	pthread_mutex_unlock(&store->lock);
}

static void sqlite_hand_back_one(struct sqlite_store *store, struct sqlite_request *request)
{
	struct sqlite_queue alone = TAILQ_HEAD_INITIALIZER(alone);

	TAILQ_INSERT_TAIL(&alone, request, link);
	sqlite_hand_back(store, &alone);
}

/* An errand, to whoever's turn it is.  From any thread. */
static void sqlite_pass_on(struct sqlite_request *request, void *arg)
{
	struct sqlite_store *store = arg;
	struct store_census *census = sqlite_errand_census(request->errand.errand);
	enum sqlite_errand_turn turn = sqlite_errand_turn(request->errand.errand);

	if (request->errand.has_failed)
		return sqlite_hand_back_one(store, request);
	switch (turn) {
	case SQLITE_ERRAND_READER:
		return sqlite_reader_ask(store->reader, request);
	case SQLITE_ERRAND_WRITER:
		pthread_mutex_lock(&store->lock);
		TAILQ_INSERT_TAIL(&store->writing, request, link);
		pthread_cond_signal(&store->wake_worker);
		pthread_mutex_unlock(&store->lock);
		return;
	case SQLITE_ERRAND_DONE:
		break;
	}
	pthread_mutex_lock(&store->lock);
	if (census != NULL) {
		census->is_failing = store->tells_failing;
		snprintf(census->why, sizeof(census->why), "%s", store->tells_why);
	}
	pthread_mutex_unlock(&store->lock);
	request->status = STORE_ANSWERED;
	return sqlite_hand_back_one(store, request);
}

/*
 * The batch cannot be written, or not now.  Questions whose answer needs no writing, known mail
 * above all, are answered all the same, one by one, and handed back; what is left in batch needs
 * writing.
 */
static void sqlite_answer_readers(struct sqlite_store *store, struct sqlite_queue *batch)
{
	struct sqlite_queue readers = TAILQ_HEAD_INITIALIZER(readers);
	enum sqlite_db_status status = SQLITE_DB_OK;
	struct sqlite_request *next;

	for (struct sqlite_request *request = TAILQ_FIRST(batch); request != NULL; request = next) {
		next = TAILQ_NEXT(request, link);
		if (status == SQLITE_DB_FAILED || status == SQLITE_DB_DAMAGED)
			break;
		status = sqlite_try_once(store, request, next, false);
		if (status == SQLITE_DB_OK) {
			TAILQ_REMOVE(batch, request, link);
			TAILQ_INSERT_TAIL(&readers, request, link);
		}
	}
	sqlite_hand_back(store, &readers);
}

/*
 * Known mail costs a read, and a read waits for nobody.  When there is something to write and
 * somebody else, an admin with sqlite3(1) say, is writing, that is done again when he has finished.
 */
static enum sqlite_db_status sqlite_try_batch(struct sqlite_store *store,
					      struct sqlite_queue *batch)
{
	enum sqlite_db_status status = sqlite_try_once(store, TAILQ_FIRST(batch), NULL, false);
	if (status != SQLITE_DB_BUSY && status != SQLITE_DB_NO_WRITING)
		return status;
	sqlite_answer_readers(store, batch);
	if (TAILQ_EMPTY(batch))
		return SQLITE_DB_OK;
	return status == SQLITE_DB_BUSY ? sqlite_try_once(store, TAILQ_FIRST(batch), NULL, true)
					: status;
}

/* What a failure does to the database that we have open. */
static void sqlite_take_failure(struct sqlite_store *store, enum sqlite_db_status status)
{
	sqlite_log_failing(store);
	/* A lock or a full disk leaves it as it was; anything else may leave it half-usable, and it
	 * is opened again in a while. */
	if (status != SQLITE_DB_BUSY && status != SQLITE_DB_NO_WRITING)
		sqlite_close_db(store);
}

/* The database that we have open is damaged: begin a new one. */
static enum sqlite_db_status sqlite_begin_anew(struct sqlite_store *store)
{
	sqlite_close_db(store);
	return sqlite_open_db(store, true);
}

/* Answer every question in batch; those that cannot be answered keep their STORE_FAILED. */
static void sqlite_run_batch(struct sqlite_store *store, struct sqlite_queue *batch)
{
	if (TAILQ_EMPTY(batch) || store->db == NULL)
		return;
	enum sqlite_db_status status = sqlite_try_batch(store, batch);
	if (status == SQLITE_DB_DAMAGED) {
		status = sqlite_begin_anew(store);
		if (status == SQLITE_DB_OK)
			status = sqlite_try_batch(store, batch);
	}
	if (status != SQLITE_DB_OK)
		sqlite_take_failure(store, status);
}

/* The database was closed after a failure: open it again, but not all the time. */
static void sqlite_reopen(struct sqlite_store *store)
{
	if (store->db != NULL || clock_mono_ms() < store->reopen_ms)
		return;
	store->reopen_ms = clock_mono_ms() + SQLITE_REOPEN_MS;
	if (sqlite_open_db(store, false) != SQLITE_DB_OK)
		sqlite_log_failing(store);
}

/* What is written to a database that was removed, or replaced by another, is lost. */
static void sqlite_stay_in_place(struct sqlite_store *store)
{
	if (store->db == NULL || sqlite_db_is_in_place(store->db))
		return;
	sqlite_close_others(store);
	sqlite_db_abandon(&store->db);
	/* Only now is what was answered safe. */
	log_error("store: %s: the database was removed or replaced while it was in use, or its log "
		  "was; what is there now is opened, or a new one begun",
		  store->path);
	store->reopen_ms = 0;
	sqlite_reopen(store);
}

/* Every now and then: clean up a little, and see whether a store that failed can write again. */
static void sqlite_tick(struct sqlite_store *store)
{
	int removed = 0;

	sqlite_stay_in_place(store);
	if (store->db != NULL) {
		/* Whoever is writing, mail does not wait for him because of this. */
		sqlite_db_set_waiting(store->db, false);
		if (store->is_failing)
			sqlite_db_touch(store->db);
		enum sqlite_db_status status = sqlite_db_begin(store->db, false);
		if (status == SQLITE_DB_OK)
			status = sqlite_db_expire(store->db, clock_wall_s(), SQLITE_EXPIRE_STEP,
						  &removed);
		status = sqlite_end_transaction(store, status);
		sqlite_db_set_waiting(store->db, true);
		if (status == SQLITE_DB_DAMAGED)
			status = sqlite_begin_anew(store);
		if (status != SQLITE_DB_OK && status != SQLITE_DB_BUSY)
			sqlite_take_failure(store, status);
	}
	store->tick_ms = clock_mono_ms() + (removed >= SQLITE_EXPIRE_STEP ? SQLITE_TICK_BUSY_MS
									  : SQLITE_TICK_IDLE_MS);
}

/*
 * The errand whose turn it is, or NULL.  They rest while the log is copied: what they write
 * meanwhile would be left for the worker to copy, with mail waiting for it.
 */
static struct sqlite_request *sqlite_take_errand(struct sqlite_store *store)
{
	pthread_mutex_lock(&store->lock);
	struct sqlite_request *request = TAILQ_FIRST(&store->writing);
	bool rests = sqlite_checkpointer_state(store->checkpointer) != SQLITE_CHECKPOINT_NONE ||
		     clock_mono_ms() < store->errand_ms;
	if (request != NULL && (!rests || store->stop))
		TAILQ_REMOVE(&store->writing, request, link);
	else
		request = NULL;
	pthread_mutex_unlock(&store->lock);
	return request;
}

static bool sqlite_is_stopping(struct sqlite_store *store)
{
	pthread_mutex_lock(&store->lock);
	bool stop = store->stop;
	pthread_mutex_unlock(&store->lock);
	return stop;
}

/* Somebody else is writing: try again in a while. */
static void sqlite_put_errand_off(struct sqlite_store *store, struct sqlite_request *request)
{
	pthread_mutex_lock(&store->lock);
	store->errand_ms = clock_mono_ms() + SQLITE_ERRAND_BUSY_MS;
	TAILQ_INSERT_HEAD(&store->writing, request, link);
	pthread_mutex_unlock(&store->lock);
}

/* One step of one errand, in a transaction of its own. */
static void sqlite_run_errand(struct sqlite_store *store)
{
	struct sqlite_request *request = sqlite_take_errand(store);
	enum sqlite_db_status status = SQLITE_DB_FAILED;
	bool is_last_try = sqlite_is_stopping(store);

	if (request == NULL)
		return;
	/* What a cancelled errand would still remove stays. */
	if (sqlite_request_is_cancelled(request) &&
	    !sqlite_errand_is_lasting(request->errand.errand))
		return sqlite_hand_back_one(store, request);
	if (store->db != NULL) {
		/* Mail does not wait for whoever is writing because of this; at the end there is no
		 * mail, and what is to be kept waits for its turn. */
		sqlite_db_set_waiting(store->db, is_last_try);
		status = sqlite_db_begin(store->db, is_last_try);
		if (status == SQLITE_DB_OK)
			status = sqlite_request_run(request, store->db);
		status = sqlite_end_transaction(store, status);
		sqlite_db_set_waiting(store->db, true);
		if (status == SQLITE_DB_BUSY && !is_last_try)
			return sqlite_put_errand_off(store, request);
		if (status == SQLITE_DB_DAMAGED)
			(void)sqlite_begin_anew(store);
		else if (status != SQLITE_DB_OK)
			sqlite_take_failure(store, status);
	}
	request->errand.has_failed = status != SQLITE_DB_OK;
	store->errand_ms = clock_mono_ms() + SQLITE_ERRAND_REST_MS;
	return sqlite_pass_on(request, store);
}

static void sqlite_wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t mono_ms)
{
	struct timespec until = {.tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000};
	pthread_cond_timedwait(wake, lock, &until);
}

/* When there is something to do even if nobody asks: monotonic. */
static int64_t sqlite_due_ms(const struct sqlite_store *store)
{
	enum sqlite_checkpointer_state state = sqlite_checkpointer_state(store->checkpointer);

	if (state == SQLITE_CHECKPOINT_COPIED)
		return 0;
	return !TAILQ_EMPTY(&store->writing) && state == SQLITE_CHECKPOINT_NONE &&
			       store->errand_ms < store->tick_ms
		       ? store->errand_ms
		       : store->tick_ms;
}

/* Wait for questions, or for something else to do; then take some. */
static void sqlite_take_batch(struct sqlite_store *store, struct sqlite_queue *batch)
{
	int taken = 0;

	while (TAILQ_EMPTY(&store->asked) && !store->stop && clock_mono_ms() < sqlite_due_ms(store))
		sqlite_wait_until(&store->wake_worker, &store->lock, sqlite_due_ms(store));
	for (; taken < SQLITE_BATCH_MAX && !TAILQ_EMPTY(&store->asked); taken++) {
		struct sqlite_request *request = TAILQ_FIRST(&store->asked);
		TAILQ_REMOVE(&store->asked, request, link);
		TAILQ_INSERT_TAIL(batch, request, link);
	}
	if (taken > 0)
		histogram_add(&store->batches, &store_batch_steps, taken);
}

static void *sqlite_worker_main(void *arg)
{
	struct sqlite_store *store = arg;
	struct sqlite_queue batch = TAILQ_HEAD_INITIALIZER(batch);

	pthread_mutex_lock(&store->lock);
	while (!store->stop || !TAILQ_EMPTY(&store->asked) || !TAILQ_EMPTY(&store->writing)) {
		sqlite_take_batch(store, &batch);
		pthread_mutex_unlock(&store->lock);

		sqlite_reopen(store);
		sqlite_run_batch(store, &batch);
		sqlite_hand_back(store, &batch);
		if (clock_mono_ms() >= store->tick_ms)
			sqlite_tick(store);
		sqlite_run_errand(store);
		sqlite_checkpointer_keep_short(store->checkpointer, store->db);

		pthread_mutex_lock(&store->lock);
	}
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

/* On the checkpointer's thread: there may be something for the worker to do. */
static void sqlite_wake_worker(void *arg)
{
	struct sqlite_store *store = arg;

	pthread_mutex_lock(&store->lock);
	pthread_cond_signal(&store->wake_worker);
	pthread_mutex_unlock(&store->lock);
}

static void sqlite_count(struct sqlite_store *store, const struct sqlite_request *request)
{
	if (request->kind != SQLITE_REQUEST_GREYLIST)
		return;
	*(request->status == STORE_ANSWERED ? &store->counts.answered : &store->counts.failed) += 1;
	histogram_add(&store->counts.latency_s, &histogram_latency_s,
		      (double)(clock_mono_us() - request->asked_us) / 1e6);
}

/* Before all that was handed back since, in another round of the loop. */
static void sqlite_put_reports_off(struct sqlite_store *store, struct sqlite_queue *reports)
{
	if (TAILQ_EMPTY(reports))
		return;
	pthread_mutex_lock(&store->lock);
	TAILQ_CONCAT(reports, &store->answered, link);
	TAILQ_CONCAT(&store->answered, reports, link);
	wakeup_send(store->answers);
	pthread_mutex_unlock(&store->lock);
}

/* All answers, but one report only: to write a long list takes milliseconds, in which the loop does
 * nothing for mail. */
static void on_sqlite_answers(void *arg)
{
	struct sqlite_store *store = arg;
	struct sqlite_queue answered = TAILQ_HEAD_INITIALIZER(answered);
	struct sqlite_queue later = TAILQ_HEAD_INITIALIZER(later);
	bool has_reported = false;

	pthread_mutex_lock(&store->lock);
	TAILQ_CONCAT(&answered, &store->answered, link);
	pthread_mutex_unlock(&store->lock);

	store->is_answering = true;
	while (!TAILQ_EMPTY(&answered)) {
		struct sqlite_request *request = TAILQ_FIRST(&answered);
		TAILQ_REMOVE(&answered, request, link);
		if (request->kind == SQLITE_REQUEST_ERRAND && has_reported) {
			TAILQ_INSERT_TAIL(&later, request, link);
			continue;
		}
		has_reported = has_reported || request->kind == SQLITE_REQUEST_ERRAND;
		store->outstanding--;
		sqlite_count(store, request);
		/* This may cancel others that are still in answered: that only marks them. */
		sqlite_request_answer(request);
		sqlite_request_free(&request);
	}
	store->is_answering = false;
	sqlite_put_reports_off(store, &later);
}

static struct store_request *sqlite_ask(struct store *base, struct sqlite_request *request)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	bool refused = store->outstanding >= SQLITE_OUTSTANDING_MAX;

	request->base.store = base;
	request->asked_us = clock_mono_us();
	store->outstanding++;
	if (refused) {
		sqlite_hand_back_one(store, request);
		return &request->base;
	}
	if (request->kind == SQLITE_REQUEST_ERRAND) {
		sqlite_pass_on(request, store);
		return &request->base;
	}
	pthread_mutex_lock(&store->lock);
	if (TAILQ_EMPTY(&store->asked))
		pthread_cond_signal(&store->wake_worker);
	TAILQ_INSERT_TAIL(&store->asked, request, link);
	pthread_mutex_unlock(&store->lock);
	return &request->base;
}

static struct store_request *sqlite_start(struct store *base, const struct store_question *question,
					  store_done_fn *done, void *arg)
{
	return sqlite_ask(base, sqlite_request_new_greylist(question, done, arg));
}

static struct store_request *sqlite_start_networks(struct store *base,
						   enum store_networks_task task,
						   const struct store_networks *networks,
						   store_networks_done_fn *done, void *arg)
{
	return sqlite_ask(base, sqlite_request_new_networks(task, networks, done, arg));
}

static struct store_request *sqlite_start_errand(struct store *base,
						 const struct store_errand *errand,
						 store_report_fn *done, void *arg)
{
	return sqlite_ask(base, sqlite_request_new_errand(errand, done, arg));
}

static const struct store_counts *sqlite_counts(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	pthread_mutex_lock(&store->lock);
	store->counts.batch_size = store->batches;
	pthread_mutex_unlock(&store->lock);
	return &store->counts;
}

static void sqlite_cancel(struct store_request *base)
{
	struct sqlite_request *request = (struct sqlite_request *)base;
	atomic_store_explicit(&request->is_cancelled, true, memory_order_relaxed);
}

static void sqlite_free_queue(struct sqlite_queue *queue)
{
	while (!TAILQ_EMPTY(queue)) {
		struct sqlite_request *request = TAILQ_FIRST(queue);
		TAILQ_REMOVE(queue, request, link);
		sqlite_request_free(&request);
	}
}

/* When all threads have ended, or have not begun. */
static void sqlite_release(struct sqlite_store *store)
{
	sqlite_reader_free(&store->reader);
	sqlite_checkpointer_free(&store->checkpointer);
	sqlite_db_close(&store->db);
	wakeup_free(&store->answers);
	pthread_cond_destroy(&store->wake_worker);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

static void sqlite_stop_worker(struct sqlite_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->stop = true;
	pthread_cond_signal(&store->wake_worker);
	pthread_mutex_unlock(&store->lock);
	pthread_join(store->worker, NULL);
}

static void sqlite_stop_others(struct sqlite_store *store)
{
	if (store->reader != NULL)
		sqlite_reader_stop(store->reader);
	if (store->checkpointer != NULL)
		sqlite_checkpointer_stop(store->checkpointer);
}

static void sqlite_free(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	assert(!store->is_answering);
	/* First, as what the reader has begun goes to the worker. */
	sqlite_stop_others(store);
	sqlite_stop_worker(store);
	sqlite_free_queue(&store->answered);
	sqlite_release(store);
}

/* The threads beside the worker; false: not all are to be had. */
static bool sqlite_start_others(struct sqlite_store *store)
{
	store->reader = sqlite_reader_new(sqlite_pass_on, store);
	if (store->reader != NULL)
		store->checkpointer =
			sqlite_checkpointer_new(store->reader, sqlite_wake_worker, store);
	return store->checkpointer != NULL;
}

/* Begin all; what is begun when that fails is the caller's to stop. */
static bool sqlite_start_threads(struct sqlite_store *store, char why[static STORE_WHY_SIZE])
{
	sigset_t all, before;
	bool started = false;

	/* Signals are for the event loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	snprintf(why, STORE_WHY_SIZE, "no thread to be had");
	if (sqlite_start_others(store)) {
		/* Here, before the loop runs, opening may take its time, and failing ends the
		 * start. */
		if (sqlite_open_db(store, false) != SQLITE_DB_OK)
			snprintf(why, STORE_WHY_SIZE, "%.250s: %.250s", store->path, store->why);
		else
			started = pthread_create(&store->worker, NULL, sqlite_worker_main, store) ==
				  0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static struct store *sqlite_open(const char *rest, const struct store_options *options,
				 struct event_base *base, char why[static STORE_WHY_SIZE])
{
	struct sqlite_store *store = mem_alloc(sizeof(*store));
	pthread_condattr_t monotonic;

	store->base.class = &sqlite_store_class;
	store->path = mem_copy_string(rest);
	store->options = *options;
	TAILQ_INIT(&store->asked);
	TAILQ_INIT(&store->answered);
	TAILQ_INIT(&store->writing);
	pthread_mutex_init(&store->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&store->wake_worker, &monotonic);
	pthread_condattr_destroy(&monotonic);
	store->answers = wakeup_new(base, on_sqlite_answers, store);
	if (store->answers == NULL)
		snprintf(why, STORE_WHY_SIZE, "eventfd: %s", strerror(errno));
	else if (sqlite_start_threads(store, why))
		return &store->base;
	sqlite_stop_others(store);
	sqlite_release(store);
	return NULL;
}

const struct store_class sqlite_store_class = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.start = sqlite_start,
	.start_networks = sqlite_start_networks,
	.start_errand = sqlite_start_errand,
	.counts = sqlite_counts,
	.cancel = sqlite_cancel,
	.free = sqlite_free,
};
