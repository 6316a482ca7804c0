/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on the admin socket, through evhttp and the routes to its answer.
 *
 * The input is a line with method and target ("GET /entries?client=192.0.2.1"; with "privacy"
 * behind it, that is on), the body, behind a line "--" what the store has (rig/text_store.h), and
 * behind another what DNS says (rig/answers.h).  There has to be one answer: JSON, but for
 * /metrics, and clean, whatever is in the store.
 *
 * evhttp takes requests from sockets only: this one has no name (rig/nameless_socket.h).
 */
#include "daemon/admin.h"

#include "base/printable.h"
#include "daemon/server.h"
#include "daemon/stats_totals.h"
#include "rig/answers.h"
#include "rig/input.h"
#include "rig/nameless_socket.h"
#include "rig/rules.h"
#include "rig/world.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS_MAX = 10000, ANSWER_MAX = 1 << 20 };

/* The admin socket, and what only it tells about. */
struct told {
	struct stats_totals *totals;
	struct server *server;
	struct admin *admin;
};

static void told_open(struct told *told, const struct world *world, struct ruleset *rules,
		      const struct privacy *privacy)
{
	static const struct listeners none;

	told->totals = stats_totals_new(world_loop(), world->stats, world->dns, world->store);
	told->server = server_new(world_loop(), &none, world->checker, rules, world->stats);
	const struct admin_parts parts = {
		.base = world_loop(),
		.listeners = nameless_listeners(),
		.loader = rules_loader(),
		.store = world->store,
		.dns = world->dns,
		.farm_resolver = world->farm_resolver,
		.checker = world->checker,
		.server = told->server,
		.version = "0",
		.stats = world->stats,
		.totals = told->totals,
		.privacy = privacy,
	};
	told->admin = admin_new(&parts, rules);
	event_base_loop(world_loop(), EVLOOP_NONBLOCK);
}

static void told_close(struct told *told)
{
	admin_free(&told->admin);
	server_free(&told->server);
	/* It asks the store to keep what was counted. */
	stats_totals_free(&told->totals);
	event_base_loop(world_loop(), EVLOOP_NONBLOCK);
}

static void admin_send(int fd, struct span target, struct span body)
{
	char *request = NULL;
	int head = asprintf(&request,
			    "%.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
			    "Content-Length: %zu\r\n\r\n",
			    (int)target.length, target.text, body.length);

	if (head < 0 || send(fd, request, (size_t)head, MSG_NOSIGNAL) != head ||
	    send(fd, body.text, body.length, MSG_NOSIGNAL) != (ssize_t)body.length)
		abort();
	free(request);
}

/* Up to where it is closed; a reload, which the loader's thread would do, succeeds or not as the
 * body says. */
static size_t admin_receive(struct admin *admin, int fd, struct span body, char *answer)
{
	size_t length = 0;

	for (int i = 0; i < ROUNDS_MAX && length < ANSWER_MAX; i++) {
		struct diag diag = {0};
		event_base_loop(world_loop(), i % 4 == 3 ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
		ssize_t got = recv(fd, answer + length, ANSWER_MAX - length, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		length += got > 0 ? (size_t)got : 0;
		if (body.length > 0)
			diag_error(&diag, "/etc/sixgate/sixgate.conf", 1, "%.*s",
				   (int)(body.length < 100 ? body.length : 100), body.text);
		admin_tell_reloaded(admin, UINT64_MAX, body.length == 0, &diag);
		diag_clear(&diag);
	}
	return length;
}

static void admin_check_json(struct span body)
{
	json_t *json = json_loadb(body.text, body.length, 0, NULL);

	assert(json_is_object(json));
	const char *error = json_string_value(json_object_get(json, "error"));
	assert(error == NULL || printable_is_clean(span_of(error)));
	json_decref(json);
}

static bool admin_find(struct span text, struct span wanted, struct span *behind)
{
	const char *at = memmem(text.text, text.length, wanted.text, wanted.length);

	if (at == NULL)
		return false;
	*behind = span_from(text, (size_t)(at - text.text) + wanted.length);
	return true;
}

/* Whether evhttp can make sense of it. */
static bool admin_is_request(struct span target)
{
	struct span method = input_take(&target, ' ');
	bool is_known = span_equals(method, SPAN("GET")) || span_equals(method, SPAN("POST")) ||
			span_equals(method, SPAN("DELETE"));

	for (size_t i = 0; i < target.length; i++)
		if (target.text[i] <= ' ' || target.text[i] > '~')
			return false;
	return is_known && target.length > 0 && target.text[0] == '/';
}

/* What evhttp itself does not like it answers in HTML, or not at all. */
static void admin_check_answer(struct span target, struct span answer)
{
	struct span body, rest;

	assert(answer.length > 0 || !admin_is_request(target));
	if (answer.length == 0)
		return;
	assert(span_starts_with(answer, SPAN("HTTP/1.")));
	assert(admin_find(answer, SPAN("\r\n\r\n"), &body));
	struct span head = span_first(answer, answer.length - body.length);
	if (admin_find(head, SPAN("Content-Type: application/json"), &rest)) {
		if (body.length > 0)
			admin_check_json(body);
	} else if (admin_find(head, SPAN("Content-Type: text/plain; version=0.0.4"), &rest)) {
		while (body.length > 0)
			assert(printable_is_clean(input_line(&body)));
	} else {
		assert(admin_find(head, SPAN("HTTP/1.1 400"), &rest) ||
		       admin_find(head, SPAN("HTTP/1.1 501"), &rest) ||
		       admin_find(head, SPAN("HTTP/1.1 100"), &rest) ||
		       admin_find(head, SPAN("HTTP/1.0 400"), &rest) ||
		       admin_find(head, SPAN("HTTP/1.0 501"), &rest));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[ANSWER_MAX];
	static const struct netaddr client = {32, {192, 0, 2, 1}};
	static const struct span private = SPAN(" privacy");
	struct span rest = input_of(data, size);
	struct span target = input_line(&rest), body = input_part(&rest),
		    stored = input_part(&rest);
	struct world world;
	struct told told;

	bool is_private = target.length >= private.length &&
			  span_equals(span_from(target, target.length - private.length), private);
	if (is_private)
		target.length -= private.length;
	answers_begin(rest, &client);
	const struct privacy *privacy = is_private ? rules_privacy() : NULL;
	world_open(&world, rules_choose(0), privacy, stored);
	told_open(&told, &world, rules_choose(0), privacy);
	int fd = nameless_connect();
	admin_send(fd, target, body);
	size_t length = admin_receive(told.admin, fd, body, answer);
	admin_check_answer(target, (struct span){answer, length});
	close(fd);
	told_close(&told);
	world_close(&world);
	answers_end();
	return 0;
}
