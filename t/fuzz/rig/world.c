/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include "answers.h"
#include "base/clock.h"
#include "daemon/check.h"
#include "daemon/farm_resolver.h"
#include "daemon/stats.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "text_store.h"

#include <event2/event.h>

struct event_base *world_loop(void)
{
	static struct event_base *loop;

	if (loop == NULL) {
		loop = event_base_new();
		clock_set_for_test(WORLD_NOW_S);
	}
	return loop;
}

void world_open(struct world *world, struct ruleset *rules, const struct privacy *privacy,
		struct span stored)
{
	/* Without a cache: what is kept would be there for the next input. */
	const struct dns_options options = {.servers = "192.0.2.53", .timeout_s = 5};
	struct event_base *loop = world_loop();

	world->store = text_store_new(loop);
	text_store_begin(world->store, stored);
	world->dns = dns_new_over(loop, answers_transport_new(), &options);
	world->spf = spf_new(world->dns);
	world->farm_resolver = farm_resolver_new(loop, world->dns, world->store);
	world->stats = stats_new();
	const struct checker_parts parts = {
		.base = loop,
		.store = world->store,
		.privacy = privacy,
		.dns = world->dns,
		.spf = world->spf,
		.farm_resolver = world->farm_resolver,
		.hostname = "mx.here.example",
		.stats = world->stats,
	};
	world->checker = checker_new(&parts);
	farm_resolver_set_farms(world->farm_resolver, ruleset_farms(rules));
	event_base_loop(loop, EVLOOP_NONBLOCK);
}

void world_close(struct world *world)
{
	checker_free(&world->checker);
	stats_free(&world->stats);
	farm_resolver_free(&world->farm_resolver);
	spf_free(&world->spf);
	dns_free(&world->dns);
	store_free(&world->store);
}
