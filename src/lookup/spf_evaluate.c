/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_evaluate.h"

#include "base/memory.h"
#include "base/printable.h"
#include "idn.h"
#include "rules/sender.h"
#include "spf_guard.h"
#include "spf_library.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)EVIDENCE_NAME_SIZE == (int)DNS_NAME_SIZE, "evidence has room for a name");
_Static_assert((int)SPF_LOOKUPS_MAX <= (int)SPF_LIBRARY_DEPTH_MAX,
	       "each include and redirect is a term");
_Static_assert((int)SPF_LOOKUPS_MAX + 1 <= (int)SPF_LIBRARY_TERMS_MAX,
	       "a frame has one term more than may be evaluated");

struct spf_evaluator {
	struct spf_library *library; /* owned */
	struct spf_guard guard;
	/* What the macros of the run that is on stand for. */
	char *sender; /* owned; local part, "@" and domain, without a NUL */
	size_t sender_size;
	char helo[DNS_NAME_SIZE];
};

struct spf_evaluator *spf_evaluator_new(void)
{
	struct spf_evaluator *evaluator = mem_alloc(sizeof(*evaluator));

	evaluator->library = spf_library_new();
	return evaluator;
}

void spf_evaluator_free(struct spf_evaluator **evaluator)
{
	if (*evaluator == NULL)
		return;
	spf_guard_clear(&(*evaluator)->guard);
	spf_library_free(&(*evaluator)->library);
	free((*evaluator)->sender);
	free(*evaluator);
	*evaluator = NULL;
}

/* RFC 7208 4.3: a name of several labels, and no address. */
static bool spf_evaluate_is_domain(struct span name)
{
	struct netaddr addr;

	return span_find(name, '.') < name.length && name.text[0] != '[' &&
	       !netaddr_parse(name, &addr);
}

/* The domain as it was written: of MAIL FROM, or for the null sender HELO (RFC 7208 2.4). */
static struct span spf_evaluate_written_domain(const struct spf_question *question)
{
	return question->sender.length == 0 ? question->helo : address_domain(question->sender);
}

void spf_question_identity(const struct spf_question *question, struct spf_evidence *evidence)
{
	evidence->is_helo = question->sender.length == 0;
	idn_fold(spf_evaluate_written_domain(question), evidence->domain);
}

/* Keep "local_part@domain" for the run. */
static struct span spf_evaluate_keep_sender(struct spf_evaluator *evaluator, struct span local_part,
					    struct span domain)
{
	size_t length = local_part.length + 1 + domain.length;

	if (length > evaluator->sender_size) {
		evaluator->sender = mem_resize(evaluator->sender, length);
		evaluator->sender_size = length;
	}
	memcpy(evaluator->sender, local_part.text, local_part.length);
	evaluator->sender[local_part.length] = '@';
	memcpy(evaluator->sender + local_part.length + 1, domain.text, domain.length);
	return (struct span){evaluator->sender, length};
}

/*
 * What the macros stand for (RFC 7208 2.4, 4.3); domain: the one that is checked.  In macros too a
 * domain has no dot at its end, and A-labels (RFC 8616 4); but a HELO that is no name, whatever it
 * is.
 */
static void spf_evaluate_identify(struct spf_evaluator *evaluator,
				  const struct spf_question *question, struct span domain)
{
	struct span local_part = address_local_part(question->sender);

	if (local_part.length == 0)
		local_part = SPAN("postmaster");
	struct span sender = spf_evaluate_keep_sender(evaluator, local_part, domain);
	bool is_name = idn_fold(question->helo, evaluator->helo);
	evaluator->guard.values = (struct spf_macro_values){
		.client = question->client,
		.sender = sender,
		.local_part = span_first(sender, local_part.length),
		.sender_domain = domain,
		.domain = domain,
		.helo = is_name ? span_of(evaluator->helo) : question->helo,
	};
}

/* Whether an exists that asks for spec tells clients apart, by more than their first digits. */
static bool spf_evaluate_names_client(struct span spec, const struct netaddr *client)
{
	unsigned first_parts = client->bits == 32 ? 1 : 4; /* /8, and IPv6 /16 */
	struct spf_macro_piece piece;

	while (spec.length > 0) {
		if (!spf_macro_next(&spec, &piece))
			return false;
		if (piece.letter == 'i' && (piece.keep == 0 || piece.keep > first_parts))
			return true;
		if (piece.letter == 'p' && piece.keep != 1)
			return true;
	}
	return false;
}

/* See struct spf_evidence; term: the one that decided. */
static bool spf_evaluate_is_narrow(const struct spf_term *term, const struct netaddr *client)
{
	bool is_v4 = client->bits == 32;
	unsigned wide = is_v4 ? 8 : 16;

	switch (term->mechanism) {
	case SPF_MECHANISM_IP4:
	case SPF_MECHANISM_IP6:
		return term->network.prefix > wide;
	case SPF_MECHANISM_A:
	case SPF_MECHANISM_MX:
		return (is_v4 ? term->prefix_v4 : term->prefix_v6) > wide;
	case SPF_MECHANISM_PTR:
		return true;
	case SPF_MECHANISM_EXISTS:
		return spf_evaluate_names_client(term->domain, client);
	case SPF_MECHANISM_ALL:
	case SPF_MECHANISM_INCLUDE:
	case SPF_MECHANISM_COUNT:
		break;
	}
	return false;
}

/* The term that decided, behind those that led to its record. */
static void spf_evaluate_tell_term(const struct spf_frames *frames, size_t node,
				   char detail[static SPF_DETAIL_SIZE])
{
	size_t chain[SPF_LOOKUPS_MAX + 2], count = 0, used = 0;

	for (; node != 0; node = frames->frames[frames->nodes[node].frame].node)
		chain[count++] = node;
	while (count-- > 0 && used + 2 < SPF_DETAIL_SIZE) {
		size_t room = SPF_DETAIL_SIZE - used;
		used += spf_frames_write_term(frames, chain[count], detail + used,
					      count > 0 && room > 100 ? 100 : room);
		if (count > 0 && used + 2 < SPF_DETAIL_SIZE)
			detail[used++] = ' ';
	}
	detail[used] = '\0';
}

/* What the run that ended found; result: libspf2's, which counts if the guard has none. */
static void spf_evaluate_conclude(const struct spf_guard *guard, enum spf_result result,
				  bool is_default, struct spf_outcome *outcome)
{
	const struct spf_node *last = &guard->frames.nodes[guard->last_node];

	if (guard->is_finished) {
		outcome->evidence.result = guard->result;
		snprintf(outcome->detail, sizeof(outcome->detail), "%s", guard->detail);
		return;
	}
	outcome->evidence.result = result;
	outcome->evidence.is_doubtful =
		guard->lookup.is_doubtful && (result == SPF_FAIL || result == SPF_SOFTFAIL);
	if (is_default) {
		snprintf(outcome->detail, sizeof(outcome->detail), "no term of the record matches");
		return;
	}
	spf_evaluate_tell_term(&guard->frames, guard->last_node, outcome->detail);
	outcome->evidence.is_narrow = result == SPF_PASS && last->term != NULL &&
				      spf_evaluate_is_narrow(last->term, &guard->values.client);
}

bool spf_evaluate(struct spf_evaluator *evaluator, const struct spf_question *question,
		  struct dns_table *table, size_t *waits_for, struct spf_outcome *outcome)
{
	struct spf_guard *guard = &evaluator->guard;
	bool is_default;

	*outcome = (struct spf_outcome){.evidence = {.result = SPF_NONE}};
	spf_question_identity(question, &outcome->evidence);
	struct span domain = span_of(outcome->evidence.domain);
	if (!spf_evaluate_is_domain(domain)) {
		snprintf(outcome->detail, sizeof(outcome->detail), "no domain to check");
		return true;
	}
	spf_evaluate_identify(evaluator, question, domain);
	guard->lookup.table = table;
	guard->limits = question->limits;
	if (guard->limits.max_lookups > SPF_LOOKUPS_MAX)
		guard->limits.max_lookups = SPF_LOOKUPS_MAX;
	spf_guard_begin(guard);
	enum spf_result result = spf_library_run(evaluator->library, &question->client,
						 spf_guard_answer, guard, &is_default);
	if (guard->lookup.is_waiting) {
		*waits_for = guard->lookup.waits_for;
		return false;
	}
	spf_evaluate_conclude(guard, result, is_default, outcome);
	outcome->good_until_ms = dns_table_good_until_ms(table);
	outcome->is_personal = guard->is_personal;
	return true;
}
