/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name server inside the test, over UDP and TCP, on the test's own loop.  What it answers, and
 * whether, is decided by a function of the test.
 */
#pragma once

#include "packet.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdbool.h>

struct bufferevent;
struct event_base;
struct nameserver;

/* Dies when the function returns that got it. */
struct nameserver_question {
	struct nameserver *server;
	void *arg; /* of nameserver_new() */
	uint16_t id;
	int type;
	char name[NS_MAXDNAME];
	bool has_edns;
	struct bufferevent *tcp; /* NULL: it came over UDP */
	struct sockaddr_in6 from;
	socklen_t from_size;
};

typedef void nameserver_fn(const struct nameserver_question *question);

/* On addr ("127.0.0.1", "::1") and port (0: any); NULL: that cannot be had. */
struct nameserver *nameserver_new(struct event_base *base, const char *addr, uint16_t port,
				  nameserver_fn *answer, void *arg);

/* "127.0.0.1:PORT", "[::1]:PORT" */
const char *nameserver_text(const struct nameserver *server);

/* Send a packet; several may be sent, and none. */
void nameserver_reply(const struct nameserver_question *question, const struct packet *packet);

void nameserver_free(struct nameserver **server);
