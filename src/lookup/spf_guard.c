/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_guard.h"

#include "base/memory.h"
#include "base/printable.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void spf_guard_begin(struct spf_guard *guard)
{
	assert(guard->limits.max_lookups <= SPF_LOOKUPS_MAX);
	guard->is_finished = false;
	guard->lookup.is_waiting = guard->lookup.is_doubtful = false;
	guard->lookup.client = guard->values.client;
	guard->last_node = 0;
	guard->terms = guard->voids = 0;
	guard->is_personal = false;
	guard->detail[0] = '\0';
	spf_frames_reset(&guard->frames);
}

void spf_guard_clear(struct spf_guard *guard)
{
	spf_frames_clear(&guard->frames);
}

static bool spf_guard_is_over(const struct spf_guard *guard)
{
	return guard->is_finished || guard->lookup.is_waiting;
}

static const struct spf_node *spf_guard_node(const struct spf_guard *guard, size_t number)
{
	return &guard->frames.nodes[number];
}

/* The domain whose record the node's term is in. */
static const char *spf_guard_domain(const struct spf_guard *guard, size_t number)
{
	return guard->frames.frames[spf_guard_node(guard, number)->frame].domain;
}

/* End the run: what is wrong, in whose record, and with which term (empty: with all of it). */
static void spf_guard_finish(struct spf_guard *guard, enum spf_result result, const char *what,
			     const char *domain, struct span term)
{
	char text[128], name[DNS_NAME_SIZE];

	printable_line(text, sizeof(text), term);
	printable_line(name, sizeof(name), span_of(domain));
	snprintf(guard->detail, sizeof(guard->detail), "%s: %s%s%s", name, what,
		 text[0] != '\0' ? ": " : "", text);
	guard->result = result;
	guard->is_finished = true;
}

/* The same about the term of a node. */
static void spf_guard_fail(struct spf_guard *guard, enum spf_result result, size_t number,
			   const char *what)
{
	char text[128];

	size_t length = spf_frames_write_term(&guard->frames, number, text, sizeof(text));
	spf_guard_finish(guard, result, what, spf_guard_domain(guard, number),
			 (struct span){text, length});
}

/* The name that a term is about: empty when it is none that can be asked about. */
static void spf_guard_expand(struct spf_guard *guard, size_t number,
			     char name[static DNS_NAME_SIZE])
{
	const struct spf_node *node = spf_guard_node(guard, number);
	const char *domain = spf_guard_domain(guard, number);

	guard->values.domain = span_of(domain);
	/* A domain is no domain-spec: a sender may have a "%" in his. */
	if (node->name.length == 0)
		memcpy(name, domain, DNS_NAME_SIZE);
	else
		spf_macro_expand(node->name, &guard->values, name);
	if (node->has_macros &&
	    (spf_macro_uses(node->name, 's') || spf_macro_uses(node->name, 'l') ||
	     spf_macro_uses(node->name, 'h')))
		guard->is_personal = true;
}

/* Ask ahead what a term will ask. */
static void spf_guard_ask_ahead(struct spf_guard *guard, size_t number)
{
	const struct spf_node *node = spf_guard_node(guard, number);
	struct spf_lookup *lookup = &guard->lookup;
	char name[DNS_NAME_SIZE];

	if (node->has_macros)
		return;
	spf_guard_expand(guard, number, name);
	switch (node->kind) {
	case SPF_NODE_RECORD:
		spf_lookup_ask_ahead(lookup, DNS_TXT, span_of(name));
		break;
	case SPF_NODE_ADDRESS:
		spf_lookup_ask_ahead(lookup, spf_lookup_address_type(lookup), span_of(name));
		break;
	case SPF_NODE_EXISTS:
		spf_lookup_ask_ahead(lookup, DNS_A, span_of(name));
		break;
	case SPF_NODE_MX:
		spf_lookup_ask_names_ahead(
			lookup, spf_lookup_ask_ahead(lookup, DNS_MX, span_of(name)), SPAN(""));
		break;
	case SPF_NODE_PTR:
		spf_lookup_ask_names_ahead(lookup, spf_lookup_client_ahead(lookup), span_of(name));
		break;
	case SPF_NODE_HOST:
	case SPF_NODE_MATCH:
		break;
	}
}

/*
 * Count the term, and find the name it is about: empty when that is none that can be asked about.
 * False: the run is over.
 */
static bool spf_guard_begin_term(struct spf_guard *guard, size_t number,
				 char name[static DNS_NAME_SIZE])
{
	const struct spf_node *node = spf_guard_node(guard, number);

	if (++guard->terms > guard->limits.max_lookups) {
		spf_guard_fail(guard, SPF_PERMERROR, number,
			       "one term more that asks DNS than allowed");
		return false;
	}
	if (node->has_macros && spf_macro_uses(node->name, 'p') &&
	    !spf_lookup_validated(&guard->lookup, span_of(spf_guard_domain(guard, number)),
				  &guard->values.validated))
		return false;
	spf_guard_expand(guard, number, name);
	return true;
}

/* The answer to a term's own question.  NULL: the run is over; else it is not DNS_FAILED. */
static const struct dns_answer *spf_guard_ask_term(struct spf_guard *guard, size_t number,
						   enum dns_type type, const char *name)
{
	const struct dns_answer *answer = spf_lookup_ask(&guard->lookup, type, name);

	if (answer == NULL)
		return NULL;
	if (dns_answer_status(answer) == DNS_FAILED) {
		spf_guard_fail(guard, SPF_TEMPERROR, number, "DNS could not tell now");
		return NULL;
	}
	return answer;
}

/* See struct spf_limits; answer: to a question of type. */
static bool spf_guard_is_void(enum dns_type type, const struct dns_answer *answer)
{
	return dns_answer_count(answer) == 0 &&
	       (type != DNS_AAAA || dns_answer_status(answer) != DNS_NO_DATA);
}

/* RFC 7208 4.6.4.  False: the run is over. */
static bool spf_guard_count_void(struct spf_guard *guard, size_t number, enum dns_type type,
				 const struct dns_answer *answer)
{
	if (!spf_guard_is_void(type, answer) || ++guard->voids <= guard->limits.max_void_lookups)
		return true;
	spf_guard_fail(guard, SPF_PERMERROR, number,
		       "one term more that finds nothing in DNS than allowed");
	return false;
}

/* libspf2 takes no /0; as any address matches then, it gets the client's own. */
static void spf_guard_reply_addresses(const struct spf_guard *guard, const struct spf_node *node,
				      const struct dns_answer *answer,
				      struct spf_library_reply *reply)
{
	const struct netaddr *client = &guard->values.client;
	uint8_t prefix = client->bits == 32 ? node->term->prefix_v4 : node->term->prefix_v6;

	if (prefix == 0) {
		reply->has_client = dns_answer_count(answer) > 0;
	} else {
		reply->addresses = answer;
		reply->network = network_of(client, prefix);
	}
}

static void spf_guard_answer_mx(struct spf_guard *guard, size_t number, const char *name,
				struct spf_library_reply *reply)
{
	const struct dns_answer *answer = spf_guard_ask_term(guard, number, DNS_MX, name);

	if (answer == NULL || !spf_guard_count_void(guard, number, DNS_MX, answer))
		return;
	if (dns_answer_count(answer) > SPF_HOSTS_MAX) {
		spf_guard_fail(guard, SPF_PERMERROR, number, "more than ten MX records");
		return;
	}
	struct spf_node host = *spf_guard_node(guard, number);
	host.kind = SPF_NODE_HOST;
	host.has_macros = false;
	reply->first_number = (unsigned)guard->frames.node_count;
	reply->host_count = dns_answer_count(answer);
	for (size_t i = 0; i < reply->host_count; i++) {
		host.name = dns_answer_text(answer, i);
		spf_frames_add_node(&guard->frames, &host);
	}
	/* Not only ahead: their turn comes now, whatever was asked ahead so far. */
	for (size_t i = 0; i < reply->host_count; i++)
		dns_table_ask(guard->lookup.table, spf_lookup_address_type(&guard->lookup),
			      dns_answer_text(answer, i));
}

/* A host of an MX term: not a term of its own. */
static void spf_guard_answer_host(struct spf_guard *guard, size_t number,
				  struct spf_library_reply *reply)
{
	const struct spf_node *node = spf_guard_node(guard, number);
	char name[DNS_NAME_SIZE];

	/* The empty name of a null MX (RFC 7505) has no address. */
	memcpy(name, node->name.text, node->name.length);
	name[node->name.length] = '\0';
	const struct dns_answer *answer =
		spf_guard_ask_term(guard, number, spf_lookup_address_type(&guard->lookup), name);
	if (answer != NULL)
		spf_guard_reply_addresses(guard, node, answer, reply);
}

/* An error of DNS is no error here, but a term that does not match (RFC 7208 5.5). */
static void spf_guard_answer_ptr(struct spf_guard *guard, size_t number, const char *domain,
				 struct spf_library_reply *reply)
{
	const struct dns_answer *names = spf_lookup_client(&guard->lookup);

	if (names == NULL || (dns_answer_status(names) != DNS_FAILED &&
			      !spf_guard_count_void(guard, number, DNS_PTR, names)))
		return;
	if (domain[0] != '\0')
		reply->has_client = spf_lookup_is_within(&guard->lookup, names, span_of(domain));
}

static void spf_guard_free_record(void *made)
{
	struct spf_record *record = made;

	spf_record_clear(record);
	free(record);
}

/* The record in answer, parsed now, or in an earlier run: a long one costs more than all the rest
 * of a run. */
static enum spf_record_status spf_guard_parse(struct spf_guard *guard,
					      const struct dns_answer *answer,
					      const struct spf_record **record,
					      struct span *problem)
{
	void **made = dns_table_made(guard->lookup.table, answer, spf_guard_free_record);

	if (*made == NULL) {
		struct spf_record *parsed = mem_alloc(sizeof(*parsed));
		enum spf_record_status status = spf_record_parse(parsed, answer, problem);
		if (status != SPF_RECORD_FOUND) {
			spf_guard_free_record(parsed);
			return status;
		}
		/* One term beyond the limit is kept: it ends the run if its turn comes. */
		spf_record_reduce(parsed, &guard->values.client, guard->limits.max_lookups + 1);
		*made = parsed;
	}
	*record = *made;
	return SPF_RECORD_FOUND;
}

/* A record for libspf2 of those in answer, or the end of the run. */
static void spf_guard_answer_found(struct spf_guard *guard, size_t number, const char *domain,
				   const struct dns_answer *answer, struct spf_library_reply *reply)
{
	const struct spf_record *record = NULL;
	struct span problem;

	switch (spf_guard_parse(guard, answer, &record, &problem)) {
	case SPF_RECORD_FOUND:
		break;
	case SPF_RECORD_NONE:
		return;
	case SPF_RECORD_SEVERAL:
		spf_guard_finish(guard, SPF_PERMERROR, "more than one SPF record", domain, problem);
		return;
	case SPF_RECORD_LONG:
		spf_guard_finish(guard, SPF_PERMERROR, "an SPF record of more than 16 KB", domain,
				 problem);
		return;
	case SPF_RECORD_LONG_TERM:
		spf_guard_finish(guard, SPF_PERMERROR, "a term of more than 512 bytes", domain,
				 problem);
		return;
	case SPF_RECORD_INVALID:
		spf_guard_finish(guard, SPF_PERMERROR, "syntax error", domain, problem);
		return;
	}
	const struct spf_frame *frame =
		spf_frames_add(&guard->frames, number, domain, record, &guard->values.client,
			       guard->limits.max_lookups - guard->terms + 1);
	size_t end = frame->end_node;
	for (size_t i = frame->first_node; i < end; i++)
		spf_guard_ask_ahead(guard, i);
	reply->record = guard->frames.text;
}

/* The domain that is checked, an include or a redirect. */
static void spf_guard_answer_record(struct spf_guard *guard, size_t number,
				    struct spf_library_reply *reply)
{
	char name[DNS_NAME_SIZE];

	if (number == 0) {
		memcpy(name, guard->values.domain.text, guard->values.domain.length);
		name[guard->values.domain.length] = '\0';
	} else if (!spf_guard_begin_term(guard, number, name)) {
		return;
	}
	const struct dns_answer *answer = spf_lookup_ask(&guard->lookup, DNS_TXT, name);
	if (answer == NULL)
		return;
	if (dns_answer_status(answer) == DNS_FAILED) {
		spf_guard_finish(guard, SPF_TEMPERROR, "DNS could not tell now", name, SPAN(""));
		return;
	}
	if (dns_answer_count(answer) > 0)
		spf_guard_answer_found(guard, number, name, answer, reply);
	if (reply->record != NULL || spf_guard_is_over(guard))
		return;
	/* RFC 7208 5.2 and 6.1: to lead to no record is an error. */
	if (number == 0)
		spf_guard_finish(guard, SPF_NONE, "no SPF record", name, SPAN(""));
	else
		spf_guard_fail(guard, SPF_PERMERROR, number, "no SPF record behind this term");
}

static void spf_guard_answer_term(struct spf_guard *guard, size_t number,
				  struct spf_library_reply *reply)
{
	enum spf_node_kind kind = spf_guard_node(guard, number)->kind;
	const struct dns_answer *answer;
	char name[DNS_NAME_SIZE];

	if (!spf_guard_begin_term(guard, number, name))
		return;
	if (kind == SPF_NODE_MX) {
		spf_guard_answer_mx(guard, number, name, reply);
	} else if (kind == SPF_NODE_PTR) {
		spf_guard_answer_ptr(guard, number, name, reply);
	} else {
		bool is_exists = kind == SPF_NODE_EXISTS;
		enum dns_type type = is_exists ? DNS_A : spf_lookup_address_type(&guard->lookup);
		answer = spf_guard_ask_term(guard, number, type, name);
		if (answer == NULL || !spf_guard_count_void(guard, number, type, answer))
			return;
		if (is_exists)
			reply->has_client = dns_answer_count(answer) > 0;
		else
			spf_guard_reply_addresses(guard, spf_guard_node(guard, number), answer,
						  reply);
	}
}

void spf_guard_answer(unsigned number, enum dns_type type, struct spf_library_reply *reply,
		      void *arg)
{
	struct spf_guard *guard = arg;

	(void)type; /* it follows from the kind of the node */
	assert(number < guard->frames.node_count);
	if (!spf_guard_is_over(guard)) {
		guard->last_node = number;
		switch (spf_guard_node(guard, number)->kind) {
		case SPF_NODE_RECORD:
			spf_guard_answer_record(guard, number, reply);
			break;
		case SPF_NODE_HOST:
			spf_guard_answer_host(guard, number, reply);
			break;
		case SPF_NODE_MATCH:
			reply->has_client = true;
			break;
		case SPF_NODE_ADDRESS:
		case SPF_NODE_MX:
		case SPF_NODE_EXISTS:
		case SPF_NODE_PTR:
			spf_guard_answer_term(guard, number, reply);
			break;
		}
	}
	reply->is_failed = spf_guard_is_over(guard);
}
