/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_actions[] = {
	[VERDICT_PASS] = "pass",
	[VERDICT_GREYLIST] = "greylist",
	[VERDICT_REJECT] = "reject",
	[VERDICT_DEFER] = "defer",
};

static const char *const verdict_reasons[] = {
	[REASON_NOT_RCPT] = "protocol_state",
	[REASON_MISSING_ATTRIBUTE] = "missing attribute",
	[REASON_MYNETWORKS] = "mynetworks",
	[REASON_SASL_USERNAME] = "sasl_username",
	[REASON_CCERT_SUBJECT] = "ccert_subject",
	[REASON_POSTMASTER] = "postmaster",
	[REASON_RECIPIENT_ACCESS] = "recipient_access",
	[REASON_SENDER_ACCESS] = "sender_access",
	[REASON_GATE] = "gate",
	[REASON_FARMS] = "farms",
	[REASON_GREYLIST_OFF] = "greylist off",
	[REASON_NEW] = "new",
	[REASON_NEW_NOT_STORED] = "new (not stored: max_new_per_client)",
	[REASON_EARLY_RETRY] = "early-retry",
	[REASON_TRIPLET_FOUND] = "triplet found",
	[REASON_KNOWN] = "greylist_known_after",
	[REASON_STORE_FAILURE] = "on_store_failure",
	[REASON_CHECK_DEADLINE] = "check_deadline",
};

_Static_assert(sizeof(verdict_actions) / sizeof(verdict_actions[0]) == VERDICT_ACTION_COUNT,
	       "a word for every action");
_Static_assert(sizeof(verdict_reasons) / sizeof(verdict_reasons[0]) == REASON_COUNT,
	       "a word for every reason");

static void verdict_set_answer(struct verdict *verdict, const char *answer)
{
	size_t size = strlen(answer) + 1;
	assert(size <= sizeof(verdict->answer));
	memcpy(verdict->answer, answer, size);
}

struct verdict verdict_pass(enum verdict_reason reason)
{
	struct verdict verdict = {.action = VERDICT_PASS, .reason = reason};
	/* Never OK: that would skip the restrictions behind ours. */
	verdict_set_answer(&verdict, "DUNNO");
	return verdict;
}

struct verdict verdict_access(enum verdict_reason reason, const struct access_entry *entry)
{
	struct verdict verdict = verdict_pass(reason);

	verdict.table_line = entry->line;
	switch (entry->action) {
	case ACCESS_OK:
	case ACCESS_DUNNO:
		return verdict;
	case ACCESS_REJECT:
		verdict.action = VERDICT_REJECT;
		break;
	case ACCESS_DEFER:
		verdict.action = VERDICT_DEFER;
		break;
	}
	verdict_set_answer(&verdict, entry->answer);
	return verdict;
}

struct verdict verdict_greylist(enum verdict_reason reason, int64_t wait_s, const char *text,
				bool dry)
{
	struct verdict verdict = verdict_pass(reason);

	verdict.action = VERDICT_GREYLIST;
	verdict.wait_s = wait_s;
	verdict.is_dry = dry;
	if (dry)
		return verdict;
	/* x.7.1, as Postfix rewrites the class of x.1.x by what was checked (access(5)). */
	const char *seconds = strstr(text, "%s");
	int length;
	if (seconds == NULL)
		length = snprintf(verdict.answer, sizeof(verdict.answer),
				  "DEFER_IF_PERMIT 4.7.1 %s", text);
	else
		length = snprintf(verdict.answer, sizeof(verdict.answer),
				  "DEFER_IF_PERMIT 4.7.1 %.*s%lld%s", (int)(seconds - text), text,
				  (long long)wait_s, seconds + 2);
	assert(length >= 0 && (size_t)length < sizeof(verdict.answer));
	return verdict;
}

struct verdict verdict_defer(enum verdict_reason reason, bool dry)
{
	struct verdict verdict = verdict_pass(reason);
	verdict.action = VERDICT_DEFER;
	verdict.is_dry = dry;
	if (!dry)
		verdict_set_answer(&verdict,
				   "DEFER_IF_PERMIT 4.3.0 Service temporarily unavailable, "
				   "please try again later");
	return verdict;
}

struct verdict verdict_gate(const struct gate_judgement *judgement)
{
	struct verdict verdict = verdict_pass(REASON_GATE);

	verdict.action = judgement->is_permanent ? VERDICT_REJECT : VERDICT_DEFER;
	verdict.evidence = judgement->evidence;
	verdict.gate_row = judgement->row + 1;
	verdict_set_answer(&verdict, judgement->answer);
	return verdict;
}

void verdict_set_gate_dry(struct verdict *verdict, const struct gate_judgement *judgement)
{
	_Static_assert(sizeof(verdict->gate_dry) >= sizeof(judgement->reply), "it has to fit");
	memcpy(verdict->gate_dry, judgement->reply, sizeof(judgement->reply));
	verdict->gate_row = judgement->row + 1;
}

bool verdict_lets_pass(const struct verdict *verdict)
{
	return verdict->action == VERDICT_PASS || verdict->is_dry;
}

void verdict_prepend(struct verdict *verdict, const char *header)
{
	int length = snprintf(verdict->answer, sizeof(verdict->answer), "PREPEND %s", header);
	assert(length >= 0 && (size_t)length < sizeof(verdict->answer));
}

const char *verdict_action_name(enum verdict_action action)
{
	return verdict_actions[action];
}

const char *verdict_reason_name(enum verdict_reason reason)
{
	return verdict_reasons[reason];
}

const char *verdict_action_word(const struct verdict *verdict)
{
	return verdict_actions[verdict->action];
}

void verdict_reason_words(const struct verdict *verdict, char words[static VERDICT_REASON_SIZE])
{
	const char *word = verdict_reasons[verdict->reason];
	size_t size = strlen(word) + 1;

	if (verdict->reason == REASON_EARLY_RETRY)
		snprintf(words, VERDICT_REASON_SIZE, "%s (%llds missing)", word,
			 (long long)verdict->wait_s);
	else if (verdict->evidence != NULL)
		snprintf(words, VERDICT_REASON_SIZE, "%s (%s)", word, verdict->evidence);
	else if (verdict->table_line > 0)
		snprintf(words, VERDICT_REASON_SIZE, "%s (line %u)", word, verdict->table_line);
	else
		memcpy(words, word, size);
}
