/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that answers from the database, and writes to it: questions about mail above all.  Of
 * those that have gathered it answers first what needs nothing written, known mail; the rest is one
 * transaction (group commit: one sync for many answers).
 *
 * Beside it, a thread copies the write-ahead log into the database (sqlite_checkpointer.h), and one
 * reads for admins, in slices (sqlite_reader.h).  What these want removed it finds, and the worker
 * removes it, some rows after each batch of questions about mail.  The worker also opens the
 * database, puts one aside that is damaged, and notices when it is replaced.
 */
#pragma once

#include "base/histogram.h"
#include "sqlite_request.h"

struct sqlite_worker;

/* The requests in done, which the callee takes, have their answers; *done is empty then.  Called on
 * the threads, and within sqlite_worker_ask_errand(). */
typedef void sqlite_worker_done_fn(struct sqlite_queue *done, void *arg);

/* Open the database in path, and begin.  NULL, with what is wrong in why, when that cannot be. */
struct sqlite_worker *sqlite_worker_new(const char *path, const struct store_options *options,
					sqlite_worker_done_fn *done, void *arg,
					char why[static STORE_WHY_SIZE]);

/* Answer the questions in asked, which are taken over, one after the other. */
void sqlite_worker_ask(struct sqlite_worker *worker, struct sqlite_queue *asked);

/* Do an errand, which is taken over. */
void sqlite_worker_ask_errand(struct sqlite_worker *worker, struct sqlite_request *request);

/* Whether it does something else than to answer questions, so that they would have to wait. */
bool sqlite_worker_is_busy(struct sqlite_worker *worker);

/* Answer what can be answered without the worker and without waiting of asked, which moves to done
 * (sqlite_look.h).  On the loop's thread. */
void sqlite_worker_look(struct sqlite_worker *worker, struct sqlite_queue *asked,
			struct sqlite_queue *done);

/* How many questions there were in a transaction, by store_batch_steps. */
void sqlite_worker_get_batches(struct sqlite_worker *worker, struct histogram *batches);

/* Do what was asked and is to last, and end.  done() may run until then. */
void sqlite_worker_free(struct sqlite_worker **worker);
