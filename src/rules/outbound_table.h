/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of outbound.c: what is told of each state that an address, a domain or a name can be
 * in, what the providers make of it, and what is to be mended.
 */
#pragma once

#include "outbound.h"

enum outbound_family { OUTBOUND_IPV6, OUTBOUND_IPV4, OUTBOUND_FAMILY_COUNT };

/* When advice is given. */
enum outbound_condition {
	OUTBOUND_ADVICE_ALWAYS,
	OUTBOUND_ADVICE_WITH_NAME,       /* where the address has a name that is one */
	OUTBOUND_ADVICE_WITH_OTHER_NAME, /* where that is not the name it should have */
	OUTBOUND_ADVICE_OF_HOST, /* where the name in HELO is not the sender's domain, too */
};

/*
 * In texts and records: %a the address, %r the type of record that leads to it, %f
 * the term of SPF that names it, %p its name in the reverse tree, %n the name that it has, %o the
 * name it should have, %h the name in HELO, %d the sender's domain, %s and %b what SPF of that and
 * of the HELO name rests on.
 */
struct outbound_advice_row {
	const char *text; /* NULL: none */
	const char *record;
	enum outbound_condition condition;
};

struct outbound_row {
	enum outbound_mark mark;
	const char *text;
	struct outbound_opinion opinions[OUTBOUND_PROVIDER_COUNT][OUTBOUND_FAMILY_COUNT];
	struct outbound_advice_row advice[2];
};

/* The row for the state that the evidence shows; what was not found out in time is "could not
 * tell". */
const struct outbound_row *outbound_row(const struct outbound_evidence *evidence,
					enum outbound_subject subject);

/* The result as it counts: a fail in doubt could be a pass as soon as DNS answers, as in gate.c. */
enum spf_result outbound_spf_result(const struct spf_evidence *spf);
