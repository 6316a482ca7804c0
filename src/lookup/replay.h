/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An evaluation by replay, on the event loop: run a pure function on the answers that there are,
 * ask what it wants to know, and run it again when what it waits for is there.
 */
#pragma once

#include "dns_table.h"

#include <stdbool.h>
#include <stddef.h>

struct dns;
struct replay;

/*
 * Evaluate with what is in table, asking by dns_table_ask().  True: finished.  False: it waits for
 * the answer of row *waits_for; other rows that were asked and have none are looked up at the same
 * time, ahead of being needed.
 */
typedef bool replay_run_fn(struct dns_table *table, size_t *waits_for, void *arg);

typedef void replay_done_fn(void *arg);

/*
 * Begin.  run() may be called from here; done() runs exactly once, after run() returned true, from
 * the event loop, never from inside this call; after replay_cancel() neither runs.  At most
 * max_questions are asked, see dns_table_init().
 */
struct replay *replay_start(struct dns *dns, size_t max_questions, replay_run_fn *run,
			    replay_done_fn *done, void *arg);

/* Also from inside done(), or when it has run: frees what is left. */
void replay_cancel(struct replay **replay);
