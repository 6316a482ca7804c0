/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPF evaluated over a zone that is a text, without any waiting.
 *
 * The text has a record a line: "name TYPE value", of type A, AAAA, MX (without a preference), PTR,
 * TXT and CNAME.  The value "@fail" means DNS_FAILED; the type ANY with it, for what is not there.
 * In owners and TXT "\xNN" is a byte, and "\" at the end of a line joins it with the next.
 */
#pragma once

#include "lookup/dns_table.h"
#include "lookup/spf_evaluate.h"

/* The answer to a question; the caller is its holder. */
const struct dns_answer *spf_zone_answer(const char *zone, enum dns_type type, const char *name);

/* In which order answers arrive. */
enum spf_zone_order {
	SPF_ZONE_AT_ONCE,  /* all that was asked in a run, before the next */
	SPF_ZONE_NEEDED,   /* one before each run: what it waits for */
	SPF_ZONE_LAST,     /* one before each run: the last that is out */
	SPF_ZONE_SCRAMBLED /* one before each run: any that is out */
};

struct spf_zone_cost {
	size_t runs, questions;
};

/* Evaluate to the end. */
void spf_zone_evaluate(struct spf_evaluator *evaluator, const char *zone,
		       const struct spf_question *question, enum spf_zone_order order,
		       struct spf_outcome *outcome, struct spf_zone_cost *cost);

struct spf_case {
	const char *name, *zone;
	const char *client, *sender;
	const char *expected;     /* "result[ narrow][ doubtful] domain[ (helo)] | detail" */
	const char *helo;         /* NULL: mail.example.net */
	struct spf_limits limits; /* zeros: 10 and 2 */
};

/* Evaluate with the answers in every order, and tell the results (tap.h). */
struct spf_zone_cost spf_case_run(struct spf_evaluator *evaluator, const struct spf_case *test);
