/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between libspf2 and the world: answers what it asks, by number, from the real records.
 *
 * Each lookup tells which term is being evaluated, as its name is the number of a node
 * (spf_frame.h).  So terms and void lookups are counted here, over the whole evaluation, macros are
 * expanded when their term's turn comes, and the last term asked about is the one that decided.  An
 * error found here, or an answer that is missing, ends the run: what libspf2 makes of it then does
 * not count.
 */
#pragma once

#include "spf_evaluate.h"
#include "spf_frame.h"
#include "spf_library.h"
#include "spf_lookup.h"
#include "spf_macro.h"

#include <stdbool.h>
#include <stddef.h>

struct spf_guard {
	/* Of the run that is on; set by the caller, of lookup only the table. */
	struct spf_lookup lookup;
	struct spf_limits limits;       /* max_lookups at most SPF_LOOKUPS_MAX */
	struct spf_macro_values values; /* domain: the one to check, folded */

	bool is_finished; /* with result and detail, whatever libspf2 says */
	enum spf_result result;
	char detail[SPF_DETAIL_SIZE]; /* printable */
	struct spf_frames frames;
	size_t last_node; /* asked about last */
	unsigned terms, voids;
	bool is_personal; /* a macro stood for more of the request than client and domain */
};

/* Begin a run, with what the caller has set. */
void spf_guard_begin(struct spf_guard *guard);

/* A spf_library_lookup_fn; arg is the guard. */
void spf_guard_answer(unsigned number, enum dns_type type, struct spf_library_reply *reply,
		      void *arg);

/* Free what it holds; the guard may begin again. */
void spf_guard_clear(struct spf_guard *guard);
