/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy connection, over a real socket: requests in pieces, several before the first answer,
 * too long ones, and a peer that only sends no more.
 *
 * The input is two bytes (how many pieces, and what happens at the end), then the bytes that are
 * sent. There are as many answers as there are requests before the first that breaks the protocol,
 * or a bound; each is one line of "action=", and an empty line.
 */
#include "daemon/server.h"

#include "base/printable.h"
#include "daemon/check.h"
#include "rig/answers.h"
#include "rig/input.h"
#include "rig/nameless_socket.h"
#include "rig/rules.h"
#include "rig/world.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS_MAX = 20000, ANSWERS_SIZE = 1 << 20 };

static struct {
	char bytes[ANSWERS_SIZE];
	size_t length;
	bool is_closed;
} peer;

/* A turn of the loop, and what has been answered by then. */
static void peer_turn(int fd, bool may_wait)
{
	event_base_loop(world_loop(), may_wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
	ssize_t got = recv(fd, peer.bytes + peer.length, sizeof(peer.bytes) - peer.length, 0);
	if (got > 0)
		peer.length += (size_t)got;
	/* Whoever closes with something unread in it resets the connection. */
	peer.is_closed = peer.is_closed || got == 0 || (got < 0 && errno != EAGAIN);
}

static void peer_send(int fd, struct span bytes, size_t piece)
{
	while (bytes.length > 0 && !peer.is_closed) {
		size_t length = bytes.length < piece ? bytes.length : piece;
		ssize_t sent = send(fd, bytes.text, length, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			break;
		bytes = span_from(bytes, sent > 0 ? (size_t)sent : 0);
		peer_turn(fd, false);
	}
}

/* How many requests there are that have to be answered. */
static size_t server_expected(struct span bytes)
{
	size_t limit = (size_t)ruleset_config(rules_choose(0))->max_request_size_bytes;
	size_t count = 0, scanned = 0, length;
	struct request request;

	while ((length = request_find_end(bytes, &scanned)) > 0 && length <= limit &&
	       request_parse(&request, span_first(bytes, length)) == NULL) {
		bytes = span_from(bytes, length);
		scanned = 0;
		count++;
	}
	return count;
}

/* How many answers there are, each one sound. */
static size_t server_count_answers(void)
{
	struct span rest = {peer.bytes, peer.length};
	size_t count = 0;

	while (rest.length > 0) {
		struct span line = input_line(&rest);
		assert(span_starts_with(line, SPAN("action=")) && printable_is_clean(line));
		assert(rest.length > 0 && input_line(&rest).length == 0);
		count++;
	}
	return count;
}

static void server_check(struct span bytes, size_t piece, bool hangs_up)
{
	int fd = nameless_connect();

	peer.length = 0;
	peer.is_closed = false;
	peer_send(fd, bytes, piece);
	if (hangs_up) {
		close(fd);
		event_base_loop(world_loop(), EVLOOP_NONBLOCK);
		return;
	}
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < ROUNDS_MAX && !peer.is_closed; i++)
		/* Without waiting at first, as it may have been closed in the turn before. */
		peer_turn(fd, i % 8 == 7);
	assert(peer.is_closed && server_count_answers() == server_expected(bytes));
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct netaddr client = {32, {192, 0, 2, 1}};
	struct span bytes = input_of(data, size);
	size_t pieces = 1 + input_byte(&bytes) % 64;
	bool hangs_up = input_byte(&bytes) == 'h';
	size_t piece = 1 + bytes.length / pieces;
	struct ruleset *rules = rules_choose(0);
	struct world world;

	answers_begin(SPAN("-"), &client);
	world_open(&world, rules, NULL, SPAN(""));
	struct server *server =
		server_new(world_loop(), nameless_listeners(), world.checker, rules, world.stats);
	server_check(bytes, piece, hangs_up);
	server_free(&server);
	world_close(&world);
	answers_end();
	return 0;
}
