/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/json_text.h"
#include "base/words.h"
#include "farm_resolver.h"
#include "lookup/dns.h"
#include "server.h"
#include "stats_text.h"
#include "store/store_errand.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ADMIN_STATE_CENSUS_S = 3, /* the store has so long to count; without it the rest is told */
	ADMIN_STATE_DEADLINE_S = 10,
};

/* A question that wants the store's census first. */
struct admin_state {
	struct admin *admin;           /* borrowed */
	struct admin_request *request; /* borrowed; it owns this */
	struct store_request *asking;  /* owned; not NULL exactly while the store is asked */
	struct event *patience;        /* owned; for the census */
	int64_t asked_us;              /* monotonic */
	/* Answers; census is NULL when the store did not. */
	void (*answer)(struct admin_state *state, const struct store_census *census);
};

static void admin_state_free(void *work)
{
	struct admin_state *state = work;

	store_cancel(&state->asking);
	event_free(state->patience);
	free(state);
}

static void on_admin_state_census(const struct store_report *report, void *arg)
{
	struct admin_state *state = arg;

	state->asking = NULL;
	return state->answer(state, report->status == STORE_ANSWERED ? report->census : NULL);
}

static void on_admin_state_patience(evutil_socket_t fd, short events, void *arg)
{
	struct admin_state *state = arg;

	(void)fd;
	(void)events;
	store_cancel(&state->asking);
	return state->answer(state, NULL);
}

/* known_after: as in a store_errand; with 0 nobody looks for those who are known. */
static void
admin_state_start(struct admin *admin, struct admin_request *request, int64_t known_after,
		  void (*answer)(struct admin_state *state, const struct store_census *census))
{
	const struct admin_parts *parts = admin_get_parts(admin);
	const struct timeval patience = {.tv_sec = ADMIN_STATE_CENSUS_S};
	struct store_errand errand = {.task = STORE_CENSUS, .known_after = known_after};
	struct admin_state *state = mem_alloc(sizeof(*state));

	state->admin = admin;
	state->request = request;
	state->answer = answer;
	state->asked_us = clock_mono_us();
	state->patience = evtimer_new(parts->base, on_admin_state_patience, state);
	evtimer_add(state->patience, &patience);
	admin_request_set_work(request, state, admin_state_free, ADMIN_STATE_DEADLINE_S);
	state->asking = store_start_errand(parts->store, &errand, on_admin_state_census, state);
}

static struct stats_sources admin_state_sources(const struct admin_state *state,
						const struct store_census *census)
{
	const struct admin_parts *parts = admin_get_parts(state->admin);

	return (struct stats_sources){.dns = parts->dns, .store = parts->store, .census = census};
}

static void admin_state_write_metrics(struct admin_state *state, const struct store_census *census)
{
	struct stats_sources sources = admin_state_sources(state, census);
	struct evbuffer *text = evbuffer_new();

	stats_write_metrics(admin_get_parts(state->admin)->stats, &sources, text);
	return admin_request_answer_text(state->request, "text/plain; version=0.0.4", text);
}

void admin_state_metrics(struct admin *admin, struct admin_request *request)
{
	return admin_state_start(admin, request,
				 ruleset_config(admin_get_rules(admin))->greylist_known_after,
				 admin_state_write_metrics);
}

static json_t *admin_state_census_json(const struct store_census *census)
{
	if (census == NULL)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "waiting", (json_int_t)census->waiting, "passed",
			 (json_int_t)census->passed, "clients", (json_int_t)census->clients,
			 "known", (json_int_t)census->known);
}

static const char *admin_state_store_word(const struct store_census *census)
{
	return census == NULL ? "silent" : census->is_failing ? "failing" : "ok";
}

static json_t *admin_state_store_json(const struct store_census *census)
{
	json_t *store = json_pack("{s:s}", "status", admin_state_store_word(census));

	if (census != NULL) {
		json_object_set_new(store, "size_bytes",
				    json_integer((json_int_t)census->size_bytes));
		if (census->is_failing)
			json_object_set_new(store, "why", json_text(census->why));
	}
	return store;
}

static json_t *admin_state_modes_json(const struct config *config)
{
	json_t *modes = json_object();

	for (size_t i = 0; i < config_table_count; i++) {
		const char *name = config_table[i].name;
		if (strcmp(name, "greylist") == 0 || strcmp(name, "gate") == 0 ||
		    strcmp(name, "gate_profile") == 0)
			json_object_set_new(modes, name, json_string(config_text(config, i)));
	}
	return modes;
}

/* Whose domains are told. */
struct admin_state_farms {
	const struct farm_table *table; /* borrowed */
	json_t *list;                   /* borrowed */
};

/* The list of a farm's domains in list; borrowed from it. */
static json_t *admin_state_domains(json_t *list, const char *farm)
{
	json_t *told;
	size_t i;

	json_array_foreach (list, i, told)
		if (strcmp(json_string_value(json_object_get(told, "name")), farm) == 0)
			return json_object_get(told, "domains");
	told = json_pack("{s:s, s:[]}", "name", farm, "domains");
	json_array_append_new(list, told);
	return json_object_get(told, "domains");
}

/* The networks of one SPF domain in the table of farms. */
static void on_admin_state_farm(const struct farm_resolver_domain *domain, void *arg)
{
	const struct admin_state_farms *farms = arg;
	const struct farm *farm = farm_of_spf_domain(farms->table, domain->domain);
	const char *status = domain->resolved_s == 0                  ? "unknown"
			     : domain->fresh_until_s < clock_wall_s() ? "stale"
								      : "fresh";

	json_t *told = json_pack("{s:o, s:I, s:I, s:I, s:s}", "domain", json_text(domain->domain),
				 "networks", (json_int_t)domain->network_count, "resolved",
				 (json_int_t)domain->resolved_s, "fresh_until",
				 (json_int_t)domain->fresh_until_s, "status", status);
	json_array_append_new(admin_state_domains(farms->list, farm != NULL ? farm->name : ""),
			      told);
}

static void admin_state_write_stats(struct admin_state *state, const struct store_census *census)
{
	struct admin *admin = state->admin;
	const struct admin_parts *parts = admin_get_parts(admin);
	struct stats_sources sources = admin_state_sources(state, census);
	int64_t uptime_s = (clock_mono_ms() - admin_started_ms(admin)) / 1000;
	struct admin_state_farms farms = {ruleset_farms(admin_get_rules(admin)), json_array()};

	farm_resolver_each_domain(parts->farm_resolver, on_admin_state_farm, &farms);
	json_t *answer = json_pack(
		"{s:s, s:i, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		admin_get_parts(state->admin)->version, "pid", (int)getpid(), "now",
		(json_int_t)clock_wall_s(), "started", (json_int_t)parts->stats->started_s,
		"uptime_s", (json_int_t)uptime_s, "modes",
		admin_state_modes_json(ruleset_config(admin_get_rules(admin))), "last_minute",
		stats_minute_json(parts->stats), "entries", admin_state_census_json(census),
		"store", admin_state_store_json(census), "farms", farms.list, "counters",
		stats_counters_json(parts->stats, &sources, parts->totals));
	return admin_request_answer(state->request, HTTP_OK, answer);
}

void admin_state_stats(struct admin *admin, struct admin_request *request)
{
	return admin_state_start(admin, request,
				 ruleset_config(admin_get_rules(admin))->greylist_known_after,
				 admin_state_write_stats);
}

/* Why the store fails, whatever bytes are in it. */
static json_t *admin_state_failure(const struct store_census *census)
{
	char text[STORE_WHY_SIZE + 32];

	snprintf(text, sizeof(text), "the store fails: %s", census->why);
	return json_text(text);
}

/* What is wrong, a sentence each; a new reference. */
static json_t *admin_state_problems(const struct admin_state *state,
				    const struct store_census *census)
{
	const struct admin_parts *parts = admin_get_parts(state->admin);
	json_t *problems = json_array();

	if (census == NULL)
		json_array_append_new(problems, json_string("the store does not answer"));
	else if (census->is_failing)
		json_array_append_new(problems, admin_state_failure(census));
	if (dns_is_silent(parts->dns))
		json_array_append_new(problems, json_string("DNS does not answer"));
	if (server_is_full(parts->server))
		json_array_append_new(problems,
				      json_string("the policy sockets have no room: "
						  "max_connections, or file descriptors"));
	return problems;
}

/* One line for monitoring; a new reference. */
static json_t *admin_state_line(const struct admin_state *state, const struct store_census *census,
				const json_t *problems)
{
	char duration[WORDS_SIZE], count[WORDS_SIZE];

	if (json_array_size(problems) > 0) {
		json_t *line = json_string("CRITICAL: ");
		for (size_t i = 0; i < json_array_size(problems); i++) {
			json_t *longer =
				json_sprintf("%s%s%s", json_string_value(line), i > 0 ? "; " : "",
					     json_string_value(json_array_get(problems, i)));
			json_decref(line);
			line = longer;
		}
		return line;
	}
	words_duration(duration, (double)(clock_mono_us() - state->asked_us) / 1e6);
	words_count(count, census->waiting + census->passed);
	return json_sprintf("OK: %s entries, the store answers in %s, DNS is not silent", count,
			    duration);
}

static void admin_state_write_health(struct admin_state *state, const struct store_census *census)
{
	const struct admin_parts *parts = admin_get_parts(state->admin);
	int64_t uptime_s = (clock_mono_ms() - admin_started_ms(state->admin)) / 1000;
	json_t *problems = admin_state_problems(state, census);
	json_t *line = admin_state_line(state, census, problems);
	bool is_healthy = json_array_size(problems) == 0;

	return admin_request_answer(
		state->request, is_healthy ? HTTP_OK : HTTP_SERVUNAVAIL,
		json_pack("{s:b, s:o, s:o, s:{s:s}, s:{s:s}, s:s, s:I, s:o}", "healthy", is_healthy,
			  "problems", problems, "store", admin_state_store_json(census), "dns",
			  "status", dns_is_silent(parts->dns) ? "silent" : "ok", "listeners",
			  "status", server_is_full(parts->server) ? "full" : "ok", "version",
			  admin_get_parts(state->admin)->version, "uptime_s", (json_int_t)uptime_s,
			  "line", line));
}

void admin_state_health(struct admin *admin, struct admin_request *request)
{
	return admin_state_start(admin, request, 0, admin_state_write_health);
}
