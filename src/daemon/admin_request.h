/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on the admin socket, on its way to its one answer.
 *
 * A handler looks at the parameters and the body, and either answers at once or starts something,
 * leaves it with the request as its work, and answers when that is done.  Work has one owner, the
 * request, and is freed, and by that cancelled, with it: when it is answered, when its time is over
 * (504), when the client hangs up, when the daemon ends.
 */
#pragma once

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_request;
struct evbuffer;
struct event_base;
struct evhttp_request;

/* Cancels what is out, and frees. */
typedef void admin_work_free_fn(void *work);

/* The request is over, and is freed behind the call. */
typedef void admin_request_over_fn(struct admin_request *request, void *arg);

/* over() runs once, before the request is freed. */
struct admin_request *admin_request_new(struct event_base *base, struct evhttp_request *http,
					admin_request_over_fn *over, void *arg);

struct evhttp_request *admin_request_http(const struct admin_request *request);

/* A parameter of the query; NULL: it is not there.  As long as the request lives. */
const char *admin_request_parameter(const struct admin_request *request, const char *name);

/* Whether all parameters are among names (NULL at the end), each once; else it has been answered,
 * and is gone. */
bool admin_request_knows_parameters(struct admin_request *request, const char *const *names);

/* A parameter that is a whole number; without one fallback.  False: it was answered, and is gone.
 */
bool admin_request_number(struct admin_request *request, const char *name, int64_t min, int64_t max,
			  int64_t fallback, int64_t *number);

/* The body as a JSON object, borrowed; NULL: there is none, so that the request was answered, and
 * is gone. */
json_t *admin_request_body(struct admin_request *request);

/*
 * Keep work for an answer that comes later, within deadline_s.  free_work is called exactly once.
 */
void admin_request_set_work(struct admin_request *request, void *work,
			    admin_work_free_fn *free_work, int deadline_s);

/* Answer with a JSON object, whose reference is taken over; the request is gone then. */
void admin_request_answer(struct admin_request *request, int status, json_t *body);

/* The same with text (taken over) of another type. */
void admin_request_answer_text(struct admin_request *request, const char *type,
			       struct evbuffer *text);

/* Answer {"error": ..., "status": ...}. */
void admin_request_fail(struct admin_request *request, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Drop a request whose client is gone, or whose time is over. */
void admin_request_drop(struct admin_request *request, const char *why);
