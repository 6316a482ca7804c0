/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that answers from the database, and writes to it: questions about mail above all.  Of
 * those that have gathered it answers first what needs nothing written, known mail; the rest is one
 * transaction (group commit: one sync for many answers).
 *
 * Beside it, a thread copies the write-ahead log into the database (sqlite_checkpointer.h), and one
 * reads for admins, in slices (sqlite_reader.h).  What these want removed it finds, and the worker
 * removes it, some rows after each batch of questions about mail.  While the worker writes, the
 * loop answers known mail itself (sqlite_look.h); what known mail came before, the worker reads
 * first.  It also opens the database, puts one aside that is damaged, and notices when it is
 * replaced.
 */
#pragma once

#include "base/histogram.h"
#include "sqlite_request.h"

struct sqlite_worker;

/* The requests in done, which the callee takes, have their answers; *done is empty then.  Called on
 * the threads, and within sqlite_worker_ask(). */
typedef void sqlite_worker_done_fn(struct sqlite_queue *done, void *arg);

/* Open the database in path, and begin.  NULL, with what is wrong in why, when that cannot be. */
struct sqlite_worker *sqlite_worker_new(const char *path, const struct store_options *options,
					sqlite_worker_done_fn *done, void *arg,
					char why[static STORE_WHY_SIZE]);

/*
 * Answer those in offered, which are about triplets and are taken over, unless the worker is
 * writing (false): then known mail is to be looked for first.
 */
bool sqlite_worker_offer(struct sqlite_worker *worker, struct sqlite_queue *offered);

/* Answer what can be answered without waiting of asked, which moves to done.  On the loop's thread.
 */
void sqlite_worker_look(struct sqlite_worker *worker, struct sqlite_queue *asked,
			struct sqlite_queue *done);

/* Answer request, which is taken over. */
void sqlite_worker_ask(struct sqlite_worker *worker, struct sqlite_request *request);

/* How many questions there were in a transaction, by store_batch_steps. */
void sqlite_worker_get_batches(struct sqlite_worker *worker, struct histogram *batches);

/* Do what was asked and is to last, and end.  done() may run until then. */
void sqlite_worker_free(struct sqlite_worker **worker);
