/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request to the SQLite store, on its way from the event loop to the worker and back.
 *
 * It crosses as a whole, and has one owner at a time: what the caller of the store asked, and what
 * it is answered, are values inside of it.
 */
#pragma once

#include "sqlite_db.h"

#include <sys/queue.h>

enum sqlite_request_kind {
	SQLITE_REQUEST_GREYLIST,
	SQLITE_REQUEST_NETWORKS_READ,
	SQLITE_REQUEST_NETWORKS_KEEP,
	SQLITE_REQUEST_NETWORKS_FORGET,
};

struct sqlite_request {
	struct store_request base;
	TAILQ_ENTRY(sqlite_request) link;
	enum sqlite_request_kind kind;
	enum store_status status; /* STORE_FAILED until it is answered */
	bool is_cancelled;        /* the loop's alone, as done and arg */
	void *arg;
	union {
		struct {
			struct store_question question;
			struct store_answer answer; /* its status is filled in at the end */
			store_done_fn *done;
		} greylist;
		struct {
			struct store_networks given; /* its texts are owned */
			struct sqlite_networks found;
			store_networks_done_fn *done;
		} networks;
	};
};

TAILQ_HEAD(sqlite_queue, sqlite_request);

struct sqlite_request *sqlite_request_new_greylist(const struct store_question *question,
						   store_done_fn *done, void *arg);

/* networks, which is copied, has what task needs of it; NULL where that is nothing. */
struct sqlite_request *sqlite_request_new_networks(enum store_networks_task task,
						   const struct store_networks *networks,
						   store_networks_done_fn *done, void *arg);

/* Do what is asked for, within a transaction.  It may be run again when that failed. */
enum sqlite_db_status sqlite_request_run(struct sqlite_request *request, struct sqlite_db *db)
	__attribute__((warn_unused_result));

/* Call the asker's done(), unless it cancelled. */
void sqlite_request_answer(struct sqlite_request *request);

void sqlite_request_free(struct sqlite_request **request);
