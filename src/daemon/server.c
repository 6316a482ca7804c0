/* SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "stats.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SERVER_OTHER_DESCRIPTORS = 96, /* see server_count_descriptors() */
	CONNECTION_BUFFER_SIZE = 2048, /* a request of Postfix has some 700 bytes */
	SERVER_ACCEPT_BURST = 64,      /* connections taken before others get their turn */
	SERVER_TICK_S = 1,             /* how often timeouts are looked at */
	SERVER_STOP_GRACE_S = 1,       /* for the rest of a request, when we are to end */
	SERVER_STOP_CHECKS_S = 5,      /* and for its verdict: longer than the store takes.  Who
					* waits for DNS then asks again, as smtpd does when a
					* connection ends, and the next sixgated answers */
};

/* What a connection waits for.  Each is in the list of its state, in the order in which they came.
 */
enum connection_state {
	CONNECTION_IDLE,     /* for the first byte of a request, at most idle_timeout */
	CONNECTION_READING,  /* for the rest of a request, at most check_deadline */
	CONNECTION_CHECKING, /* for a verdict; the check has a deadline of its own */
	CONNECTION_STATE_COUNT,
};

struct connection {
	struct server *server; /* borrowed; it owns the connection */
	int fd;
	struct event *readable;       /* owned */
	TAILQ_ENTRY(connection) link; /* in server->connections[state] */
	enum connection_state state;
	int64_t since_ms;    /* monotonic: when it came into that state */
	struct check *check; /* owned; not NULL exactly in CONNECTION_CHECKING */
	bool peer_is_done;   /* the peer sends no more, but still waits for its answer */

	char *buffer;        /* owned */
	size_t size;         /* of buffer */
	size_t used;         /* bytes in it */
	size_t scanned;      /* how far request_find_end() has looked */
	size_t request_size; /* in CONNECTION_CHECKING: bytes of the request at its beginning */
};

TAILQ_HEAD(connection_list, connection);

/* One listening socket. */
struct server_socket {
	struct server *server;  /* borrowed */
	struct event *readable; /* owned */
};

struct server {
	struct event_base *base;       /* borrowed */
	struct checker *checker;       /* borrowed */
	struct ruleset *rules;         /* held */
	struct stats *stats;           /* borrowed; NULL: nothing is counted */
	struct server_socket *sockets; /* owned */
	size_t socket_count;
	struct connection_list connections[CONNECTION_STATE_COUNT];
	size_t connection_count;
	size_t descriptors;         /* for connections */
	struct event *tick;         /* owned */
	bool out_of_files;          /* not accepting until the next tick: no descriptor is left */
	bool said_full;             /* logged that there is no room for more */
	server_stopped_fn *stopped; /* not NULL: stopping */
	int64_t stop_ms; /* monotonic: then, each connection ends behind its next answer */
	void *stopped_arg;
	struct event *on_empty; /* owned; calls stopped() */
};

static void connection_take_requests(struct connection *connection);
static void on_connection_readable(evutil_socket_t fd, short events, void *arg);

static const struct config *server_config(const struct server *server)
{
	return ruleset_config(server->rules);
}

static void connection_set_state(struct connection *connection, enum connection_state state)
{
	struct server *server = connection->server;

	TAILQ_REMOVE(&server->connections[connection->state], connection, link);
	connection->state = state;
	connection->since_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&server->connections[state], connection, link);
}

/* Close and free; what is under way is cancelled. */
static void connection_free(struct connection *connection)
{
	struct server *server = connection->server;

	TAILQ_REMOVE(&server->connections[connection->state], connection, link);
	check_free(&connection->check);
	event_free(connection->readable);
	close(connection->fd);
	stats_count_connection(server->stats, false);
	free(connection->buffer);
	free(connection);
	if (--server->connection_count == 0 && server->stopped != NULL)
		event_active(server->on_empty, EV_TIMEOUT, 0);
}

/* The request breaks the protocol, or a bound: close, do not answer. */
static void connection_break(struct connection *connection, enum stats_bound bound, const char *why)
{
	enum { SHOWN = 200 };
	size_t shown = connection->used < SHOWN ? connection->used : SHOWN;
	char start[SHOWN];

	/* One log line: newlines of the request become visible as they are made printable. */
	stats_count_rejected(connection->server->stats, bound);
	memcpy(start, connection->buffer, shown);
	for (size_t i = 0; i < shown; i++)
		if (start[i] == '\0')
			start[i] = ' ';
	if (checker_is_private(connection->server->checker))
		log_warning("policy request: %s; the connection is closed", why);
	else
		log_warning("policy request: %s; the connection is closed; it began with \"%.*s\"",
			    why, (int)shown, start);
	connection_free(connection);
}

/* False when the connection was closed because the peer does not take its answer. */
static bool connection_send_answer(struct connection *connection, const struct verdict *verdict)
{
	char bytes[VERDICT_ANSWER_SIZE + 16];
	size_t length =
		(size_t)(stpcpy(stpcpy(stpcpy(bytes, "action="), verdict->answer), "\n\n") - bytes);
	ssize_t sent;

	do
		sent = send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent == (ssize_t)length)
		return true;
	/* A peer that asks and hangs up is as usual as a client that does; one whose socket is full
	 * of answers that it did not read is not Postfix. */
	if (sent >= 0 || errno == EAGAIN) {
		log_warning("policy connection: the peer does not read its answers; it is closed");
		stats_count_rejected(connection->server->stats, STATS_NOT_READ);
	}
	connection_free(connection);
	return false;
}

static void on_connection_verdict(const struct verdict *verdict, void *arg)
{
	struct connection *connection = arg;

	if (!connection_send_answer(connection, verdict))
		return;
	check_free(&connection->check);
	connection->used -= connection->request_size;
	memmove(connection->buffer, connection->buffer + connection->request_size,
		connection->used);
	connection->scanned = 0;
	if (connection->used == 0 && connection->size > CONNECTION_BUFFER_SIZE) {
		/* A long request is rare; it must not cost its room for as long as the connection
		 * lives. */
		connection->size = CONNECTION_BUFFER_SIZE;
		connection->buffer = mem_resize(connection->buffer, connection->size);
	}
	connection_set_state(connection,
			     connection->used > 0 ? CONNECTION_READING : CONNECTION_IDLE);
	/* When we are to end, what the peer has sent already is answered, but not for ever. */
	if (connection->server->stopped != NULL &&
	    (connection->used == 0 || clock_mono_ms() >= connection->server->stop_ms))
		return connection_free(connection);
	if (connection->used == 0 && connection->peer_is_done)
		return connection_free(connection);
	if (!connection->peer_is_done)
		event_add(connection->readable, NULL);
	return connection_take_requests(connection);
}

/* Start the check of the request at the beginning of the buffer, if it is there as a whole. */
static void connection_take_requests(struct connection *connection)
{
	struct server *server = connection->server;
	size_t limit = (size_t)server_config(server)->max_request_size_bytes;
	struct span bytes = {connection->buffer, connection->used};
	struct request request;

	size_t length = request_find_end(bytes, &connection->scanned);
	if (length > limit || (length == 0 && connection->used >= limit))
		return connection_break(connection, STATS_MAX_REQUEST_SIZE,
					"longer than max_request_size");
	if (length == 0) {
		/* The rest of a request that will never come. */
		if (connection->peer_is_done)
			connection_free(connection);
		return;
	}
	const char *why = request_parse(&request, span_first(bytes, length));
	if (why != NULL)
		return connection_break(connection, STATS_PROTOCOL, why);
	connection->request_size = length;
	connection_set_state(connection, CONNECTION_CHECKING);
	connection->check = check_start(server->checker, server->rules, &request,
					on_connection_verdict, connection);
}

/* Whether the peer is gone altogether, or only sends no more ("printf ... | socat"). */
static bool connection_peer_is_gone(const struct connection *connection)
{
	struct pollfd poller = {.fd = connection->fd};
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(address);

	/* TCP does not tell one from the other. */
	if (getsockname(connection->fd, (struct sockaddr *)&address, &length) != 0 ||
	    address.ss_family != AF_UNIX)
		return true;
	return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLERR)) != 0;
}

/*
 * While a check runs, the request's bytes must stay where they are: only look whether the peer is
 * still there.
 */
static void connection_watch_peer(struct connection *connection)
{
	char byte;
	ssize_t got = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got < 0 || (got == 0 && connection_peer_is_gone(connection)))
		return connection_free(connection);
	connection->peer_is_done = got == 0;
	/* It sends its next request already, or nothing any more: no need to look before the
	 * answer. */
	event_del(connection->readable);
}

static void connection_grow(struct connection *connection)
{
	size_t limit = (size_t)server_config(connection->server)->max_request_size_bytes;
	if (connection->used < connection->size || connection->size >= limit)
		return;
	connection->size = 2 * connection->size < limit ? 2 * connection->size : limit;
	connection->buffer = mem_resize(connection->buffer, connection->size);
}

static void on_connection_readable(evutil_socket_t fd, short events, void *arg)
{
	struct connection *connection = arg;

	(void)events;
	if (connection->state == CONNECTION_CHECKING)
		return connection_watch_peer(connection);
	connection_grow(connection);
	/* After a reload that made max_request_size smaller there may be no room. */
	if (connection->used == connection->size)
		return connection_break(connection, STATS_MAX_REQUEST_SIZE,
					"longer than max_request_size");
	ssize_t got = recv(fd, connection->buffer + connection->used,
			   connection->size - connection->used, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		if (connection->used > 0)
			log_debug("policy connection: the peer hung up in the middle of a request");
		return connection_free(connection);
	}
	if (connection->state == CONNECTION_IDLE)
		connection_set_state(connection, CONNECTION_READING);
	connection->used += (size_t)got;
	return connection_take_requests(connection);
}

static void connection_new(struct server *server, int fd)
{
	struct connection *connection = mem_alloc(sizeof(*connection));

	connection->server = server;
	connection->fd = fd;
	connection->size = CONNECTION_BUFFER_SIZE;
	connection->buffer = mem_alloc(connection->size);
	connection->state = CONNECTION_IDLE;
	connection->since_ms = clock_mono_ms();
	connection->readable = event_new(server->base, fd, EV_READ | EV_PERSIST,
					 on_connection_readable, connection);
	event_add(connection->readable, NULL);
	TAILQ_INSERT_TAIL(&server->connections[CONNECTION_IDLE], connection, link);
	server->connection_count++;
	stats_count_connection(server->stats, true);
}

/* The connection that has asked nothing for longest, or NULL.  A request may lie in a socket that
 * we have not looked at yet: it counts as under way. */
static struct connection *server_find_idlest(struct server *server)
{
	struct connection *idlest;
	char byte;

	while ((idlest = TAILQ_FIRST(&server->connections[CONNECTION_IDLE])) != NULL &&
	       recv(idlest->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		connection_set_state(idlest, CONNECTION_READING);
	return idlest;
}

/* Close the idlest connection: smtpd notices and connects again when it has something to ask.
 * False when none is idle. */
static bool server_close_idlest(struct server *server)
{
	struct connection *idlest = server_find_idlest(server);
	if (idlest == NULL)
		return false;
	connection_free(idlest);
	return true;
}

/* Room for one connection more; false when all are busy. */
static bool server_make_room(struct server *server)
{
	if (server->connection_count < (size_t)server_config(server)->max_connections)
		return true;
	if (!server->said_full)
		log_warning("max_connections: all %zu connections are taken; the idlest makes room "
			    "for a new one, and when all are busy, the new one is closed",
			    server->connection_count);
	server->said_full = true;
	stats_count_rejected(server->stats, STATS_MAX_CONNECTIONS);
	return server_close_idlest(server);
}

/*
 * No descriptor is left for a new connection.  False when none could be made free: the sockets stay
 * readable, and without a pause the loop would spin.
 */
static bool server_make_descriptor(struct server *server)
{
	if (!server->said_full)
		log_warning("cannot accept a connection: %s; the idlest makes room for a new one",
			    strerror(errno));
	server->said_full = true;
	stats_count_rejected(server->stats, STATS_OUT_OF_FILES);
	if (server_close_idlest(server))
		return true;
	server->out_of_files = true;
	for (size_t i = 0; i < server->socket_count; i++)
		event_del(server->sockets[i].readable);
	return false;
}

/* accept(2), within the descriptors that are for connections. */
static int server_accept(const struct server *server, int fd)
{
	if (server->connection_count >= server->descriptors) {
		errno = EMFILE;
		return -1;
	}
	/* cppcheck-suppress nullPointer ; who connects need not be told */
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Whether somebody wants to connect: without a descriptor accept(2) fails before it looks, and the
 * one that took the last would be closed for nobody. */
static bool server_is_waited_for(int fd)
{
	int saved = errno;
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	bool is_waited_for = poll(&poller, 1, 0) > 0;

	errno = saved; /* for the log */
	return is_waited_for;
}

static void on_server_connect(evutil_socket_t fd, short events, void *arg)
{
	struct server *server = ((struct server_socket *)arg)->server;

	(void)events;
	for (int i = 0; i < SERVER_ACCEPT_BURST; i++) {
		int accepted = server_accept(server, fd);
		if (accepted >= 0) {
			if (server_make_room(server))
				connection_new(server, accepted);
			else
				close(accepted);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			if (!server_is_waited_for(fd) || !server_make_descriptor(server))
				return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

/* Close what is at the head of a list for longer than limit_s; the lists are in the order of time.
 */
static void server_close_overdue(struct server *server, enum connection_state state,
				 int64_t limit_s)
{
	int64_t before_ms = clock_mono_ms() - limit_s * 1000;
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&server->connections[state])) != NULL &&
	       connection->since_ms < before_ms) {
		if (state == CONNECTION_READING)
			connection_break(connection, STATS_CHECK_DEADLINE,
					 "not complete within check_deadline");
		else {
			if (state == CONNECTION_IDLE)
				stats_count_rejected(server->stats, STATS_IDLE_TIMEOUT);
			connection_free(connection);
		}
	}
}

static void on_server_tick(evutil_socket_t fd, short events, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)events;
	server_close_overdue(server, CONNECTION_IDLE, server_config(server)->idle_timeout_s);
	server_close_overdue(server, CONNECTION_READING,
			     server->stopped != NULL ? SERVER_STOP_GRACE_S
						     : server_config(server)->check_deadline_s);
	if (server->stopped != NULL)
		server_close_overdue(server, CONNECTION_CHECKING, SERVER_STOP_CHECKS_S);
	if (server->connection_count < (size_t)server_config(server)->max_connections &&
	    server->connection_count < server->descriptors)
		server->said_full = false;
	if (server->out_of_files) {
		server->out_of_files = false;
		for (size_t i = 0; i < server->socket_count; i++)
			event_add(server->sockets[i].readable, NULL);
	}
}

static void on_server_empty(evutil_socket_t fd, short events, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)events;
	server->stopped(server->stopped_arg);
}

size_t server_count_descriptors(void)
{
	rlim_t others = SERVER_OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	if (others > limit.rlim_cur / 2)
		others = limit.rlim_cur / 2;
	return (size_t)(limit.rlim_cur - others);
}

struct server *server_new(struct event_base *base, const struct listeners *listeners,
			  struct checker *checker, struct ruleset *rules, struct stats *stats)
{
	struct server *server = mem_alloc(sizeof(*server));
	struct timeval second = {.tv_sec = SERVER_TICK_S};

	server->base = base;
	server->checker = checker;
	server->rules = ruleset_hold(rules);
	server->stats = stats;
	server->descriptors = server_count_descriptors();
	for (size_t i = 0; i < CONNECTION_STATE_COUNT; i++)
		TAILQ_INIT(&server->connections[i]);
	server->socket_count = listeners->count;
	server->sockets = mem_alloc((listeners->count + 1) * sizeof(*server->sockets));
	for (size_t i = 0; i < listeners->count; i++) {
		server->sockets[i].server = server;
		server->sockets[i].readable =
			event_new(base, listeners->list[i].fd, EV_READ | EV_PERSIST,
				  on_server_connect, &server->sockets[i]);
		event_add(server->sockets[i].readable, NULL);
	}
	server->tick = event_new(base, -1, EV_PERSIST, on_server_tick, server);
	event_add(server->tick, &second);
	server->on_empty = event_new(base, -1, 0, on_server_empty, server);
	return server;
}

bool server_is_full(const struct server *server)
{
	return server->said_full;
}

void server_set_rules(struct server *server, struct ruleset *rules)
{
	ruleset_hold(rules);
	ruleset_release(&server->rules);
	server->rules = rules;
}

/* Stop listening; the sockets themselves are the caller's. */
static void server_close_sockets(struct server *server)
{
	for (size_t i = 0; i < server->socket_count; i++)
		event_free(server->sockets[i].readable);
	free(server->sockets);
	server->sockets = NULL;
	server->socket_count = 0;
}

void server_stop(struct server *server, server_stopped_fn *stopped, void *arg)
{
	server->stopped = stopped;
	if (server->stop_ms == 0)
		server->stop_ms = clock_mono_ms() + SERVER_STOP_GRACE_S * 1000;
	server->stopped_arg = arg;
	server_close_sockets(server);
	while (server_close_idlest(server))
		;
	if (server->connection_count == 0)
		event_active(server->on_empty, EV_TIMEOUT, 0);
}

void server_free(struct server **server)
{
	struct server *freed = *server;
	struct connection *connection;

	if (freed == NULL)
		return;
	*server = NULL;
	for (size_t i = 0; i < CONNECTION_STATE_COUNT; i++)
		while ((connection = TAILQ_FIRST(&freed->connections[i])) != NULL)
			connection_free(connection);
	server_close_sockets(freed);
	event_free(freed->tick);
	event_free(freed->on_empty);
	ruleset_release(&freed->rules);
	free(freed);
}
