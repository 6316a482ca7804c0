/* SPDX-License-Identifier: BSD-2-Clause */
#include "explanation_json.h"

#include "base/json_text.h"
#include "base/words.h"
#include "explanation_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLANATION_LINE_SIZE = 2048 };

static const char explanation_too_late[] =
	"DNS did not answer within three quarters of check_deadline";

static json_t *explanation_vtext(const char *format, va_list arguments)
{
	char line[EXPLANATION_LINE_SIZE];

	vsnprintf(line, sizeof(line), format, arguments);
	return json_text(line);
}

/* One more step; borrowed from steps. */
static json_t *explanation_step(json_t *steps, const char *name, const char *result,
				const char *format, ...) __attribute__((format(printf, 4, 5)));

static json_t *explanation_step(json_t *steps, const char *name, const char *result,
				const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *step = json_pack("{s:s, s:s, s:o, s:[]}", "step", name, "result", result, "text",
				 explanation_vtext(format, arguments), "details");
	va_end(arguments);
	json_array_append_new(steps, step);
	return step;
}

static void explanation_detail(json_t *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void explanation_detail(json_t *step, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_array_append_new(json_object_get(step, "details"),
			      explanation_vtext(format, arguments));
	va_end(arguments);
}

static const char *explanation_attribute(const struct explanation *explanation,
					 enum request_attribute which)
{
	return explanation->request[which] != NULL ? explanation->request[which] : "";
}

static void explain_request(json_t *steps, const struct explanation *explanation)
{
	const char *name = explanation_attribute(explanation, REQUEST_CLIENT_NAME);
	const char *helo = explanation_attribute(explanation, REQUEST_HELO_NAME);
	json_t *step = explanation_step(steps, "request", "ok", "client=%s[%s], from=<%s>, to=<%s>",
					name[0] != '\0' ? name : "unknown",
					explanation_attribute(explanation, REQUEST_CLIENT_ADDRESS),
					explanation_attribute(explanation, REQUEST_SENDER),
					explanation_attribute(explanation, REQUEST_RECIPIENT));

	if (helo[0] != '\0')
		explanation_detail(step, "helo=<%s>", helo);
}

static void explain_exempt(json_t *steps, const struct explanation *explanation,
			   const struct verdict *verdict)
{
	char network[NETWORK_TEXT_SIZE];

	switch (verdict->reason) {
	case REASON_MYNETWORKS:
		if (explanation->has_pattern)
			network_format(&explanation->mynetwork, network);
		else
			snprintf(network, sizeof(network), "a network");
		explanation_step(steps, "exempt", "yes",
				 "mynetworks has %s: such a client is never checked", network);
		return;
	case REASON_SASL_USERNAME:
		explanation_step(steps, "exempt", "yes",
				 "sasl_username: who has logged in is never checked");
		return;
	case REASON_CCERT_SUBJECT:
		explanation_step(steps, "exempt", "yes",
				 "ccert_subject: who shows a verified certificate is never "
				 "checked");
		return;
	case REASON_POSTMASTER:
		explanation_step(steps, "exempt", "yes",
				 "everybody may write to postmaster and abuse (RFC 5321, RFC "
				 "2142)");
		return;
	default:
		explanation_step(steps, "exempt", "no",
				 "not in mynetworks, not logged in, no verified certificate, not "
				 "to postmaster or abuse");
	}
}

static void explain_access(json_t *steps, const char *name, const struct explanation *explanation,
			   const struct explained_access *access)
{
	if (!access->is_reached)
		return;
	if (!access->has_entry) {
		explanation_step(steps, name, "none", "no line of %s matches", name);
		return;
	}
	bool counts = access->is_counted || access->action != ACCESS_OK;
	char why[EXPLANATION_WORDS_SIZE];
	json_t *step = explanation_step(
		steps, name, counts ? explanation_words_access(access->action) : "ok, but",
		"%s:%u: %s %s", access->file, access->line, access->pattern,
		access->action == ACCESS_OK      ? "OK"
		: access->action == ACCESS_DUNNO ? "DUNNO"
						 : access->answer);
	if (access == &explanation->sender_access && access->action == ACCESS_OK)
		explanation_detail(step, "%s", explanation_words_requirement(explanation, why));
	if (access->action == ACCESS_DUNNO)
		explanation_detail(step, "as if there were no line");
	json_object_set_new(step, "file", json_text(access->file));
	json_object_set_new(step, "line", json_integer(access->line));
	json_object_set_new(step, "pattern", json_text(access->pattern));
}

/* in_time: nobody gave up waiting. */
static void explain_host(json_t *step, const struct fcrdns_name_report *host, bool in_time)
{
	char list[EXPLANATION_LINE_SIZE], address[NETADDR_TEXT_SIZE];
	size_t length = 0;

	if (!host->is_answered) {
		explanation_detail(step, "%s: %s", host->name,
				   in_time ? "not waited for, as another name leads back"
					   : "no answer in time");
		return;
	}
	if (host->status != DNS_FOUND) {
		explanation_detail(step, "%s: no address: %s", host->name,
				   explanation_words_dns(host->status));
		return;
	}
	list[0] = '\0';
	for (size_t i = 0; i < host->address_count; i++) {
		netaddr_format(&host->addresses[i], address);
		length += (size_t)snprintf(list + length, sizeof(list) - length, " %s", address);
	}
	explanation_detail(step, "%s has%s%s: %s", host->name, list, host->has_more ? " ..." : "",
			   host->leads_back ? "leads back to the client"
					    : "does not lead back to the client");
}

/* What DNS says, as far as it was asked by us. */
static void explain_hosts(json_t *step, const struct explanation *explanation)
{
	const struct fcrdns_report *report = &explanation->report.iprev;
	bool in_time = explanation->evidence.iprev.result != IPREV_TEMPERROR ||
		       !explanation->report.is_over;

	if (!report->ptr_is_answered)
		explanation_detail(step, "PTR record: no answer in time");
	else if (report->ptr_status != DNS_FOUND)
		explanation_detail(step, "PTR record: %s",
				   explanation_words_dns(report->ptr_status));
	else if (report->name_count == 0)
		explanation_detail(step, "PTR record: no name that could be looked up");
	for (size_t i = 0; i < report->name_count; i++)
		explain_host(step, &report->names[i], in_time);
	if (report->has_more_names)
		explanation_detail(step, "there are more names; ten are looked at");
	if (!in_time)
		explanation_detail(step, "%s", explanation_too_late);
}

static void explain_iprev(json_t *steps, const struct explanation *explanation)
{
	const struct iprev_evidence *iprev = &explanation->evidence.iprev;
	bool is_asked = iprev->result != IPREV_NOT_ASKED;
	char words[EXPLANATION_WORDS_SIZE];
	json_t *step = explanation_step(steps, "iprev",
					is_asked ? iprev_result_word(iprev->result) : "not asked",
					"%s", explanation_words_iprev(explanation, words));

	if (iprev->name[0] != '\0')
		json_object_set_new(step, "name", json_text(iprev->name));
	if (explanation->report.iprev_asked)
		explain_hosts(step, explanation);
	else if (iprev->name[0] != '\0')
		explanation_detail(step, "%s", iprev->name);
}

/* What the result is worth. */
static void explain_spf_worth(json_t *step, const struct spf_evidence *spf)
{
	if (spf->result == SPF_PASS)
		explanation_detail(
			step, "%s",
			spf->is_narrow ? "narrow: the client is one of the domain's own hosts"
				       : "not narrow: the record lets nearly everybody pass, so "
					 "that this proves nothing");
	if (spf->is_doubtful)
		explanation_detail(step, "in doubt, as DNS could not tell all that the record asks "
					 "for: no evidence against the client for good");
}

static void explain_spf(json_t *steps, const struct explanation *explanation)
{
	const struct spf_evidence *spf = &explanation->evidence.spf;
	bool is_asked = spf->result != SPF_NOT_ASKED;
	char words[EXPLANATION_WORDS_SIZE];
	json_t *step = explanation_step(steps, "spf",
					is_asked ? spf_result_word(spf->result) : "not asked", "%s",
					explanation_words_spf(explanation, words));

	if (!is_asked)
		return;
	json_object_set_new(step, "domain", json_text(spf->domain));
	json_object_set_new(step, "identity", json_string(spf->is_helo ? "helo" : "mailfrom"));
	json_object_set_new(step, "term", json_text(explanation->report.spf_detail));
	json_object_set_new(step, "is_narrow", json_boolean(spf->is_narrow));
	json_object_set_new(step, "is_doubtful", json_boolean(spf->is_doubtful));
	if (explanation->report.spf_detail[0] != '\0')
		explanation_detail(step, "%s", explanation->report.spf_detail);
	if (explanation->report.is_over && spf->result == SPF_TEMPERROR)
		explanation_detail(step, "%s", explanation_too_late);
	explain_spf_worth(step, spf);
}

static void explain_gate(json_t *steps, const struct explanation *explanation)
{
	static const char *const profiles[] = {[GATE_GOOGLE] = "google",
					       [GATE_MICROSOFT] = "microsoft",
					       [GATE_OBSERVE] = "observe"};

	if (!explanation->gate_is_reached)
		return;
	switch (explanation->gate) {
	case EXPLAINED_OFF:
		explanation_step(steps, "gate", "off", "gate = off");
		return;
	case EXPLAINED_OTHER_FAMILY:
		explanation_step(steps, "gate", "off", "gate_families does not have %s",
				 explanation_words_family(&explanation->client));
		return;
	case EXPLAINED_JUDGED:
		break;
	}
	const char *profile = profiles[explanation->gate_profile];
	if (!explanation->has_judgement) {
		json_t *passed =
			explanation_step(steps, "gate", "pass",
					 "gate_profile = %s: no row of its table matches", profile);
		if (explanation->is_trusted_forwarder)
			explanation_detail(passed, "trusted_forwarders has the client: what SPF "
						   "says is not held against it");
		return;
	}
	const struct gate_judgement *judgement = &explanation->judgement;
	json_t *step = explanation_step(steps, "gate",
					!explanation->gate_is_enforced ? "dry"
					: judgement->is_permanent      ? "reject"
								       : "defer",
					"gate_profile = %s: %s: %s", profile, judgement->evidence,
					judgement->reply);
	explanation_detail(step, "%s", judgement->answer);
	if (!explanation->gate_is_enforced)
		explanation_detail(step, "gate = dry: told, and not done");
	json_object_set_new(step, "row", json_string(judgement->evidence));
}

static void explain_farm(json_t *steps, const struct explanation *explanation)
{
	const struct farm_match *match = &explanation->farm_match;
	char network[NETWORK_TEXT_SIZE];

	if (!explanation->farm_is_reached)
		return;
	if (!explanation->has_farm) {
		explanation_step(steps, "farm", "none", "the client belongs to none of the farms");
		return;
	}
	json_t *step = explanation_step(steps, "farm", explanation->farm.name, "%s:%u: \"%s\"%s",
					explanation->farm_file, explanation->farm.line,
					explanation->farm.name,
					explanation->farm.pass ? ", pass: never greylisted" : "");
	json_object_set_new(step, "farm", json_string(explanation->farm.name));
	json_object_set_new(step, "file", json_text(explanation->farm_file));
	json_object_set_new(step, "line", json_integer(explanation->farm.line));
	switch (match->way) {
	case FARM_BY_NAME:
		explanation_detail(step, "ptr:%s: the confirmed name %s", match->pattern,
				   explanation->evidence.iprev.name);
		return;
	case FARM_BY_NETWORK:
		network_format(&match->network, network);
		explanation_detail(step, "cidr:%s", network);
		return;
	case FARM_BY_SPF:
		network_format(&match->network, network);
		explanation_detail(step, "spf:%s: its record has %s", match->pattern, network);
	}
}

static const char *explanation_passes(int64_t count)
{
	return count == 1 ? "pass" : "passes";
}

static void explain_entry(json_t *step, json_t *told, const char *key,
			  const struct greylist_limits *limits, const struct greylist_entry *entry,
			  int64_t now_s)
{
	int64_t expires_s = greylist_entry_expires(limits, entry);
	char first[WORDS_SIZE], last[WORDS_SIZE], expires[WORDS_SIZE];
	const char *ends = now_s <= expires_s ? "expires" : "expired";

	words_age(first, entry->first_seen_s, now_s);
	words_age(last, entry->last_seen_s, now_s);
	words_age(expires, expires_s, now_s);
	if (entry->passes > 0)
		explanation_detail(step, "key %s: first seen %s, %lld %s, the last %s, %s %s", key,
				   first, (long long)entry->passes,
				   explanation_passes(entry->passes), last, ends, expires);
	else
		explanation_detail(step, "key %s: first seen %s, waits, %s %s", key, first, ends,
				   expires);
	json_object_set_new(told, "first_seen", json_integer(entry->first_seen_s));
	json_object_set_new(told, "last_seen", json_integer(entry->last_seen_s));
	json_object_set_new(told, "passes", json_integer(entry->passes));
	json_object_set_new(told, "expires", json_integer(expires_s));
}

/* What becomes known under an identity, and how far it has come. */
static void explain_client(json_t *step, json_t *told, const struct identity *identity,
			   const struct greylist_limits *limits,
			   const struct greylist_finding *finding, int64_t now_s)
{
	const struct greylist_client *client = &finding->client;
	char seen[WORDS_SIZE];

	if (limits->known_after == 0)
		return;
	if (identity->client[0] == '\0') {
		explanation_detail(step, "client %s: does not become known, as it is a farm's",
				   identity->key);
		return;
	}
	json_object_set_new(told, "client", json_text(identity->client));
	json_object_set_new(told, "client_passes",
			    json_integer(finding->has_client ? client->passes : 0));
	if (!finding->has_client) {
		explanation_detail(step, "client %s: 0 passes of greylist_known_after = %lld",
				   identity->client, (long long)limits->known_after);
		return;
	}
	json_object_set_new(told, "client_last_seen", json_integer(client->last_seen_s));
	json_object_set_new(told, "client_expires",
			    json_integer(greylist_client_expires(limits, client)));
	if (client->passes >= GREYLIST_ALLOWED_PASSES) {
		explanation_detail(step, "client %s: an admin has allowed it, last seen %s",
				   identity->client, words_age(seen, client->last_seen_s, now_s));
		return;
	}
	explanation_detail(step, "client %s: %lld %s of greylist_known_after = %lld, %s%s",
			   identity->client, (long long)client->passes,
			   explanation_passes(client->passes), (long long)limits->known_after,
			   now_s <= greylist_client_expires(limits, client) ? "last seen "
									    : "expired: last seen ",
			   words_age(seen, client->last_seen_s, now_s));
}

/* The triplet under each identity. */
static void explain_identities(json_t *step, const struct explanation *explanation, int64_t now_s)
{
	const struct store_question *question = &explanation->question;
	json_t *entries = json_array();

	for (size_t i = 0; i < question->who.count; i++) {
		const struct identity *identity = &question->who.list[i];
		const struct greylist_finding *finding = &explanation->answer.findings[i];
		json_t *told = json_pack("{s:o}", "key", json_text(identity->key));
		if (finding->has_entry)
			explain_entry(step, told, identity->key, &question->limits, &finding->entry,
				      now_s);
		else
			explanation_detail(step, "key %s: never seen", identity->key);
		explain_client(step, told, identity, &question->limits, finding, now_s);
		json_array_append_new(entries, told);
	}
	json_object_set_new(step, "entries", entries);
	json_object_set_new(step, "known_after", json_integer(question->limits.known_after));
	if (question->limits.known_after == 0)
		explanation_detail(step, "greylist_known_after = 0: no client becomes known");
}

static void explain_greylist(json_t *steps, const struct explanation *explanation,
			     const struct verdict *verdict, int64_t now_s)
{
	const struct greylist_decision *decision = &explanation->answer.decision;
	const struct store_question *question = &explanation->question;
	char wait[WORDS_SIZE];

	if (!explanation->store_is_asked) {
		if (verdict->reason == REASON_GREYLIST_OFF)
			explanation_step(steps, "greylist", "off", "greylist = off");
		else if (verdict->reason == REASON_FARMS)
			explanation_step(steps, "greylist", "off",
					 "the farm has \"pass\": it is never greylisted");
		return;
	}
	if (!explanation->store_is_answered) {
		explanation_step(steps, "greylist", "failed",
				 "the store %s: on_store_failure decides",
				 verdict->reason == REASON_CHECK_DEADLINE
					 ? "did not answer within check_deadline"
					 : "could not answer");
		return;
	}
	words_span(wait, decision->wait_s);
	json_t *step = explanation_step(
		steps, "greylist", explanation_words_outcome(decision->outcome),
		"sender %s, recipient %s%s%s%s", question->sender, question->recipient,
		decision->wait_s > 0 ? ": has to wait " : "", decision->wait_s > 0 ? wait : "",
		verdict->is_dry ? " (greylist = dry: told, and not done)" : "");
	json_object_set_new(step, "sender", json_text(question->sender));
	json_object_set_new(step, "recipient", json_text(question->recipient));
	json_object_set_new(step, "wait_s", json_integer(decision->wait_s));
	explain_identities(step, explanation, now_s);
	if (verdict->reason == REASON_NEW_NOT_STORED)
		explanation_detail(step,
				   "max_new_per_client = %lld: its network has reached it, so that "
				   "it waits, and is not stored",
				   (long long)explanation->max_new_per_client);
}

static json_t *explain_verdict(json_t *steps, const struct explanation *explanation,
			       const struct verdict *verdict)
{
	char reason[VERDICT_REASON_SIZE];

	verdict_reason_words(verdict, reason);
	json_t *step =
		explanation_step(steps, "verdict", verdict_action_word(verdict), "%s", reason);
	explanation_detail(step, "action=%s", verdict->answer);
	return json_pack("{s:s, s:o, s:b, s:o, s:o}", "action", verdict_action_word(verdict),
			 "reason", json_text(reason), "dry", verdict->is_dry, "answer",
			 json_text(verdict->answer), "log", json_text(explanation->log));
}

json_t *explanation_json(const struct explanation *explanation, const struct verdict *verdict,
			 int64_t now_s)
{
	json_t *steps = json_array();

	explain_request(steps, explanation);
	if (explanation->exempt_is_reached)
		explain_exempt(steps, explanation, verdict);
	explain_access(steps, "recipient_access", explanation, &explanation->recipient_access);
	explain_access(steps, "sender_access", explanation, &explanation->sender_access);
	/* What DNS says is told before what was made of it, whoever asked first. */
	if (explanation->sender_access.is_reached) {
		explain_iprev(steps, explanation);
		explain_spf(steps, explanation);
	}
	explain_gate(steps, explanation);
	explain_farm(steps, explanation);
	explain_greylist(steps, explanation, verdict, now_s);
	json_t *told = explain_verdict(steps, explanation, verdict);
	return json_pack("{s:o, s:o}", "steps", steps, "verdict", told);
}
