/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on the admin socket, through evhttp and the routes to its answer.
 *
 * The input is a line with method and target ("GET /entries?client=192.0.2.1"; with "privacy"
 * behind it, that is on), the body, behind a line "--" what the store has (rig/text_store.h), and
 * behind another what DNS says (rig/answers.h).  There has to be one answer: JSON, but for
 * /metrics, and clean, whatever is in the store.
 *
 * evhttp takes requests from sockets only: this one has no name that anybody could reach it by.
 */
#include "daemon/admin.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/printable.h"
#include "daemon/check.h"
#include "daemon/farm_resolver.h"
#include "daemon/listener.h"
#include "daemon/server.h"
#include "daemon/stats.h"
#include "daemon/stats_totals.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "rig/answers.h"
#include "rig/input.h"
#include "rig/rules.h"
#include "rig/text_store.h"
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1700000000, ROUNDS_MAX = 10000, ANSWER_MAX = 1 << 20 };

/* All that the admin socket tells about, as it is in a daemon that has just been started. */
struct world {
	struct store *store;
	struct dns *dns;
	struct spf *spf;
	struct farm_resolver *farm_resolver;
	struct stats *stats;
	struct stats_totals *totals;
	struct checker *checker;
	struct server *server;
	struct admin *admin;
};

static struct event_base *base;
static struct listener listening;
static const struct listeners listeners = {&listening, 1};

/* A unix socket without a name in the file system (unix(7), autobind). */
static void admin_listen(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX};

	listening.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listening.fd < 0 ||
	    bind(listening.fd, (const struct sockaddr *)&address, sizeof(address.sun_family)) !=
		    0 ||
	    listen(listening.fd, 8) != 0)
		abort();
}

static int admin_connect(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || getsockname(listening.fd, (struct sockaddr *)&address, &length) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, length) != 0)
		abort();
	return fd;
}

static void world_open(struct world *world, struct ruleset *rules, bool is_private,
		       struct span stored)
{
	const struct dns_options options = {.servers = "192.0.2.53", .timeout_s = 5};
	static const struct listeners none;

	world->store = text_store_new(base);
	text_store_begin(world->store, stored);
	world->dns = dns_new_over(base, answers_transport_new(), &options);
	world->spf = spf_new(world->dns);
	world->farm_resolver = farm_resolver_new(base, world->dns, world->store);
	world->stats = stats_new();
	world->totals = stats_totals_new(base, world->stats, world->dns, world->store);
	const struct checker_parts checked = {
		.base = base,
		.store = world->store,
		.privacy = is_private ? rules_privacy() : NULL,
		.dns = world->dns,
		.spf = world->spf,
		.farm_resolver = world->farm_resolver,
		.hostname = "mx.here.example",
		.stats = world->stats,
	};
	world->checker = checker_new(&checked);
	farm_resolver_set_farms(world->farm_resolver, ruleset_farms(rules));
	world->server = server_new(base, &none, world->checker, rules, world->stats);
	const struct admin_parts parts = {
		.base = base,
		.listeners = &listeners,
		.loader = rules_loader(),
		.store = world->store,
		.dns = world->dns,
		.farm_resolver = world->farm_resolver,
		.checker = world->checker,
		.server = world->server,
		.version = "0",
		.stats = world->stats,
		.totals = world->totals,
		.privacy = checked.privacy,
	};
	world->admin = admin_new(&parts, rules);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void world_close(struct world *world)
{
	admin_free(&world->admin);
	server_free(&world->server);
	checker_free(&world->checker);
	/* It asks the store to keep what was counted. */
	stats_totals_free(&world->totals);
	event_base_loop(base, EVLOOP_NONBLOCK);
	stats_free(&world->stats);
	farm_resolver_free(&world->farm_resolver);
	spf_free(&world->spf);
	dns_free(&world->dns);
	store_free(&world->store);
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
static size_t admin_receive(struct world *world, int fd, struct span body, char *answer)
{
	size_t length = 0;

	for (int i = 0; i < ROUNDS_MAX && length < ANSWER_MAX; i++) {
		struct diag diag = {0};
		event_base_loop(base, i % 4 == 3 ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
		ssize_t got = recv(fd, answer + length, ANSWER_MAX - length, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		length += got > 0 ? (size_t)got : 0;
		if (body.length > 0)
			diag_error(&diag, "/etc/sixgate/sixgate.conf", 1, "%.*s",
				   (int)(body.length < 100 ? body.length : 100), body.text);
		admin_tell_reloaded(world->admin, UINT64_MAX, body.length == 0, &diag);
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

	if (base == NULL) {
		base = event_base_new();
		clock_set_for_test(NOW_S);
		admin_listen();
	}
	bool is_private = target.length >= private.length &&
			  span_equals(span_from(target, target.length - private.length), private);
	if (is_private)
		target.length -= private.length;
	answers_begin(rest, &client);
	world_open(&world, rules_choose(0), is_private, stored);
	int fd = admin_connect();
	admin_send(fd, target, body);
	size_t length = admin_receive(&world, fd, body, answer);
	admin_check_answer(target, (struct span){answer, length});
	close(fd);
	world_close(&world);
	answers_end();
	return 0;
}
