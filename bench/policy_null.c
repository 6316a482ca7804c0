/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The null server: it takes requests of the policy protocol apart and answers each DUNNO.  Nothing
 * that speaks this protocol on this machine, in one thread, is faster, so that other servers are
 * told as a part of it.
 *
 * With --sync FILE it answers nothing before it has written one record for all requests of a turn
 * of the loop to FILE and synced it (group commit): nothing that promises to remember is faster.
 */
#include "base/memory.h"
#include "rules/request.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_SIZE = 16384, BACKLOG = 1024, RECORD_SIZE = 128 };

static const char answer[] = "action=DUNNO\n\n";

struct connection {
	struct null_server *server;
	int fd;
	struct event *readable;
	size_t used, scanned;
	unsigned due; /* answers that wait for the sync */
	TAILQ_ENTRY(connection) link;
	char buffer[BUFFER_SIZE];
};

struct null_server {
	struct event_base *base;
	int sync_fd; /* -1: nothing is written */
	TAILQ_HEAD(, connection) waiting;
};

static void die(const char *what)
{
	fprintf(stderr, "policy-null: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void connection_free(struct connection *connection)
{
	if (connection->due > 0)
		TAILQ_REMOVE(&connection->server->waiting, connection, link);
	event_free(connection->readable);
	close(connection->fd);
	free(connection);
}

static bool connection_answer(struct connection *connection)
{
	return send(connection->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(answer) - 1;
}

/* False: not Postfix, or gone. */
static bool connection_take_request(struct connection *connection, size_t length)
{
	struct null_server *server = connection->server;
	struct request request;

	if (request_parse(&request, (struct span){connection->buffer, length}) != NULL)
		return false;
	connection->used -= length;
	memmove(connection->buffer, connection->buffer + length, connection->used);
	connection->scanned = 0;
	if (server->sync_fd < 0)
		return connection_answer(connection);
	if (connection->due++ == 0)
		TAILQ_INSERT_TAIL(&server->waiting, connection, link);
	return true;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct connection *connection = arg;
	size_t length;

	(void)events;
	ssize_t got = recv(fd, connection->buffer + connection->used,
			   sizeof(connection->buffer) - connection->used, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		return connection_free(connection);
	connection->used += (size_t)got;
	while ((length = request_find_end((struct span){connection->buffer, connection->used},
					  &connection->scanned)) > 0)
		if (!connection_take_request(connection, length))
			return connection_free(connection);
	if (connection->used == sizeof(connection->buffer))
		connection_free(connection);
}

static void on_connect(evutil_socket_t fd, short events, void *arg)
{
	struct null_server *server = arg;
	int accepted;

	(void)events;
	while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = mem_alloc(sizeof(*connection));
		connection->server = server;
		connection->fd = accepted;
		connection->readable = event_new(server->base, accepted, EV_READ | EV_PERSIST,
						 on_readable, connection);
		event_add(connection->readable, NULL);
	}
}

/* Answer all that was asked in this turn of the loop, once it is on the disk. */
static void null_server_commit(struct null_server *server)
{
	static const char record[RECORD_SIZE];
	struct connection *connection;

	if (TAILQ_EMPTY(&server->waiting))
		return;
	if (write(server->sync_fd, record, sizeof(record)) != (ssize_t)sizeof(record) ||
	    fdatasync(server->sync_fd) != 0)
		die("sync");
	while ((connection = TAILQ_FIRST(&server->waiting)) != NULL) {
		TAILQ_REMOVE(&server->waiting, connection, link);
		bool sent = true;
		for (; sent && connection->due > 0; connection->due--)
			sent = connection_answer(connection);
		connection->due = 0;
		if (!sent)
			connection_free(connection);
	}
}

static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strncmp(name, "unix:", 5) != 0 || strlen(name + 5) >= sizeof(address.sun_path)) {
		fprintf(stderr, "policy-null: --listen: expected unix:PATH\n");
		exit(2);
	}
	memcpy(address.sun_path, name + 5, strlen(name + 5) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		die(name);
	return fd;
}

static int open_records(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"listen", required_argument, NULL, 'l'},
		{"sync", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	struct null_server server = {.base = event_base_new(), .sync_fd = -1};
	const char *name = NULL;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'l')
			name = optarg;
		else if (option == 's')
			server.sync_fd = open_records(optarg);
		else
			name = NULL, optind = argc + 1;
	}
	if (name == NULL || optind != argc) {
		fprintf(stderr, "usage: policy-null --listen unix:PATH [--sync FILE]\n");
		return 2;
	}
	TAILQ_INIT(&server.waiting);
	int fd = listen_at(name);
	struct event *connected =
		event_new(server.base, fd, EV_READ | EV_PERSIST, on_connect, &server);
	event_add(connected, NULL);
	while (event_base_loop(server.base, EVLOOP_ONCE) == 0)
		null_server_commit(&server);
	event_free(connected);
	close(fd);
	event_base_free(server.base);
	return 0;
}
