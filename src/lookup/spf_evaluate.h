/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_host() of RFC 7208, as a pure function of client, sender, HELO and the answers so far.
 *
 * libspf2 evaluates, behind a guard: it never sees a byte that a stranger wrote.  The guard picks
 * and parses the records (spf_record.h), expands macros (spf_macro.h), counts terms and void
 * lookups over the whole evaluation, decides what libspf2 gets wrong, and hands libspf2 records in
 * which every term is a short name of the guard's own making, by which it also knows which term is
 * being evaluated.
 */
#pragma once

#include "base/netaddr.h"
#include "dns_table.h"
#include "rules/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spf_evaluator;

struct spf_limits {
	unsigned max_lookups; /* terms that ask DNS (RFC 7208 4.6.4: 10); what is above
			       * SPF_LOOKUPS_MAX counts as that */
	/*
	 * Of those, terms that found nothing (2).  An "a" of a host that has no IPv6 address, but
	 * is there, is none of them: or else whoever forges mail could choose, by coming over IPv6,
	 * that a record of three IPv4-only hosts ends in permerror, and not in fail.
	 */
	unsigned max_void_lookups;
};

/* Spans are borrowed while the evaluation lasts. */
struct spf_question {
	struct netaddr client;
	struct span sender; /* MAIL FROM as Postfix hands it on; empty for the null sender */
	struct span helo;
	struct spf_limits limits;
};

enum {
	SPF_LOOKUPS_MAX = 20,  /* as deep as libspf2 goes */
	SPF_PREFETCH_MAX = 16, /* questions in the table, from which on none is asked ahead */
	/* Enough for any evaluation: the first record, the client's names and ten addresses; for
	 * each term its own question and the addresses of ten MX hosts.  With max_lookups = 10 that
	 * is 122, and whatever was asked ahead and not needed. */
	SPF_QUESTIONS_MAX = 12 + SPF_LOOKUPS_MAX * 11 + SPF_PREFETCH_MAX,
	SPF_DETAIL_SIZE = 512,
};

struct spf_outcome {
	struct spf_evidence evidence; /* never SPF_NOT_ASKED */
	/*
	 * For people, printable: the term that matched behind the chain of includes
	 * ("include:_spf.example.org ip4:192.0.2.0/24"), or for an error, what is wrong and in
	 * whose record.
	 */
	char detail[SPF_DETAIL_SIZE];
	int64_t good_until_ms; /* monotonic: as dns_table_good_until_ms() */
	bool is_personal;      /* another local part or HELO of the same client and domain may have
				* another one: a macro asks for them */
};

/*
 * Whose SPF record is asked about: fills in evidence's domain, in A-labels (RFC 8616 4), and
 * is_helo, and nothing else.
 */
void spf_question_identity(const struct spf_question *question, struct spf_evidence *evidence);

struct spf_evaluator *spf_evaluator_new(void);

/*
 * Evaluate.  True: finished, *outcome is the result.  False: row *waits_for of table has to be
 * answered first (replay.h).  table has room for SPF_QUESTIONS_MAX.
 */
bool spf_evaluate(struct spf_evaluator *evaluator, const struct spf_question *question,
		  struct dns_table *table, size_t *waits_for, struct spf_outcome *outcome);

void spf_evaluator_free(struct spf_evaluator **evaluator);
