/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded store: SQLite, on threads of its own (sqlite_worker.h).
 *
 * The event loop hands questions to the worker, and the answers come back through an eventfd.  A
 * question crosses to the worker and back as a whole, and has one owner at a time.
 *
 * Known mail waits for nothing that the worker writes.  Questions about triplets are gathered for a
 * round of the loop.  Those that may be known (sqlite_regulars.h) go to the worker only as long as
 * it has nothing to write, and only to be read: when there is something to write for one, the
 * worker gives it back, and it is asked again.  Else they are looked for on the loop
 * (sqlite_look.h).
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/wakeup.h"
#include "sqlite_regulars.h"
#include "sqlite_worker.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	SQLITE_OUTSTANDING_MAX = 20000, /* questions in the worker's hand */
	SQLITE_SPARE_MAX = 64, /* questions that are done with, and kept for those that come: they
				* are too large for malloc(3) to be quick with them */
};

struct sqlite_store {
	struct store base;

	/* The loop's own. */
	size_t outstanding;        /* questions in the worker's hand */
	size_t writing;            /* those among them that it may write for */
	struct sqlite_queue spare; /* about triplets, done with */
	size_t spare_count;
	struct sqlite_queue gathered;     /* about triplets, of this round of the loop */
	struct event *on_gathered;        /* owned; active while there are any */
	struct sqlite_regulars *regulars; /* owned; whose mail passed */
	bool is_answering;                /* a done() is running */
	struct store_counts counts;
	struct wakeup *answers;       /* owned; there is something in answered */
	struct sqlite_worker *worker; /* owned */

	pthread_mutex_t lock; /* of the next one */
	struct sqlite_queue answered;
};

/* From any thread. */
static void sqlite_take_back(struct sqlite_queue *done, void *arg)
{
	struct sqlite_store *store = arg;

	pthread_mutex_lock(&store->lock);
	if (TAILQ_EMPTY(&store->answered))
		wakeup_send(store->answers);
	TAILQ_CONCAT(&store->answered, done, link);
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

static void sqlite_dispose(struct sqlite_store *store, struct sqlite_request *request)
{
	if (request->kind != SQLITE_REQUEST_GREYLIST || store->spare_count == SQLITE_SPARE_MAX)
		return sqlite_request_free(&request);
	store->spare_count++;
	TAILQ_INSERT_HEAD(&store->spare, request, link);
}

/* Who passed may pass again without anything written. */
static void sqlite_remember(struct sqlite_store *store, const struct sqlite_request *request)
{
	if (request->status == STORE_ANSWERED && sqlite_request_passes(request))
		sqlite_regulars_add(store->regulars, &request->greylist.question);
}

/* Answer one that is done. */
static void sqlite_answer(struct sqlite_store *store, struct sqlite_request *request)
{
	store->is_answering = true;
	sqlite_count(store, request);
	sqlite_remember(store, request);
	/* This may cancel others that are still to be answered: that only marks them. */
	sqlite_request_answer(request);
	sqlite_dispose(store, request);
	store->is_answering = false;
}

/* Errands are the reader's above all, and written for in small steps. */
static bool sqlite_is_written_for(const struct sqlite_request *request)
{
	return request->kind != SQLITE_REQUEST_ERRAND && !request->reads_only;
}

/* It leaves the loop.  False: it does not, there are too many. */
static bool sqlite_let_out(struct sqlite_store *store, struct sqlite_request *request,
			   bool reads_only)
{
	struct sqlite_queue alone = TAILQ_HEAD_INITIALIZER(alone);
	bool is_refused = store->outstanding >= SQLITE_OUTSTANDING_MAX;

	request->reads_only = reads_only && !is_refused;
	store->outstanding++;
	store->writing += sqlite_is_written_for(request);
	if (is_refused) {
		TAILQ_INSERT_TAIL(&alone, request, link);
		sqlite_take_back(&alone, store);
	}
	return !is_refused;
}

/* It is back. */
static void sqlite_let_in(struct sqlite_store *store, const struct sqlite_request *request)
{
	store->outstanding--;
	store->writing -= sqlite_is_written_for(request);
}

/* Questions, to the worker; queue is empty then. */
static void sqlite_hand_over(struct sqlite_store *store, struct sqlite_queue *queue,
			     bool reads_only)
{
	struct sqlite_queue asked = TAILQ_HEAD_INITIALIZER(asked);
	struct sqlite_request *request;

	while ((request = TAILQ_FIRST(queue)) != NULL) {
		TAILQ_REMOVE(queue, request, link);
		if (sqlite_let_out(store, request, reads_only))
			TAILQ_INSERT_TAIL(&asked, request, link);
	}
	sqlite_worker_ask(store->worker, &asked);
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
	struct sqlite_queue again = TAILQ_HEAD_INITIALIZER(again);
	bool has_reported = false;

	pthread_mutex_lock(&store->lock);
	TAILQ_CONCAT(&answered, &store->answered, link);
	pthread_mutex_unlock(&store->lock);

	while (!TAILQ_EMPTY(&answered)) {
		struct sqlite_request *request = TAILQ_FIRST(&answered);
		TAILQ_REMOVE(&answered, request, link);
		if (request->kind == SQLITE_REQUEST_ERRAND && has_reported) {
			TAILQ_INSERT_TAIL(&later, request, link);
			continue;
		}
		has_reported = has_reported || request->kind == SQLITE_REQUEST_ERRAND;
		sqlite_let_in(store, request);
		if (request->reads_only && request->status != STORE_ANSWERED)
			TAILQ_INSERT_TAIL(&again, request, link);
		else
			sqlite_answer(store, request);
	}
	sqlite_hand_over(store, &again, false);
	sqlite_put_reports_off(store, &later);
}

/* Those gathered that may be known go to regulars. */
static void sqlite_pick_regulars(struct sqlite_store *store, struct sqlite_queue *regulars)
{
	struct sqlite_request *request, *next;

	for (request = TAILQ_FIRST(&store->gathered); request != NULL; request = next) {
		next = TAILQ_NEXT(request, link);
		if (!sqlite_regulars_has(store->regulars, &request->greylist.question))
			continue;
		TAILQ_REMOVE(&store->gathered, request, link);
		TAILQ_INSERT_TAIL(regulars, request, link);
	}
}

static void on_sqlite_gathered(evutil_socket_t fd, short events, void *arg)
{
	struct sqlite_queue regulars = TAILQ_HEAD_INITIALIZER(regulars);
	struct sqlite_queue done = TAILQ_HEAD_INITIALIZER(done);
	struct sqlite_store *store = arg;
	struct sqlite_request *request;

	(void)fd;
	(void)events;
	sqlite_pick_regulars(store, &regulars);
	if (store->writing == 0 && !sqlite_worker_is_busy(store->worker)) {
		sqlite_hand_over(store, &regulars, true);
	} else if (!TAILQ_EMPTY(&regulars)) {
		sqlite_worker_look(store->worker, &regulars, &done);
		sqlite_hand_over(store, &regulars, false);
	}
	sqlite_hand_over(store, &store->gathered, false);
	while ((request = TAILQ_FIRST(&done)) != NULL) {
		TAILQ_REMOVE(&done, request, link);
		sqlite_answer(store, request);
	}
}

static void sqlite_gather(struct sqlite_store *store, struct sqlite_request *request)
{
	if (TAILQ_EMPTY(&store->gathered))
		event_active(store->on_gathered, EV_TIMEOUT, 0);
	TAILQ_INSERT_TAIL(&store->gathered, request, link);
}

static struct store_request *sqlite_ask(struct store *base, struct sqlite_request *request)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct sqlite_queue alone = TAILQ_HEAD_INITIALIZER(alone);

	request->base.store = base;
	request->asked_us = clock_mono_us();
	if (request->kind == SQLITE_REQUEST_GREYLIST) {
		sqlite_gather(store, request);
	} else if (request->kind != SQLITE_REQUEST_ERRAND) {
		TAILQ_INSERT_TAIL(&alone, request, link);
		sqlite_hand_over(store, &alone, false);
	} else if (sqlite_let_out(store, request, false)) {
		sqlite_worker_ask_errand(store->worker, request);
	}
	return &request->base;
}

static struct store_request *sqlite_start(struct store *base, const struct store_question *question,
					  store_done_fn *done, void *arg)
{
	struct sqlite_store *store = (struct sqlite_store *)base;
	struct sqlite_request *request = TAILQ_FIRST(&store->spare);

	if (request == NULL)
		return sqlite_ask(base, sqlite_request_new_greylist(question, done, arg));
	store->spare_count--;
	TAILQ_REMOVE(&store->spare, request, link);
	sqlite_request_renew_greylist(request, question, done, arg);
	return sqlite_ask(base, request);
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

	sqlite_worker_get_batches(store->worker, &store->counts.batch_size);
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

static void sqlite_release(struct sqlite_store *store)
{
	/* What was asked is kept, whether somebody waits for the answer or not. */
	if (store->worker != NULL)
		sqlite_hand_over(store, &store->gathered, false);
	sqlite_worker_free(&store->worker);
	event_free(store->on_gathered);
	sqlite_regulars_free(&store->regulars);
	sqlite_free_queue(&store->answered);
	sqlite_free_queue(&store->spare);
	wakeup_free(&store->answers);
	pthread_mutex_destroy(&store->lock);
	free(store);
}

static void sqlite_free(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	assert(!store->is_answering);
	sqlite_release(store);
}

static struct store *sqlite_open(const char *rest, const struct store_options *options,
				 struct event_base *base, char why[static STORE_WHY_SIZE])
{
	struct sqlite_store *store = mem_alloc(sizeof(*store));

	store->base.class = &sqlite_store_class;
	TAILQ_INIT(&store->answered);
	TAILQ_INIT(&store->spare);
	TAILQ_INIT(&store->gathered);
	store->regulars = sqlite_regulars_new();
	store->on_gathered = event_new(base, -1, 0, on_sqlite_gathered, store);
	pthread_mutex_init(&store->lock, NULL);
	store->answers = wakeup_new(base, on_sqlite_answers, store);
	if (store->answers == NULL)
		snprintf(why, STORE_WHY_SIZE, "eventfd: %s", strerror(errno));
	else
		store->worker = sqlite_worker_new(rest, options, sqlite_take_back, store, why);
	if (store->worker != NULL)
		return &store->base;
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
