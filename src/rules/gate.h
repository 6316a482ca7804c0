/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: what Google and Microsoft ask of senders over IPv6 (a PTR record that forward-confirms,
 * SPF that passes), as one table from evidence to reply.
 *
 * A policy server never sees the message, so that DKIM is unknown here: SPF that did not pass means
 * undecided, and the Authentication-Results header lets a DKIM check downstream complete the rule.
 * No reply is for good (5NN) on evidence that could be temporary.
 */
#pragma once

#include "base/netaddr.h"
#include "evidence.h"

#include <stdbool.h>
#include <stddef.h>

enum gate_profile { GATE_GOOGLE, GATE_MICROSOFT, GATE_OBSERVE, GATE_PROFILE_COUNT };

struct gate_case {
	enum gate_profile profile;
	bool dns_failure_passes;   /* on_dns_failure = pass */
	bool is_trusted_forwarder; /* SPF is not judged */
	const struct netaddr *client;
	const struct evidence *evidence; /* what is not asked decides nothing */
};

enum { GATE_ANSWER_SIZE = 640 };

struct gate_judgement {
	bool is_permanent;    /* a 5NN */
	char reply[16];       /* codes, for the log: "550 5.7.25" */
	const char *evidence; /* what decided, for the log: "iprev permerror" */
	unsigned row;         /* of the table that matched */
	/* "550 5.7.25 text", or "DEFER_IF_PERMIT 4.7.25 text", so that a later restriction may
	 * still refuse for good. */
	char answer[GATE_ANSWER_SIZE];
};

enum { GATE_ROW_COUNT = 9 }; /* of the table */

/* What decides in a row of the table, no two the same: "iprev permerror". */
const char *gate_row_words(size_t row);

/*
 * The first row of the table that matches.  False: none, the mail goes on.  With evidence of iprev
 * alone that is so far: who was not refused by it may be by SPF.
 */
bool gate_judge(const struct gate_case *about, struct gate_judgement *judgement);
