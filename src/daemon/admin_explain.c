/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_explain.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/netaddr.h"
#include "check.h"
#include "explanation_json.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

/* An explanation on its way. */
struct admin_explain {
	struct admin_request *request;   /* borrowed; it owns this */
	struct evbuffer *text;           /* owned; the policy request, as smtpd would write it */
	struct explanation *explanation; /* owned */
	struct check *check;             /* owned */
};

static void admin_explain_free(void *work)
{
	struct admin_explain *explain = work;

	/* The check notes in the explanation, and borrows the text. */
	check_free(&explain->check);
	explanation_free(&explain->explanation);
	evbuffer_free(explain->text);
	free(explain);
}

static void on_admin_explain_verdict(const struct verdict *verdict, void *arg)
{
	struct admin_explain *explain = arg;
	json_t *answer = explanation_json(explain->explanation, verdict, clock_wall_s());

	return admin_request_answer(explain->request, HTTP_OK, answer);
}

/* The value of an attribute, one line of text; NULL: it is missing.  False: it was answered. */
static bool admin_explain_attribute(struct admin_request *request, const char *name,
				    const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL || json_string_length(value) != strlen(text) ||
	    strpbrk(text, "\r\n") != NULL) {
		admin_request_fail(request, HTTP_BADREQUEST,
				   "%s: expected a string of one line, without a NUL", name);
		return false;
	}
	if (!request_is_attribute(span_of(name))) {
		admin_request_fail(
			request, HTTP_BADREQUEST,
			"%s: is no attribute that is looked at; expected client_address, "
			"client_name, sender, recipient, helo_name ...",
			name);
		return false;
	}
	return true;
}

/* What nobody could be asked about. */
static bool admin_explain_is_complete(struct admin_request *request, const json_t *body)
{
	static const char *const needed[] = {"client_address", "sender", "recipient"};
	const char *address = json_string_value(json_object_get(body, "client_address"));
	struct netaddr parsed;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (json_object_get(body, needed[i]) != NULL)
			continue;
		admin_request_fail(request, HTTP_BADREQUEST, "%s: is missing", needed[i]);
		return false;
	}
	if (netaddr_parse(span_of(address), &parsed))
		return true;
	admin_request_fail(request, HTTP_BADREQUEST,
			   "client_address: \"%s\": expected an IPv4 or IPv6 address", address);
	return false;
}

/* The policy request that body stands for; NULL: it was answered. */
static struct evbuffer *admin_explain_write(struct admin_request *request, json_t *body)
{
	const char *name;
	json_t *value;

	json_object_foreach (body, name, value)
		if (!admin_explain_attribute(request, name, value))
			return NULL;
	if (!admin_explain_is_complete(request, body))
		return NULL;

	struct evbuffer *text = evbuffer_new();
	json_object_foreach (body, name, value)
		evbuffer_add_printf(text, "%s=%s\n", name, json_string_value(value));
	/* Of what is repeated, the first counts. */
	evbuffer_add_printf(text, "request=smtpd_access_policy\nprotocol_state=RCPT\n"
				  "client_name=unknown\n\n");
	return text;
}

void admin_explain(struct admin *admin, struct admin_request *request)
{
	json_t *body = admin_request_body(request);
	struct evbuffer *text = body != NULL ? admin_explain_write(request, body) : NULL;
	struct request parsed;

	if (text == NULL)
		return;
	size_t length = evbuffer_get_length(text);
	const char *why = request_parse(
		&parsed, (struct span){(const char *)evbuffer_pullup(text, -1), length});
	if (why != NULL) {
		evbuffer_free(text);
		return admin_request_fail(request, HTTP_BADREQUEST, "%s", why);
	}
	struct admin_explain *explain = mem_alloc(sizeof(*explain));
	struct ruleset *rules = admin_get_rules(admin);
	explain->request = request;
	explain->text = text;
	explain->explanation = explanation_new();
	/* The check has a deadline of its own, which is the shorter one. */
	admin_request_set_work(request, explain, admin_explain_free,
			       (int)ruleset_config(rules)->check_deadline_s + 5);
	explain->check =
		check_start_explaining(admin_get_parts(admin)->checker, rules, &parsed,
				       explain->explanation, on_admin_explain_verdict, explain);
}
