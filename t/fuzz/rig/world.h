/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a daemon that has just been started, between a store and a DNS that say what the
 * input says (text_store.h, answers.h).
 */
#pragma once

#include "daemon/ruleset.h"

struct checker;
struct dns;
struct event_base;
struct farm_resolver;
struct privacy;
struct spf;
struct stats;
struct store;

enum { WORLD_NOW_S = 1700000000 }; /* its wall clock stands still */

/* Owned. */
struct world {
	struct store *store;
	struct dns *dns;
	struct spf *spf;
	struct farm_resolver *farm_resolver;
	struct stats *stats;
	struct checker *checker;
};

/* The event loop of all worlds. */
struct event_base *world_loop(void);

/* privacy: NULL: off.  What is borrowed outlives it. */
void world_open(struct world *world, struct ruleset *rules, const struct privacy *privacy,
		struct span stored);

void world_close(struct world *world);
