/* SPDX-License-Identifier: BSD-2-Clause */
#include "nameserver.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct nameserver_connection {
	LIST_ENTRY(nameserver_connection) link;
	struct nameserver *server;
	struct bufferevent *stream; /* owned */
};

struct nameserver {
	struct event_base *base;
	nameserver_fn *answer;
	void *arg;
	int udp;
	struct event *on_packet;        /* owned */
	struct evconnlistener *streams; /* owned */
	LIST_HEAD(, nameserver_connection) connections;
	char text[64];
};

/* Take the question apart and have it answered. */
static void nameserver_take(struct nameserver *server, const uint8_t *bytes, size_t length,
			    struct nameserver_question *question)
{
	ns_msg message;
	ns_rr rr;

	if (ns_initparse(bytes, (int)length, &message) != 0 ||
	    ns_parserr(&message, ns_s_qd, 0, &rr) != 0)
		return;
	question->server = server;
	question->arg = server->arg;
	question->id = (uint16_t)ns_msg_id(message);
	question->type = (int)ns_rr_type(rr);
	question->has_edns = ns_msg_count(message, ns_s_ar) == 1;
	snprintf(question->name, sizeof(question->name), "%s", ns_rr_name(rr));
	server->answer(question);
}

static void on_nameserver_packet(evutil_socket_t fd, short events, void *arg)
{
	struct nameserver_question question = {.from_size = sizeof(question.from)};
	uint8_t bytes[4096];

	(void)events;
	ssize_t length = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&question.from,
				  &question.from_size);
	if (length > 0)
		nameserver_take(arg, bytes, (size_t)length, &question);
}

static void nameserver_drop(struct nameserver_connection *connection)
{
	LIST_REMOVE(connection, link);
	bufferevent_free(connection->stream);
	free(connection);
}

static void on_nameserver_stream(struct bufferevent *stream, void *arg)
{
	struct nameserver_connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	uint8_t bytes[4096];

	while (evbuffer_get_length(input) >= 2) {
		evbuffer_copyout(input, bytes, 2);
		size_t length = (size_t)bytes[0] << 8 | bytes[1];
		if (length > sizeof(bytes) || evbuffer_get_length(input) < 2 + length)
			return;
		evbuffer_drain(input, 2);
		evbuffer_remove(input, bytes, length);
		struct nameserver_question question = {.tcp = stream};
		nameserver_take(connection->server, bytes, length, &question);
	}
}

static void on_nameserver_stream_end(struct bufferevent *stream, short events, void *arg)
{
	(void)stream;
	(void)events;
	nameserver_drop(arg);
}

static void on_nameserver_accept(struct evconnlistener *listener, evutil_socket_t fd,
				 struct sockaddr *from, int from_size, void *arg)
{
	struct nameserver *server = arg;
	struct nameserver_connection *connection = mem_alloc(sizeof(*connection));

	(void)listener;
	(void)from;
	(void)from_size;
	connection->server = server;
	connection->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(connection->stream, on_nameserver_stream, NULL, on_nameserver_stream_end,
			  connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	LIST_INSERT_HEAD(&server->connections, connection, link);
}

void nameserver_reply(const struct nameserver_question *question, const struct packet *packet)
{
	if (question->tcp == NULL) {
		sendto(question->server->udp, packet->bytes, packet->length, 0,
		       (const struct sockaddr *)&question->from, question->from_size);
		return;
	}
	uint8_t length[2] = {(uint8_t)(packet->length >> 8), (uint8_t)packet->length};
	bufferevent_write(question->tcp, length, sizeof(length));
	bufferevent_write(question->tcp, packet->bytes, packet->length);
}

/* Both sockets, on one port. */
static bool nameserver_bind(struct nameserver *server, struct sockaddr_in6 *addr, int family)
{
	in_port_t wanted = addr->sin6_port;
	socklen_t size = sizeof(*addr);
	int flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE;

	server->streams = evconnlistener_new_bind(server->base, on_nameserver_accept, server,
						  (unsigned)flags, 10, (struct sockaddr *)addr,
						  family == AF_INET ? sizeof(struct sockaddr_in)
								    : sizeof(*addr));
	if (server->streams == NULL)
		return false;
	getsockname(evconnlistener_get_fd(server->streams), (struct sockaddr *)addr, &size);
	server->udp = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(server->udp, (struct sockaddr *)addr, size) == 0)
		return true;
	/* Somebody has the port for UDP: take another one. */
	close(server->udp);
	evconnlistener_free(server->streams);
	addr->sin6_port = 0;
	return wanted == 0 && nameserver_bind(server, addr, family);
}

struct nameserver *nameserver_new(struct event_base *base, const char *text, uint16_t port,
				  nameserver_fn *answer, void *arg)
{
	struct nameserver *server = mem_alloc(sizeof(*server));
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6};
	struct sockaddr_in *addr4 = (struct sockaddr_in *)&addr;
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	server->base = base;
	server->answer = answer;
	server->arg = arg;
	LIST_INIT(&server->connections);
	addr.sin6_family = (sa_family_t)family;
	addr.sin6_port = htons(port);
	inet_pton(family, text,
		  family == AF_INET ? (void *)&addr4->sin_addr : (void *)&addr.sin6_addr);
	if (!nameserver_bind(server, &addr, family)) {
		free(server);
		return NULL;
	}
	snprintf(server->text, sizeof(server->text), family == AF_INET ? "%s:%u" : "[%s]:%u", text,
		 ntohs(addr.sin6_port));
	server->on_packet =
		event_new(base, server->udp, EV_READ | EV_PERSIST, on_nameserver_packet, server);
	event_add(server->on_packet, NULL);
	return server;
}

const char *nameserver_text(const struct nameserver *server)
{
	return server->text;
}

void nameserver_free(struct nameserver **server)
{
	struct nameserver *freed = *server;

	if (freed == NULL)
		return;
	*server = NULL;
	while (!LIST_EMPTY(&freed->connections))
		nameserver_drop(LIST_FIRST(&freed->connections));
	event_free(freed->on_packet);
	evconnlistener_free(freed->streams);
	close(freed->udp);
	free(freed);
}
