/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_request.h"

#include "base/memory.h"

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

	request->greylist.question = *question;
	request->greylist.done = done;
	return request;
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

enum sqlite_db_status sqlite_request_run(struct sqlite_request *request, struct sqlite_db *db)
{
	switch (request->kind) {
	case SQLITE_REQUEST_GREYLIST:
		return sqlite_db_greylist(db, &request->greylist.question,
					  &request->greylist.answer);
	case SQLITE_REQUEST_NETWORKS_READ:
		/* What an earlier try found. */
		sqlite_networks_clear(&request->networks.found);
		return sqlite_db_read_networks(db, &request->networks.found);
	case SQLITE_REQUEST_NETWORKS_KEEP:
		return sqlite_db_keep_networks(db, &request->networks.given);
	case SQLITE_REQUEST_NETWORKS_FORGET:
		return sqlite_db_forget_networks(db, request->networks.given.domain);
	}
	abort();
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

void sqlite_request_answer(struct sqlite_request *request)
{
	if (request->is_cancelled)
		return;
	if (request->kind == SQLITE_REQUEST_GREYLIST)
		sqlite_request_answer_greylist(request);
	else
		sqlite_request_answer_networks(request);
}

void sqlite_request_free(struct sqlite_request **request)
{
	if ((*request)->kind != SQLITE_REQUEST_GREYLIST) {
		free((void *)(*request)->networks.given.domain);
		free((void *)(*request)->networks.given.networks);
		sqlite_networks_clear(&(*request)->networks.found);
	}
	free(*request);
	*request = NULL;
}
