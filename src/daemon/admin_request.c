/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_request.h"

#include "base/memory.h"
#include "base/printable.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { ADMIN_REQUEST_BODY_MAX = 64 * 1024, ADMIN_REQUEST_ERROR_SIZE = 1024 };

struct admin_request {
	struct evhttp_request *http; /* evhttp's, which frees it behind our answer */
	struct event_base *base;     /* borrowed */
	admin_request_over_fn *over;
	void *over_arg;
	struct evkeyvalq parameters;
	bool has_bad_query; /* which evhttp takes for none */
	json_t *body;       /* owned; NULL: not looked at */
	void *work;         /* owned; NULL: none */
	admin_work_free_fn *free_work;
	int deadline_s;
	struct event *deadline; /* owned; NULL without work */
};

struct admin_request *admin_request_new(struct event_base *base, struct evhttp_request *http,
					admin_request_over_fn *over, void *arg)
{
	struct admin_request *request = mem_alloc(sizeof(*request));
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http));

	request->base = base;
	request->http = http;
	request->over = over;
	request->over_arg = arg;
	TAILQ_INIT(&request->parameters);
	if (query != NULL && query[0] != '\0')
		request->has_bad_query = evhttp_parse_query_str(query, &request->parameters) != 0;
	return request;
}

struct evhttp_request *admin_request_http(const struct admin_request *request)
{
	return request->http;
}

/* The only place that frees. */
static void admin_request_free(struct admin_request *request)
{
	request->over(request, request->over_arg);
	if (request->work != NULL)
		request->free_work(request->work);
	if (request->deadline != NULL)
		event_free(request->deadline);
	evhttp_clear_headers(&request->parameters);
	json_decref(request->body);
	free(request);
}

static const char *admin_request_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Payload Too Large";
	case 422:
		return "Unprocessable Content";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	}
	return "Error";
}

/* The only place that answers.  evhttp takes an answer to a client that is gone as well. */
static void admin_request_send(struct admin_request *request, int status, const char *type,
			       struct evbuffer *text)
{
	struct evhttp_request *http = request->http;

	admin_request_free(request);
	/* evhttp would send it all the same, without its length, and the client would take it for
	 * the next answer. */
	if (evhttp_request_get_command(http) == EVHTTP_REQ_HEAD)
		evbuffer_drain(text, evbuffer_get_length(text));
	evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", type);
	evhttp_send_reply(http, status, admin_request_reason(status), text);
	evbuffer_free(text);
}

void admin_request_answer_text(struct admin_request *request, const char *type,
			       struct evbuffer *text)
{
	return admin_request_send(request, HTTP_OK, type, text);
}

void admin_request_answer(struct admin_request *request, int status, json_t *body)
{
	struct evbuffer *buffer = evbuffer_new();
	char *text = json_dumps(body, JSON_INDENT(1));

	json_decref(body);
	evbuffer_add_printf(buffer, "%s\n", text);
	free(text);
	return admin_request_send(request, status, "application/json", buffer);
}

void admin_request_fail(struct admin_request *request, int status, const char *format, ...)
{
	char text[ADMIN_REQUEST_ERROR_SIZE], clean[ADMIN_REQUEST_ERROR_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printable_line(clean, sizeof(clean), span_of(text));
	return admin_request_answer(request, status,
				    json_pack("{s:s, s:i}", "error", clean, "status", status));
}

void admin_request_drop(struct admin_request *request, const char *why)
{
	return admin_request_fail(request, HTTP_SERVUNAVAIL, "%s", why);
}

const char *admin_request_parameter(const struct admin_request *request, const char *name)
{
	return evhttp_find_header(&request->parameters, name);
}

static bool admin_request_is_known(const char *name, const char *const *names)
{
	/* As evhttp_find_header() compares. */
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

bool admin_request_knows_parameters(struct admin_request *request, const char *const *names)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request->http));
	const struct evkeyval *parameter, *earlier;

	if (request->has_bad_query) {
		admin_request_fail(request, HTTP_BADREQUEST,
				   "the query cannot be read: expected NAME=VALUE&NAME=VALUE");
		return false;
	}
	/* evhttp would cut the value there, and "*%00x" would mean everything. */
	if (query != NULL && strstr(query, "%00") != NULL) {
		admin_request_fail(request, HTTP_BADREQUEST, "a parameter has a NUL in it");
		return false;
	}
	TAILQ_FOREACH (parameter, &request->parameters, next) {
		if (!admin_request_is_known(parameter->key, names)) {
			admin_request_fail(request, HTTP_BADREQUEST,
					   "%s: there is no such parameter%s%s", parameter->key,
					   names[0] != NULL ? "; one of them is " : "",
					   names[0] != NULL ? names[0] : "");
			return false;
		}
		TAILQ_FOREACH (earlier, &request->parameters, next) {
			if (earlier == parameter)
				break;
			if (strcasecmp(earlier->key, parameter->key) == 0) {
				admin_request_fail(request, HTTP_BADREQUEST, "%s: is given twice",
						   parameter->key);
				return false;
			}
		}
	}
	return true;
}

bool admin_request_number(struct admin_request *request, const char *name, int64_t min, int64_t max,
			  int64_t fallback, int64_t *number)
{
	const char *text = admin_request_parameter(request, name);
	char *end;

	*number = fallback;
	if (text == NULL)
		return true;
	errno = 0;
	long long parsed = strtoll(text, &end, 10);
	if (!ascii_is_digit(text[0]) || *end != '\0' || errno != 0 || parsed < min ||
	    parsed > max) {
		admin_request_fail(request, HTTP_BADREQUEST,
				   "%s: \"%s\": expected a number from %lld to %lld", name, text,
				   (long long)min, (long long)max);
		return false;
	}
	*number = parsed;
	return true;
}

json_t *admin_request_body(struct admin_request *request)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(request->http);
	size_t size = evbuffer_get_length(input);
	json_error_t error;

	if (request->body != NULL)
		return request->body;
	if (size > ADMIN_REQUEST_BODY_MAX) {
		admin_request_fail(request, 413, "the body is longer than %d bytes",
				   ADMIN_REQUEST_BODY_MAX);
		return NULL;
	}
	const char *text = size > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
	request->body = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (request->body == NULL) {
		admin_request_fail(request, HTTP_BADREQUEST,
				   "the body is no JSON: line %d, column %d: %s", error.line,
				   error.column, error.text);
		return NULL;
	}
	if (!json_is_object(request->body)) {
		admin_request_fail(request, HTTP_BADREQUEST,
				   "the body is no JSON object, as in {\"name\": \"value\"}");
		return NULL;
	}
	return request->body;
}

static void on_admin_request_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct admin_request *request = arg;

	(void)fd;
	(void)events;
	return admin_request_fail(request, 504, "there was no answer within %d s",
				  request->deadline_s);
}

void admin_request_set_work(struct admin_request *request, void *work,
			    admin_work_free_fn *free_work, int deadline_s)
{
	const struct timeval wait = {.tv_sec = deadline_s};

	request->work = work;
	request->free_work = free_work;
	request->deadline_s = deadline_s;
	request->deadline = evtimer_new(request->base, on_admin_request_deadline, request);
	evtimer_add(request->deadline, &wait);
}
