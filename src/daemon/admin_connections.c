/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_connections.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "listener.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

enum {
	ADMIN_CONNECTIONS_MAX = 32,
	ADMIN_CONNECTIONS_IDLE_MS = 60 * 1000,
	ADMIN_CONNECTIONS_CROWDED_MS = 500, /* the same while all are taken */
	ADMIN_CONNECTIONS_TICK_S = 1,
	ADMIN_CONNECTIONS_INPUT_MAX = 128 * 1024, /* bytes that are read ahead */
};

/*
 * One connection.  We hold a reference to its bufferevent beside evhttp's, so that its descriptor
 * stays open, and ours to shut down, until we have seen that evhttp is done with it: then it has no
 * callbacks any more.
 */
struct admin_connection {
	TAILQ_ENTRY(admin_connection) link; /* the one that is idle longest first */
	struct bufferevent *bufferevent;    /* held */
	bool is_busy;
	int64_t since_ms; /* monotonic: of its last answer, or of its beginning */
};

struct admin_connections {
	/* Owned, but what is in it is borrowed: evhttp owns it, and is freed first. */
	struct evconnlistener **accepting;
	size_t accepting_count;
	TAILQ_HEAD(, admin_connection) list;
	size_t count;
	struct event *tick; /* owned */
};

static void admin_connections_drop(struct admin_connections *connections,
				   struct admin_connection *dropped)
{
	TAILQ_REMOVE(&connections->list, dropped, link);
	connections->count--;
	bufferevent_decref(dropped->bufferevent);
	free(dropped);
}

/* Let go of those that evhttp has let go of. */
static void admin_connections_sweep(struct admin_connections *connections)
{
	struct admin_connection *next;

	for (struct admin_connection *connection = TAILQ_FIRST(&connections->list);
	     connection != NULL; connection = next) {
		bufferevent_event_cb event_cb;
		next = TAILQ_NEXT(connection, link);
		bufferevent_getcb(connection->bufferevent, NULL, NULL, &event_cb, NULL);
		if (event_cb == NULL)
			admin_connections_drop(connections, connection);
	}
}

/* evhttp sees the end of the connection, and lets go of it. */
static void admin_connections_hang_up(const struct admin_connection *connection)
{
	shutdown(bufferevent_getfd(connection->bufferevent), SHUT_RDWR);
}

/* Accepting stops while there is no room: who comes then waits in the socket's queue. */
static void admin_connections_pause(struct admin_connections *connections, bool is_paused)
{
	for (size_t i = 0; i < connections->accepting_count; i++) {
		if (is_paused)
			evconnlistener_disable(connections->accepting[i]);
		else
			evconnlistener_enable(connections->accepting[i]);
	}
}

/* Close those that have been idle for so long; evhttp lets go of them in this round of the loop. */
static void admin_connections_close_idle(struct admin_connections *connections, int64_t idle_ms)
{
	int64_t before_ms = clock_mono_ms() - idle_ms;
	struct admin_connection *connection;

	TAILQ_FOREACH (connection, &connections->list, link)
		if (!connection->is_busy && connection->since_ms <= before_ms)
			admin_connections_hang_up(connection);
}

static void on_admin_connections_tick(evutil_socket_t fd, short events, void *arg)
{
	struct admin_connections *connections = arg;
	bool is_full = connections->count >= ADMIN_CONNECTIONS_MAX;

	(void)fd;
	(void)events;
	admin_connections_close_idle(connections, is_full ? ADMIN_CONNECTIONS_CROWDED_MS
							  : ADMIN_CONNECTIONS_IDLE_MS);
	admin_connections_sweep(connections);
	admin_connections_pause(connections, connections->count >= ADMIN_CONNECTIONS_MAX);
}

/* evhttp wants a bufferevent for a connection that it has accepted. */
static struct bufferevent *on_admin_connection(struct event_base *base, void *arg)
{
	struct admin_connections *connections = arg;
	struct admin_connection *connection = mem_alloc(sizeof(*connection));

	connection->bufferevent = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_incref(connection->bufferevent);
	bufferevent_setwatermark(connection->bufferevent, EV_READ, 0, ADMIN_CONNECTIONS_INPUT_MAX);
	connection->since_ms = clock_mono_ms();
	/* Before it is in the list: as long as evhttp has not given it callbacks, it looks like one
	 * that is done. */
	admin_connections_sweep(connections);
	TAILQ_INSERT_TAIL(&connections->list, connection, link);
	connections->count++;
	if (connections->count >= ADMIN_CONNECTIONS_MAX)
		admin_connections_pause(connections, true);
	return connection->bufferevent;
}

/* No descriptor is left, as a rule: the socket stays readable, and without a pause up to the next
 * tick the loop would spin.  arg is evhttp's. */
static void on_admin_connections_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_warning("admin_listen: cannot accept a connection: %s",
		    evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	evconnlistener_disable(listener);
}

struct admin_connections *admin_connections_new(struct event_base *base, struct evhttp *http,
						const struct listeners *listeners)
{
	struct admin_connections *connections = mem_alloc(sizeof(*connections));
	const struct timeval second = {.tv_sec = ADMIN_CONNECTIONS_TICK_S};

	TAILQ_INIT(&connections->list);
	evhttp_set_bevcb(http, on_admin_connection, connections);
	connections->accepting =
		mem_alloc((listeners->count + 1) * sizeof(struct evconnlistener *));
	for (size_t i = 0; i < listeners->count; i++) {
		/* It listens already (backlog 0), and stays open when the evconnlistener is freed.
		 */
		struct evconnlistener *accepting = evconnlistener_new(
			base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, listeners->list[i].fd);
		evhttp_bind_listener(http, accepting);
		evconnlistener_set_error_cb(accepting, on_admin_connections_error);
		connections->accepting[connections->accepting_count++] = accepting;
	}
	connections->tick = event_new(base, -1, EV_PERSIST, on_admin_connections_tick, connections);
	event_add(connections->tick, &second);
	return connections;
}

void admin_connections_set_busy(struct admin_connections *connections,
				const struct bufferevent *which, bool is_busy)
{
	struct admin_connection *connection;

	TAILQ_FOREACH (connection, &connections->list, link)
		if (connection->bufferevent == which)
			break;
	if (connection == NULL)
		return;
	connection->is_busy = is_busy;
	connection->since_ms = clock_mono_ms();
	TAILQ_REMOVE(&connections->list, connection, link);
	TAILQ_INSERT_TAIL(&connections->list, connection, link);
}

bool admin_connections_is_gone(struct bufferevent *which)
{
	struct pollfd poller = {.fd = bufferevent_getfd(which)};

	/* POLLHUP is both directions: who only sends no more ("printf ... | socat") still waits. */
	return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLERR)) != 0;
}

bool admin_connections_are_all_taken(const struct admin_connections *connections)
{
	return connections->count >= ADMIN_CONNECTIONS_MAX;
}

void admin_connections_free(struct admin_connections **connections)
{
	struct admin_connections *freed = *connections;

	if (freed == NULL)
		return;
	*connections = NULL;
	while (!TAILQ_EMPTY(&freed->list))
		admin_connections_drop(freed, TAILQ_FIRST(&freed->list));
	event_free(freed->tick);
	free(freed->accepting);
	free(freed);
}
