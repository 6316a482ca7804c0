/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPF (RFC 7208) for one client and sender, asked without waiting: spf_evaluate.h by replay.h.
 */
#pragma once

#include "spf_evaluate.h"

struct dns;
struct spf;
struct spf_request;

/* What all requests have in common; dns is borrowed. */
struct spf *spf_new(struct dns *dns);

/* outcome dies when the function returns. */
typedef void spf_done_fn(const struct spf_outcome *outcome, void *arg);

/*
 * The outcome, if it can be told at once from the DNS answers that are kept.  False: it cannot, and
 * nothing was asked.
 */
bool spf_find_kept(struct spf *spf, const struct spf_question *question,
		   struct spf_outcome *outcome);

/*
 * Ask.  The bytes that question borrows stay as they are until done() runs or spf_cancel().  done()
 * runs exactly once, from the event loop, never from inside this call, and the request is gone
 * then; after spf_cancel() it never runs.  There is no deadline of its own.
 */
struct spf_request *spf_start(struct spf *spf, const struct spf_question *question,
			      spf_done_fn *done, void *arg);

void spf_cancel(struct spf_request **request);

/* Every request must have been answered or cancelled. */
void spf_free(struct spf **spf);
