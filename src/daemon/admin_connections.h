/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of the admin socket, and the bounds on their number and on their patience.
 *
 * evhttp (libevent 2.1) accepts whatever comes, and tells nobody when a connection is gone.  So
 * that a client that leaks connections, sends a byte a minute or never reads its answer takes no
 * descriptor from the mail, each connection is counted here, and closed when it has been neither
 * asking nor being answered for a minute; when all are taken, for half a second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct admin_connections;
struct bufferevent;
struct event_base;
struct evhttp;
struct listeners;

/* Accept on listeners (borrowed) for http (borrowed; it is freed before the connections are). */
struct admin_connections *admin_connections_new(struct event_base *base, struct evhttp *http,
						const struct listeners *listeners);

/* The connection of this bufferevent is being asked something (true), or has its answer (false). */
void admin_connections_set_busy(struct admin_connections *connections,
				const struct bufferevent *which, bool is_busy);

/* Whether nobody waits for an answer any more at the other end. */
bool admin_connections_is_gone(struct bufferevent *which);

/* Whether others have to wait for one. */
bool admin_connections_are_all_taken(const struct admin_connections *connections);

void admin_connections_free(struct admin_connections **connections);
