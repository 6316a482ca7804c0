/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_request.h"

#include "base/memory.h"
#include "sqlite_greylist.h"

#include <stdlib.h>

static struct sqlite_request *sqlite_request_new(enum sqlite_request_kind kind, void *arg)
{
	struct sqlite_request *request = mem_alloc(sizeof(*request));

	request->kind = kind;
	request->status = STORE_FAILED;
	request->arg = arg;
	return request;
}

struct sqlite_request *sqlite_request_new_greylist(const struct store_question *question,
						   store_done_fn *done, void *arg)
{
	struct sqlite_request *request = sqlite_request_new(SQLITE_REQUEST_GREYLIST, arg);

	sqlite_request_renew_greylist(request, question, done, arg);
	return request;
}

void sqlite_request_renew_greylist(struct sqlite_request *request,
				   const struct store_question *question, store_done_fn *done,
				   void *arg)
{
	/* The answer is filled in as a whole. */
	request->status = STORE_FAILED;
	atomic_store_explicit(&request->is_cancelled, false, memory_order_relaxed);
	request->arg = arg;
	request->greylist.passes = false;
	request->greylist.question = *question;
	request->greylist.done = done;
}

struct sqlite_request *sqlite_request_new_networks(enum store_networks_task task,
						   const struct store_networks *networks,
						   store_networks_done_fn *done, void *arg)
{
	static const enum sqlite_request_kind kinds[] = {
		[STORE_NETWORKS_READ] = SQLITE_REQUEST_NETWORKS_READ,
		[STORE_NETWORKS_KEEP] = SQLITE_REQUEST_NETWORKS_KEEP,
		[STORE_NETWORKS_FORGET] = SQLITE_REQUEST_NETWORKS_FORGET,
	};
	struct sqlite_request *request = sqlite_request_new(kinds[task], arg);

	request->networks.done = done;
	if (networks == NULL)
		return request;
	request->networks.given = *networks;
	request->networks.given.domain = mem_copy_string(networks->domain);
	if (networks->networks != NULL)
		request->networks.given.networks = mem_copy_string(networks->networks);
	return request;
}

struct sqlite_request *sqlite_request_new_errand(const struct store_errand *errand,
						 store_report_fn *done, void *arg)
{
	struct sqlite_request *request = sqlite_request_new(SQLITE_REQUEST_ERRAND, arg);

	request->errand.errand = sqlite_errand_new(errand);
	request->errand.done = done;
	return request;
}

bool sqlite_request_is_cancelled(const struct sqlite_request *request)
{
	return atomic_load_explicit(&request->is_cancelled, memory_order_relaxed);
}

enum sqlite_db_status sqlite_request_run(struct sqlite_request *request, struct sqlite_db *db)
{
	switch (request->kind) {
	case SQLITE_REQUEST_GREYLIST:
		return sqlite_greylist_ask(db, &request->greylist.question,
					   &request->greylist.answer);
	case SQLITE_REQUEST_NETWORKS_READ:
		/* What an earlier try found. */
		sqlite_networks_clear(&request->networks.found);
		return sqlite_networks_read(db, &request->networks.found);
	case SQLITE_REQUEST_NETWORKS_KEEP:
		return sqlite_networks_keep(db, &request->networks.given);
	case SQLITE_REQUEST_NETWORKS_FORGET:
		return sqlite_networks_forget(db, request->networks.given.domain);
	case SQLITE_REQUEST_ERRAND:
		return sqlite_errand_step(request->errand.errand, db);
	}
	abort();
}

enum sqlite_db_status sqlite_request_try_reading(struct sqlite_request *request,
						 struct sqlite_db *db, bool *is_done)
{
	bool is_to_keep;

	*is_done = false;
	/* Networks are read when those that were given before have been kept. */
	if (request->kind != SQLITE_REQUEST_GREYLIST)
		return SQLITE_DB_OK;
	enum sqlite_db_status status = sqlite_greylist_look(db, &request->greylist.question,
							    &request->greylist.answer, &is_to_keep);
	if (status != SQLITE_DB_OK)
		return status;
	enum greylist_outcome outcome = request->greylist.answer.decision.outcome;
	request->greylist.passes = outcome == GREYLIST_PASS || outcome == GREYLIST_KNOWN;
	if (request->greylist.passes)
		request->greylist.passing = request->greylist.answer.decision;
	*is_done = !is_to_keep;
	return SQLITE_DB_OK;
}

bool sqlite_request_passes(const struct sqlite_request *request)
{
	return request->kind == SQLITE_REQUEST_GREYLIST && request->greylist.passes;
}

void sqlite_request_let_pass(struct sqlite_request *request)
{
	/* The transaction that failed may have decided otherwise, by what it wrote before. */
	request->greylist.answer.decision = request->greylist.passing;
	request->status = STORE_ANSWERED;
}

static void sqlite_request_answer_greylist(struct sqlite_request *request)
{
	request->greylist.answer.status = request->status;
	request->greylist.done(&request->greylist.answer, request->arg);
}

static void sqlite_request_answer_networks(const struct sqlite_request *request)
{
	struct store_networks_answer answer = {.status = request->status};

	if (request->status == STORE_ANSWERED) {
		answer.rows = request->networks.found.rows;
		answer.count = request->networks.found.count;
	}
	request->networks.done(&answer, request->arg);
}

static void sqlite_request_answer_errand(const struct sqlite_request *request)
{
	struct store_report report = {.status = STORE_FAILED};

	if (request->status == STORE_ANSWERED)
		sqlite_errand_report(request->errand.errand, &report);
	report.status = request->status;
	request->errand.done(&report, request->arg);
}

void sqlite_request_answer(struct sqlite_request *request)
{
	if (sqlite_request_is_cancelled(request))
		return;
	switch (request->kind) {
	case SQLITE_REQUEST_GREYLIST:
		return sqlite_request_answer_greylist(request);
	case SQLITE_REQUEST_NETWORKS_READ:
	case SQLITE_REQUEST_NETWORKS_KEEP:
	case SQLITE_REQUEST_NETWORKS_FORGET:
		return sqlite_request_answer_networks(request);
	case SQLITE_REQUEST_ERRAND:
		return sqlite_request_answer_errand(request);
	}
}

void sqlite_request_free(struct sqlite_request **request)
{
	struct sqlite_request *freed = *request;

	*request = NULL;
	switch (freed->kind) {
	case SQLITE_REQUEST_GREYLIST:
		break;
	case SQLITE_REQUEST_NETWORKS_READ:
	case SQLITE_REQUEST_NETWORKS_KEEP:
	case SQLITE_REQUEST_NETWORKS_FORGET:
		free((void *)freed->networks.given.domain);
		free((void *)freed->networks.given.networks);
		sqlite_networks_clear(&freed->networks.found);
		break;
	case SQLITE_REQUEST_ERRAND:
		sqlite_errand_free(&freed->errand.errand);
		break;
	}
	free(freed);
}
