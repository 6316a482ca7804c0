/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_entries.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/json_text.h"
#include "rules/privacy.h"
#include "store/store_errand.h"

#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ADMIN_PAGE_DEFAULT = 100,
	ADMIN_PAGE_MAX = 1000,
	/* To look through ten million entries takes some ten seconds; to remove them, minutes. */
	ADMIN_LIST_DEADLINE_S = 60,
	ADMIN_FORGET_DEADLINE_S = 900,
};

/* An errand that the store does. */
struct admin_errand {
	struct admin_request *request; /* borrowed; it owns this */
	struct store_request *asking;  /* owned; not NULL exactly while the store is asked */
	int64_t known_after;
	char identity[IDENTITY_TEXT_SIZE]; /* of a client that is allowed */
};

static void admin_errand_free(void *work)
{
	struct admin_errand *errand = work;

	store_cancel(&errand->asking);
	free(errand);
}

static void admin_errand_start(struct admin *admin, struct admin_request *request,
			       const struct store_errand *about, const char *identity,
			       store_report_fn *done, int deadline_s)
{
	struct admin_errand *errand = mem_alloc(sizeof(*errand));
	const struct config *config = ruleset_config(admin_get_rules(admin));

	errand->request = request;
	errand->known_after = config->greylist_known_after;
	snprintf(errand->identity, sizeof(errand->identity), "%s", identity);
	admin_request_set_work(request, errand, admin_errand_free, deadline_s);
	errand->asking = store_start_errand(admin_get_parts(admin)->store, about, done, errand);
}

/* Whether the store has answered; if not, the request is gone. */
static bool admin_errand_is_answered(struct admin_errand *errand, const struct store_report *report)
{
	errand->asking = NULL;
	if (report->status == STORE_ANSWERED)
		return true;
	admin_request_fail(errand->request, HTTP_SERVUNAVAIL,
			   "the store cannot answer now; the log says why");
	return false;
}

/* Set one condition from a parameter; false: it was answered. */
static bool admin_filter_take(struct admin *admin, struct admin_request *request, const char *name,
			      struct entry_filter *filter)
{
	const struct config *config = ruleset_config(admin_get_rules(admin));
	const struct privacy *privacy = admin_get_parts(admin)->privacy;
	const char *text = admin_request_parameter(request, name);
	const char *why;

	if (text == NULL)
		return true;
	if (strcmp(name, "client") == 0)
		why = entry_filter_set_client(filter, span_of(text),
					      (unsigned)config->greylist_ipv4_prefix,
					      (unsigned)config->greylist_ipv6_prefix, privacy);
	else if (strcmp(name, "sender") == 0)
		why = entry_filter_set_sender(filter, span_of(text), privacy);
	else
		why = entry_filter_set_recipient(filter, span_of(text), privacy);
	if (why == NULL)
		return true;
	admin_request_fail(request, HTTP_BADREQUEST, "%s: \"%s\": %s", name, text, why);
	return false;
}

/* One of two words, by their numbers from 1 on; 0: the parameter is not there.  -1: it was
 * answered.
 */
static int admin_filter_state(struct admin_request *request, const char *one, const char *two)
{
	const char *state = admin_request_parameter(request, "state");

	if (state == NULL)
		return 0;
	if (strcmp(state, one) == 0)
		return 1;
	if (strcmp(state, two) == 0)
		return 2;
	admin_request_fail(request, HTTP_BADREQUEST, "state: \"%s\": expected %s or %s", state, one,
			   two);
	return -1;
}

static bool admin_filter_entries(struct admin *admin, struct admin_request *request,
				 struct entry_filter *filter)
{
	if (!admin_filter_take(admin, request, "client", filter) ||
	    !admin_filter_take(admin, request, "sender", filter) ||
	    !admin_filter_take(admin, request, "recipient", filter))
		return false;
	int state = admin_filter_state(request, "waiting", "passed");
	if (state < 0)
		return false;
	filter->state = (enum entry_state)state;
	return true;
}

/* Everything goes only when that is said. */
static bool admin_filter_may_remove(struct admin_request *request,
				    const struct entry_filter *filter)
{
	const char *all = admin_request_parameter(request, "all");

	if (all != NULL && strcmp(all, "yes") != 0) {
		admin_request_fail(request, HTTP_BADREQUEST, "all: \"%s\": expected yes", all);
		return false;
	}
	if (all != NULL || !entry_filter_is_empty(filter))
		return true;
	admin_request_fail(request, HTTP_BADREQUEST,
			   "which ones? Name at least one condition, or say all=yes");
	return false;
}

static json_t *admin_entry_json(const struct store_entry *entry)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I}", "key",
			 json_text(entry->identity), "sender", json_text(entry->sender),
			 "recipient", json_text(entry->recipient), "state",
			 entry->entry.passes > 0 ? "passed" : "waiting", "first_seen",
			 (json_int_t)entry->entry.first_seen_s, "last_seen",
			 (json_int_t)entry->entry.last_seen_s, "passes",
			 (json_int_t)entry->entry.passes, "expires", (json_int_t)entry->expires_s);
}

static void on_admin_entries(const struct store_report *report, void *arg)
{
	struct admin_errand *errand = arg;
	json_t *list, *next;

	if (!admin_errand_is_answered(errand, report))
		return;
	list = json_array();
	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(list, admin_entry_json(&report->entries[i]));
	next = report->next_id > 0 ? json_sprintf("%lld", (long long)report->next_id) : json_null();
	return admin_request_answer(errand->request, HTTP_OK,
				    json_pack("{s:o, s:o}", "entries", list, "next", next));
}

void admin_entries_list(struct admin *admin, struct admin_request *request)
{
	struct store_errand about = {.task = STORE_ENTRIES_LIST};
	int64_t limit;

	if (!admin_filter_entries(admin, request, &about.filter) ||
	    !admin_request_number(request, "limit", 1, ADMIN_PAGE_MAX, ADMIN_PAGE_DEFAULT,
				  &limit) ||
	    !admin_request_number(request, "cursor", 1, INT64_MAX, 0, &about.before_id))
		return;
	about.limit = (size_t)limit;
	return admin_errand_start(admin, request, &about, "", on_admin_entries,
				  ADMIN_LIST_DEADLINE_S);
}

static void on_admin_removed(const struct store_report *report, void *arg)
{
	struct admin_errand *errand = arg;

	if (!admin_errand_is_answered(errand, report))
		return;
	if (report->removed == 0)
		return admin_request_fail(errand->request, HTTP_NOTFOUND,
					  "there is no such thing: nothing was removed");
	return admin_request_answer(errand->request, HTTP_OK,
				    json_pack("{s:I}", "removed", (json_int_t)report->removed));
}

void admin_entries_forget(struct admin *admin, struct admin_request *request)
{
	struct store_errand about = {.task = STORE_ENTRIES_FORGET};

	if (!admin_filter_entries(admin, request, &about.filter) ||
	    !admin_filter_may_remove(request, &about.filter))
		return;
	return admin_errand_start(admin, request, &about, "", on_admin_removed,
				  ADMIN_FORGET_DEADLINE_S);
}

static json_t *admin_client_json(const struct store_client *client, int64_t known_after)
{
	bool is_known = known_after > 0 && client->client.passes >= known_after;
	bool is_allowed = client->client.passes >= GREYLIST_ALLOWED_PASSES;

	return json_pack(
		"{s:o, s:s, s:s, s:I, s:I, s:I, s:I}", "client", json_text(client->identity),
		"state", is_known ? "known" : "learning", "by", is_allowed ? "allow" : "passes",
		"passes", (json_int_t)client->client.passes, "counted",
		(json_int_t)client->client.counted_s, "last_seen",
		(json_int_t)client->client.last_seen_s, "expires", (json_int_t)client->expires_s);
}

static void on_admin_clients(const struct store_report *report, void *arg)
{
	struct admin_errand *errand = arg;
	json_t *list, *next;

	if (!admin_errand_is_answered(errand, report))
		return;
	list = json_array();
	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(list,
				      admin_client_json(&report->clients[i], errand->known_after));
	next = report->has_more ? json_text(report->clients[report->count - 1].identity)
				: json_null();
	return admin_request_answer(errand->request, HTTP_OK,
				    json_pack("{s:o, s:o}", "clients", list, "next", next));
}

void admin_clients_list(struct admin *admin, struct admin_request *request)
{
	const struct config *config = ruleset_config(admin_get_rules(admin));
	struct store_errand about = {.task = STORE_CLIENTS_LIST,
				     .range = {.min_passes = 0, .max_passes = INT64_MAX},
				     .after = admin_request_parameter(request, "cursor")};
	/* With 0 nobody is known. */
	int64_t known_after =
		config->greylist_known_after > 0 ? config->greylist_known_after : INT64_MAX;
	int64_t limit;

	if (!admin_filter_take(admin, request, "client", &about.filter) ||
	    !admin_request_number(request, "limit", 1, ADMIN_PAGE_MAX, ADMIN_PAGE_DEFAULT, &limit))
		return;
	int state = admin_filter_state(request, "known", "learning");
	if (state < 0)
		return;
	if (state == 1)
		about.range.min_passes = known_after;
	else if (state == 2)
		about.range.max_passes = known_after - 1;
	about.limit = (size_t)limit;
	return admin_errand_start(admin, request, &about, "", on_admin_clients,
				  ADMIN_LIST_DEADLINE_S);
}

static void on_admin_allowed(const struct store_report *report, void *arg)
{
	struct admin_errand *errand = arg;

	if (!admin_errand_is_answered(errand, report))
		return;
	return admin_request_answer(
		errand->request, HTTP_OK,
		json_pack("{s:o, s:s}", "client", json_text(errand->identity), "state", "known"));
}

/* client is "farm:NAME/DOMAIN". */
static bool admin_clients_has_farm(struct admin *admin, const char *client)
{
	struct span name = span_from(span_of(client), strlen("farm:"));

	return farm_has(ruleset_farms(admin_get_rules(admin)),
			span_first(name, span_find(name, '/')));
}

/* What becomes known when pattern is allowed; false, and it was answered, when that is not one
 * client. */
static bool admin_clients_identity(struct admin *admin, struct admin_request *request,
				   const char *pattern, char identity[static IDENTITY_TEXT_SIZE])
{
	const struct config *config = ruleset_config(admin_get_rules(admin));
	struct entry_filter filter = {0};
	const char *why = entry_filter_set_client(
		&filter, span_of(pattern), (unsigned)config->greylist_ipv4_prefix,
		(unsigned)config->greylist_ipv6_prefix, admin_get_parts(admin)->privacy);

	if (why == NULL && filter.client.kind == ENTRY_PATTERN_FARM &&
	    strchr(filter.client.text, '/') == NULL)
		why = "of a farm, its customers become known one by one: expected "
		      "farm:NAME/DOMAIN; \"pass\" in the table of farms lets all of it pass";
	else if (why == NULL && filter.client.kind != ENTRY_PATTERN_SAME &&
		 filter.client.kind != ENTRY_PATTERN_FARM)
		why = "expected one client: an address, its network, domain:NAME or "
		      "farm:NAME/DOMAIN";
	else if (why == NULL && strncmp(pattern, "farm:", strlen("farm:")) == 0 &&
		 !admin_clients_has_farm(admin, pattern))
		why = "there is no farm of this name in the table of farms";
	if (why != NULL) {
		admin_request_fail(request, HTTP_BADREQUEST, "client: \"%s\": %s", pattern, why);
		return false;
	}
	snprintf(identity, IDENTITY_TEXT_SIZE, "%s", filter.client.text);
	return true;
}

void admin_clients_allow(struct admin *admin, struct admin_request *request)
{
	const struct config *config = ruleset_config(admin_get_rules(admin));
	json_t *body = admin_request_body(request);
	char identity[IDENTITY_TEXT_SIZE];

	if (body == NULL)
		return;
	const char *pattern = json_string_value(json_object_get(body, "client"));
	if (pattern == NULL || json_object_size(body) != 1)
		return admin_request_fail(request, HTTP_BADREQUEST,
					  "expected {\"client\": \"ADDRESS\"}");
	if (!admin_clients_identity(admin, request, pattern, identity))
		return;
	if (config->greylist_known_after == 0)
		return admin_request_fail(request, 409,
					  "greylist_known_after = 0: no client becomes known");
	int64_t now_s = clock_wall_s();
	struct greylist_limits limits = {.lifetime_s = config->greylist_lifetime_s};
	struct store_client client = {.identity = identity,
				      .client = {.counted_s = now_s,
						 .last_seen_s = now_s,
						 .passes = GREYLIST_ALLOWED_PASSES}};
	client.expires_s = greylist_client_expires(&limits, &client.client);
	struct store_errand about = {.task = STORE_CLIENT_KEEP, .client = &client};
	return admin_errand_start(admin, request, &about, identity, on_admin_allowed,
				  ADMIN_LIST_DEADLINE_S);
}

void admin_clients_forget(struct admin *admin, struct admin_request *request)
{
	struct store_errand about = {.task = STORE_CLIENTS_FORGET};

	if (!admin_filter_take(admin, request, "client", &about.filter) ||
	    !admin_filter_may_remove(request, &about.filter))
		return;
	return admin_errand_start(admin, request, &about, "", on_admin_removed,
				  ADMIN_FORGET_DEADLINE_S);
}
