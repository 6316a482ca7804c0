/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of one request, why, and how that is said to Postfix and in the log.
 */
#pragma once

#include "access.h"
#include "base/span.h"
#include "gate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict_action {
	VERDICT_PASS,
	VERDICT_GREYLIST,
	VERDICT_REJECT,
	VERDICT_DEFER,
	VERDICT_ACTION_COUNT,
};

/* Reasons bear the name of the setting or attribute that decided, so that it can be changed; where
 * postgrey has a word for the same thing, that. */
enum verdict_reason {
	REASON_NOT_RCPT,          /* not logged */
	REASON_MISSING_ATTRIBUTE, /* client_address, sender or recipient */
	REASON_MYNETWORKS,
	REASON_SASL_USERNAME,
	REASON_CCERT_SUBJECT,
	REASON_POSTMASTER,
	REASON_RECIPIENT_ACCESS,
	REASON_SENDER_ACCESS,
	REASON_GATE,
	REASON_FARMS,
	REASON_GREYLIST_OFF,
	REASON_NEW,
	REASON_NEW_NOT_STORED,
	REASON_EARLY_RETRY,
	REASON_TRIPLET_FOUND,
	REASON_KNOWN,
	REASON_STORE_FAILURE,
	REASON_CHECK_DEADLINE,
	REASON_COUNT,
};

enum {
	/* Longest answer of ours: PREPEND and a header. */
	VERDICT_ANSWER_SIZE = 1296,
	VERDICT_REASON_SIZE = 64,
};

struct verdict {
	enum verdict_action action;
	enum verdict_reason reason;
	char answer[VERDICT_ANSWER_SIZE]; /* what goes behind "action=": one line of UTF-8 */
	unsigned table_line;              /* of the access table that decided, or 0 */
	int64_t delay_s;                  /* how long a mail that passes now was made to wait */
	int64_t wait_s;                   /* how long one that is greylisted still has to wait */
	bool is_dry;                      /* decided, but the answer lets the mail pass */
	const char *evidence;             /* REASON_GATE: what decided; static */
	char gate_dry[16];                /* what the gate would have answered; or empty */
	unsigned gate_row;                /* 1 and the row of the gate's table that matched, in
					   * earnest or dry; 0: none */
};

/* Mail goes on to Postfix's next restriction. */
struct verdict verdict_pass(enum verdict_reason reason);

/* As the entry of an access table says; DUNNO and OK pass. */
struct verdict verdict_access(enum verdict_reason reason, const struct access_entry *entry);

/* "try again", with text; %s in text is wait_s.  dry: the answer is to pass. */
struct verdict verdict_greylist(enum verdict_reason reason, int64_t wait_s, const char *text,
				bool dry);

/* "try again": we could not tell.  dry: the answer is to pass. */
struct verdict verdict_defer(enum verdict_reason reason, bool dry);

/* As the gate judges. */
struct verdict verdict_gate(const struct gate_judgement *judgement);

/* The gate judges, but only to be told; the verdict is another one's. */
void verdict_set_gate_dry(struct verdict *verdict, const struct gate_judgement *judgement);

/* Whether the answer lets the mail pass. */
bool verdict_lets_pass(const struct verdict *verdict);

/* Let the answer of a verdict that lets the mail pass put header, one line, into the message. */
void verdict_prepend(struct verdict *verdict, const char *header);

/* The words of actions and reasons as such, without what varies from request to request. */
const char *verdict_action_name(enum verdict_action action);
const char *verdict_reason_name(enum verdict_reason reason);

/* The words of the log line. */
const char *verdict_action_word(const struct verdict *verdict);
void verdict_reason_words(const struct verdict *verdict, char words[static VERDICT_REASON_SIZE]);
