/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One policy request on its way to its one verdict.
 *
 * This is the only module that knows the order of the steps (exempt, sender_access, gate, who is
 * the client, greylist); what each step decides is in src/rules.
 */
#pragma once

#include "rules/request.h"
#include "rules/verdict.h"
#include "ruleset.h"

struct check;
struct checker;
struct dns;
struct event_base;
struct explanation;
struct farm_resolver;
struct privacy;
struct spf;
struct stats;
struct store;

/* verdict dies when the function returns; the check does not, its owner frees it, now or later. */
typedef void check_done_fn(const struct verdict *verdict, void *arg);

/* What all checks have in common.  Borrowed, and outlives the checker. */
struct checker_parts {
	struct event_base *base;
	struct store *store;
	const struct privacy
		*privacy; /* NULL: names and addresses are kept and logged as they are */
	struct dns *dns;
	struct spf *spf;
	struct farm_resolver *farm_resolver; /* NULL: no farm by spf: */
	const char *hostname;                /* where authserv_id is empty */
	struct stats *stats;                 /* NULL: nothing is counted */
};

struct checker *checker_new(const struct checker_parts *parts);

/* Whether addresses must not be logged as they are. */
bool checker_is_private(const struct checker *checker);

/* Every check must have been freed. */
void checker_free(struct checker **checker);

/*
 * Check a request by rules.  The bytes that request borrows stay as they are until the check is
 * freed. done() runs exactly once, from the event loop, never from inside this call, and within
 * check_deadline; after check_free() it never runs.  The verdict is logged before.
 */
struct check *check_start(struct checker *checker, struct ruleset *rules,
			  const struct request *request, check_done_fn *done, void *arg);

/*
 * As check_start(), but it leaves no trace: nothing is stored, counted or logged, and no message
 * has its header by it.  What the steps find is noted in explanation (borrowed, fresh, outlives the
 * check; NULL: an ordinary check after all).  What was not asked on the way is not noted.
 */
struct check *check_start_explaining(struct checker *checker, struct ruleset *rules,
				     const struct request *request, struct explanation *explanation,
				     check_done_fn *done, void *arg);

/* Free it, and cancel what is still out. */
void check_free(struct check **check);
