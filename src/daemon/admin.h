/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin socket: HTTP over a unix socket, through libevent's evhttp, with JSON in and out, so
 * that curl(1) can use it as well as sixgatectl(1).
 *
 * One table (admin_routes.c) says what can be asked, by whom, and who answers.
 */
#pragma once

#include "admin_request.h"
#include "loader.h"
#include "ruleset.h"

struct admin;
struct checker;
struct dns;
struct farm_resolver;
struct listeners;
struct privacy;
struct server;
struct stats;
struct stats_totals;
struct store;

/* What it tells about.  Borrowed, and outlives the admin socket. */
struct admin_parts {
	struct event_base *base;
	const struct listeners *listeners;
	struct loader *loader;
	struct store *store;
	struct dns *dns;
	struct farm_resolver *farm_resolver;
	struct checker *checker;
	struct server *server;
	const char *version; /* ours */
	const struct stats *stats;
	const struct stats_totals *totals;
	const struct privacy *privacy; /* NULL: off */
};

/* Answer on the listeners; rules are held. */
struct admin *admin_new(const struct admin_parts *parts, struct ruleset *rules);

/* From now on rules (held) are in force. */
void admin_set_rules(struct admin *admin, struct ruleset *rules);

/* As loader_reloaded_fn: who asked for it is answered. */
void admin_tell_reloaded(struct admin *admin, uint64_t number, bool succeeded,
			 const struct diag *messages);

/* For handlers. */
const struct admin_parts *admin_get_parts(const struct admin *admin);
struct ruleset *admin_get_rules(const struct admin *admin);
/* Monotonic. */
int64_t admin_started_ms(const struct admin *admin);

/* Who waits for an answer is told that the daemon ends. */
void admin_free(struct admin **admin);
