/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin.h"

#include "admin_connections.h"
#include "admin_routes.h"
#include "admin_settings.h"
#include "base/clock.h"
#include "base/memory.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
	ADMIN_HEADERS_MAX = 16 * 1024,
	/* Above what any handler takes (admin_request.c), which then says so in JSON. */
	ADMIN_BODY_MAX = 1024 * 1024,
	ADMIN_LOOK_S = 1, /* between looks whether clients that wait are still there */
};

/* A request that has no answer yet. */
struct admin_pending {
	TAILQ_ENTRY(admin_pending) link;
	struct admin *admin;              /* borrowed */
	struct admin_request *request;    /* borrowed: it frees itself when it is answered */
	struct bufferevent *bufferevent;  /* borrowed; NULL: the client is gone */
	struct evhttp_connection *client; /* borrowed; NULL: the client is gone */
};

struct admin {
	struct admin_parts parts;
	struct ruleset *rules;                 /* held */
	struct evhttp *http;                   /* owned */
	struct admin_connections *connections; /* owned */
	struct admin_reloads *reloads;         /* owned */
	TAILQ_HEAD(, admin_pending) pending;
	struct event *look; /* owned */
	int64_t started_ms;
};

const struct admin_parts *admin_get_parts(const struct admin *admin)
{
	return &admin->parts;
}

struct ruleset *admin_get_rules(const struct admin *admin)
{
	return admin->rules;
}

struct admin_reloads *admin_get_reloads(const struct admin *admin)
{
	return admin->reloads;
}

int64_t admin_started_ms(const struct admin *admin)
{
	return admin->started_ms;
}

/* evhttp closes the connection: what is under way for it has nobody to be told to. */
static void on_admin_client_gone(struct evhttp_connection *client, void *arg)
{
	struct admin_pending *pending = arg;

	(void)client;
	pending->client = NULL;
	pending->bufferevent = NULL;
	return admin_request_drop(pending->request, "the client is gone");
}

static void on_admin_request_over(struct admin_request *request, void *arg)
{
	struct admin_pending *pending = arg;
	struct evhttp_request *http = admin_request_http(request);

	/* Who asks again and again without a pause would keep it for ever. */
	if (admin_connections_are_all_taken(pending->admin->connections))
		evhttp_add_header(evhttp_request_get_output_headers(http), "Connection", "close");
	TAILQ_REMOVE(&pending->admin->pending, pending, link);
	if (pending->client != NULL) {
		evhttp_connection_set_closecb(pending->client, NULL, NULL);
		admin_connections_set_busy(pending->admin->connections, pending->bufferevent,
					   false);
	}
	free(pending);
}

/* A client that hung up while it waits is not told by evhttp, which does not read meanwhile. */
static void on_admin_look(evutil_socket_t fd, short events, void *arg)
{
	struct admin *admin = arg;
	struct admin_pending *next;

	(void)fd;
	(void)events;
	for (struct admin_pending *pending = TAILQ_FIRST(&admin->pending); pending != NULL;
	     pending = next) {
		next = TAILQ_NEXT(pending, link);
		if (admin_connections_is_gone(pending->bufferevent))
			admin_request_drop(pending->request, "the client is gone");
	}
}

static const char *admin_method(const struct evhttp_request *http)
{
	switch (evhttp_request_get_command(http)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	default:
		return "another method";
	}
}

/* What is asked for, and may be; NULL: it was refused, and the request is gone. */
static const struct admin_route *admin_admit(struct admin_request *request, int fd)
{
	struct evhttp_request *http = admin_request_http(request);
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(http));
	enum admin_right right = admin_peer_right(fd);
	char *allowed;

	if (right == ADMIN_NOTHING) {
		admin_request_fail(request, 403,
				   "only root, the user of sixgated and members of the socket's "
				   "group may ask");
		return NULL;
	}
	const struct admin_route *route = admin_route_find(admin_method(http), path, &allowed);
	if (route == NULL && allowed == NULL) {
		admin_request_fail(
			request, HTTP_NOTFOUND,
			"%s: there is nothing of that name; sixgated(8) lists what there "
			"is",
			path);
	} else if (route == NULL) {
		evhttp_add_header(evhttp_request_get_output_headers(http), "Allow", allowed);
		admin_request_fail(request, HTTP_BADMETHOD, "%s: takes %s, and not %s", path,
				   allowed, admin_method(http));
		free(allowed);
	} else if (route->right > right) {
		admin_request_fail(request, 403,
				   "only root and the user of sixgated may change anything");
		return NULL;
	}
	return route;
}

static void on_admin_request(struct evhttp_request *http, void *arg)
{
	struct admin *admin = arg;
	struct admin_pending *pending = mem_alloc(sizeof(*pending));

	pending->admin = admin;
	pending->client = evhttp_request_get_connection(http);
	pending->bufferevent = evhttp_connection_get_bufferevent(pending->client);
	pending->request =
		admin_request_new(admin->parts.base, http, on_admin_request_over, pending);
	TAILQ_INSERT_TAIL(&admin->pending, pending, link);
	evhttp_connection_set_closecb(pending->client, on_admin_client_gone, pending);
	admin_connections_set_busy(admin->connections, pending->bufferevent, true);

	struct admin_request *request = pending->request;
	const struct admin_route *route =
		admin_admit(request, bufferevent_getfd(pending->bufferevent));
	if (route != NULL && admin_request_knows_parameters(request, route->parameters))
		return route->handler(admin, request);
}

struct admin *admin_new(const struct admin_parts *parts, struct ruleset *rules)
{
	struct admin *admin = mem_alloc(sizeof(*admin));
	const struct timeval look = {.tv_sec = ADMIN_LOOK_S};

	json_set_alloc_funcs(mem_alloc, free);
	admin->parts = *parts;
	admin->rules = ruleset_hold(rules);
	admin->started_ms = clock_mono_ms();
	TAILQ_INIT(&admin->pending);
	admin->reloads = admin_reloads_new();
	admin->http = evhttp_new(parts->base);
	evhttp_set_max_headers_size(admin->http, ADMIN_HEADERS_MAX);
	evhttp_set_max_body_size(admin->http, ADMIN_BODY_MAX);
	/* All that it knows, so that what we do not know is refused in JSON. */
	evhttp_set_allowed_methods(admin->http, 0xffff);
	evhttp_set_gencb(admin->http, on_admin_request, admin);
	admin->connections = admin_connections_new(parts->base, admin->http, parts->listeners);
	admin->look = event_new(parts->base, -1, EV_PERSIST, on_admin_look, admin);
	event_add(admin->look, &look);
	return admin;
}

void admin_set_rules(struct admin *admin, struct ruleset *rules)
{
	ruleset_hold(rules);
	ruleset_release(&admin->rules);
	admin->rules = rules;
}

void admin_tell_reloaded(struct admin *admin, uint64_t number, bool succeeded,
			 const struct diag *messages)
{
	admin_reloads_tell(admin->reloads, number, succeeded, messages);
}

void admin_free(struct admin **admin)
{
	struct admin *freed = *admin;
	struct admin_pending *pending;

	if (freed == NULL)
		return;
	*admin = NULL;
	event_free(freed->look);
	while ((pending = TAILQ_FIRST(&freed->pending)) != NULL)
		admin_request_drop(pending->request, "sixgated ends");
	evhttp_free(freed->http);
	admin_connections_free(&freed->connections);
	admin_reloads_free(&freed->reloads);
	ruleset_release(&freed->rules);
	free(freed);
}
