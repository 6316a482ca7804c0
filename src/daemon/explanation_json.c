/* SPDX-License-Identifier: BSD-2-Clause */
#include "explanation_json.h"

#include "base/memory.h"
#include "base/printable.h"
#include "base/words.h"
#include "explanation_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLANATION_LINE_SIZE = 2048 };

static json_t *explanation_text(const char *text)
{
	char clean[4 * EXPLANATION_LINE_SIZE];

	printable_line(clean, sizeof(clean), span_of(text));
	return json_string(clean);
}

static json_t *explanation_vtext(const char *format, va_list arguments)
{
	char line[EXPLANATION_LINE_SIZE];

	vsnprintf(line, sizeof(line), format, arguments);
	return explanation_text(line);
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
	json_t *step = explanation_step(
		steps, name, counts ? explanation_words_access(access->action) : "ok, but",
		"%s:%u: %s %s", access->file, access->line, access->pattern,
		access->action == ACCESS_OK      ? "OK"
		: access->action == ACCESS_DUNNO ? "DUNNO"
						 : access->answer);
	if (access == &explanation->sender_access && access->action == ACCESS_OK)
		explanation_detail(step, "%s", explanation_words_requirement(explanation));
	if (access->action == ACCESS_DUNNO)
		explanation_detail(step, "as if there were no line");
	json_object_set_new(step, "file", explanation_text(access->file));
	json_object_set_new(step, "line", json_integer(access->line));
	json_object_set_new(step, "pattern", explanation_text(access->pattern));
}

static void explain_host(json_t *step, const struct fcrdns_name_report *host)
{
	char list[EXPLANATION_LINE_SIZE], address[NETADDR_TEXT_SIZE];
	size_t length = 0;

	if (!host->is_answered) {
		explanation_detail(step, "%s: not waited for", host->name);
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

static void explain_iprev(json_t *steps, const struct explanation *explanation)
{
	const struct iprev_evidence *iprev = &explanation->evidence.iprev;
	const struct fcrdns_report *report = &explanation->report.iprev;
	bool was_asked = explanation->report.iprev_asked;
	json_t *step = explanation_step(
		steps, "iprev",
		iprev->result == IPREV_NOT_ASKED ? "not asked" : iprev_result_word(iprev->result),
		"%s", explanation_words_iprev(iprev, was_asked));

	if (iprev->name[0] != '\0')
		json_object_set_new(step, "name", explanation_text(iprev->name));
	if (!was_asked) {
		if (iprev->name[0] != '\0')
			explanation_detail(step, "%s", iprev->name);
		return;
	}
	if (report->name_count == 0)
		explanation_detail(step, "PTR record: %s",
				   explanation_words_dns(report->ptr_status));
	for (size_t i = 0; i < report->name_count; i++)
		explain_host(step, &report->names[i]);
	if (report->has_more_names)
		explanation_detail(step, "there are more names; ten are looked at");
}

static void explain_spf(json_t *steps, const struct explanation *explanation)
{
	const struct spf_evidence *spf = &explanation->evidence.spf;

	if (spf->result == SPF_NOT_ASKED) {
		explanation_step(steps, "spf", "not asked",
				 "not asked: it was decided before, and without it");
		return;
	}
	json_t *step = explanation_step(steps, "spf", spf_result_word(spf->result),
					"of the %s domain %s", spf->is_helo ? "HELO" : "MAIL FROM",
					spf->domain[0] != '\0' ? spf->domain : "(none)");
	json_object_set_new(step, "domain", explanation_text(spf->domain));
	json_object_set_new(step, "identity", json_string(spf->is_helo ? "helo" : "mailfrom"));
	json_object_set_new(step, "term", explanation_text(explanation->report.spf_detail));
	if (explanation->report.spf_detail[0] != '\0')
		explanation_detail(step, "%s", explanation->report.spf_detail);
	if (explanation->report.is_over)
		explanation_detail(step, "DNS did not answer within three quarters of "
					 "check_deadline");
	if (spf->result == SPF_PASS)
		explanation_detail(step, "%s",
				   spf->is_narrow
					   ? "the client is one of the domain's own hosts"
					   : "the record lets nearly everybody pass, so that this "
					     "proves nothing");
	if (spf->is_doubtful)
		explanation_detail(step, "in doubt, as DNS could not tell all that the record asks "
					 "for: no evidence against the client for good");
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
		explanation_step(steps, "gate", "off",
				 "gate_families does not have the client's family");
		return;
	case EXPLAINED_JUDGED:
		break;
	}
	const char *profile = profiles[explanation->gate_profile];
	if (!explanation->has_judgement) {
		explanation_step(steps, "gate", "pass",
				 "gate_profile = %s: no row of its table matches", profile);
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
	json_t *step = explanation_step(steps, "farm", explanation->farm.name,
					"line %u of farms: \"%s\"%s", explanation->farm.line,
					explanation->farm.name,
					explanation->farm.pass ? ", pass: never greylisted" : "");
	json_object_set_new(step, "farm", json_string(explanation->farm.name));
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

static json_t *explain_entry(json_t *step, const struct explanation *explanation, size_t i,
			     int64_t now_s)
{
	const struct greylist_finding *finding = &explanation->answer.findings[i];
	const struct identity *identity = &explanation->question.who.list[i];
	const struct greylist_limits *limits = &explanation->question.limits;
	char first[WORDS_SIZE], last[WORDS_SIZE], expires[WORDS_SIZE];
	json_t *told = json_pack("{s:o}", "key", explanation_text(identity->key));

	if (finding->has_entry) {
		const struct greylist_entry *entry = &finding->entry;
		int64_t expires_s = greylist_entry_expires(limits, entry);
		words_age(first, entry->first_seen_s, now_s);
		words_age(last, entry->last_seen_s, now_s);
		words_age(expires, expires_s, now_s);
		if (entry->passes > 0)
			explanation_detail(step,
					   "key %s: first seen %s, last passed %s, expires %s",
					   identity->key, first, last, expires);
		else
			explanation_detail(step, "key %s: first seen %s, waits, expires %s",
					   identity->key, first, expires);
		json_object_update_new(told, json_pack("{s:I, s:I, s:I, s:I}", "first_seen",
						       (json_int_t)entry->first_seen_s, "last_seen",
						       (json_int_t)entry->last_seen_s, "passes",
						       (json_int_t)entry->passes, "expires",
						       (json_int_t)expires_s));
	} else {
		explanation_detail(step, "key %s: never seen", identity->key);
	}
	if (identity->client[0] != '\0')
		explanation_detail(step, "client %s: %lld passes of the %lld that make it known",
				   identity->client,
				   finding->has_client ? (long long)finding->client.passes : 0,
				   (long long)limits->known_after);
	return told;
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
				 "the store did not answer: on_store_failure decides");
		return;
	}
	words_span(wait, decision->wait_s);
	json_t *step = explanation_step(
		steps, "greylist", explanation_words_outcome(decision->outcome),
		"sender %s, recipient %s%s%s%s", question->sender, question->recipient,
		decision->wait_s > 0 ? ": has to wait " : "", decision->wait_s > 0 ? wait : "",
		verdict->is_dry ? " (greylist = dry: told, and not done)" : "");
	json_t *list = json_array();
	for (size_t i = 0; i < question->who.count; i++)
		json_array_append_new(list, explain_entry(step, explanation, i, now_s));
	json_object_set_new(step, "entries", list);
	if (!question->store_new && decision->outcome == GREYLIST_NEW)
		explanation_detail(step, "max_new_per_client is reached by its network: it waits, "
					 "and is not stored");
}

static json_t *explain_verdict(json_t *steps, const struct explanation *explanation,
			       const struct verdict *verdict)
{
	char reason[VERDICT_REASON_SIZE];

	verdict_reason_words(verdict, reason);
	json_t *step =
		explanation_step(steps, "verdict", verdict_action_word(verdict), "%s", reason);
	explanation_detail(step, "action=%s", verdict->answer);
	return json_pack("{s:s, s:o, s:o, s:o}", "action", verdict_action_word(verdict), "reason",
			 explanation_text(reason), "answer", explanation_text(verdict->answer),
			 "log", explanation_text(explanation->log));
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
