/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request to the SQLite store, on its way from the event loop to the worker and back.
 *
 * It crosses as a whole, and has one owner at a time: what the caller of the store asked, and what
 * it is answered, are values inside of it.
 */
#pragma once

#include "sqlite_errand.h"
#include "sqlite_networks.h"

#include <stdatomic.h>

#include <sys/queue.h>

enum sqlite_request_kind {
	SQLITE_REQUEST_GREYLIST,
	SQLITE_REQUEST_NETWORKS_READ,
	SQLITE_REQUEST_NETWORKS_KEEP,
	SQLITE_REQUEST_NETWORKS_FORGET,
	SQLITE_REQUEST_ERRAND,
};

struct sqlite_request {
	struct store_request base;
	TAILQ_ENTRY(sqlite_request) link;
	enum sqlite_request_kind kind;
	enum store_status status; /* STORE_FAILED until it is answered */
	atomic_bool is_cancelled; /* set by the loop */
	void *arg;                /* the loop's alone, as done */
	int64_t asked_us;         /* monotonic; the loop's alone */
	bool reads_only;          /* set by the loop: to be left alone if it needs writing */
	union {
		struct {
			struct store_question question;
			struct store_answer answer; /* its status is filled in at the end */
			/* As it was read, before anything was written. */
			bool passes;
			struct greylist_decision passing; /* what follows then */
			store_done_fn *done;
		} greylist;
		struct {
			struct store_networks given; /* its texts are owned */
			struct sqlite_networks found;
			store_networks_done_fn *done;
		} networks;
		struct {
			struct sqlite_errand *errand; /* owned */
			bool has_failed;
			store_report_fn *done;
		} errand;
	};
};

TAILQ_HEAD(sqlite_queue, sqlite_request);

struct sqlite_request *sqlite_request_new_greylist(const struct store_question *question,
						   store_done_fn *done, void *arg);

/* The same in the place of one of its kind that is done with. */
void sqlite_request_renew_greylist(struct sqlite_request *request,
				   const struct store_question *question, store_done_fn *done,
				   void *arg);

/* networks, which is copied, has what task needs of it; NULL where that is nothing. */
struct sqlite_request *sqlite_request_new_networks(enum store_networks_task task,
						   const struct store_networks *networks,
						   store_networks_done_fn *done, void *arg);

struct sqlite_request *sqlite_request_new_errand(const struct store_errand *errand,
						 store_report_fn *done, void *arg);

/* Whether nobody waits for the answer any more.  From any thread. */
bool sqlite_request_is_cancelled(const struct sqlite_request *request);

/* Do what is asked for, within a transaction.  It may be run again when that failed. */
enum sqlite_db_status sqlite_request_run(struct sqlite_request *request, struct sqlite_db *db)
	__attribute__((warn_unused_result));

/*
 * Do it if nothing is to be written for it; *is_done tells whether that was so.  Within a
 * transaction in which nothing was written: what it reads is on disk.
 */
enum sqlite_db_status sqlite_request_try_reading(struct sqlite_request *request,
						 struct sqlite_db *db, bool *is_done)
	__attribute__((warn_unused_result));

/*
 * Whether it is about a triplet that passes by what was read before anything was written: that is
 * the answer, whatever else is committed in this moment, and whether it can be kept or not.
 */
bool sqlite_request_passes(const struct sqlite_request *request);

/* Answer one that passes by what was read, as nothing could be written. */
void sqlite_request_let_pass(struct sqlite_request *request);

/* Call the asker's done(), unless it cancelled. */
void sqlite_request_answer(struct sqlite_request *request);

void sqlite_request_free(struct sqlite_request **request);
