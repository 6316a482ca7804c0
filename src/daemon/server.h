/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy sockets: connections of smtpd processes, requests in, answers out.
 *
 * smtpd keeps its connection for many requests, with minutes in between, asks one thing at a time,
 * and takes any byte that it did not ask for as the end of the connection: so nothing is ever sent
 * but answers.  A request that breaks the protocol costs its connection, and only that
 * (SMTPD_POLICY_README: "the policy server must not send a reply").
 */
#pragma once

#include "check.h"
#include "listener.h"
#include "ruleset.h"

struct event_base;
struct server;
struct stats;

typedef void server_stopped_fn(void *arg);

/*
 * How many connections there are descriptors for (RLIMIT_NOFILE), beside 96 that are left for all
 * else, or half of them if there are few: no crowd of connections keeps the store from its files,
 * DNS from its sockets, or an admin out.
 */
size_t server_count_descriptors(void);

/* Accept connections on listeners (borrowed), and check their requests with checker (borrowed) by
 * rules (held).  stats (borrowed; NULL: not wanted) counts them. */
struct server *server_new(struct event_base *base, const struct listeners *listeners,
			  struct checker *checker, struct ruleset *rules, struct stats *stats);

/* Whether newcomers are turned away, or had to be a moment ago. */
bool server_is_full(const struct server *server);

/* From the next request on, rules (held) apply. */
void server_set_rules(struct server *server, struct ruleset *rules);

/*
 * Take no more connections (the listeners can be closed then), answer what is under way, close each
 * connection behind its answer, and call stopped() from the loop when none is left.
 */
void server_stop(struct server *server, server_stopped_fn *stopped, void *arg);

/* Close all connections, whatever they wait for. */
void server_free(struct server **server);
