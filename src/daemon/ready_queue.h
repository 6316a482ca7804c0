/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is decided within a call, and has to go out from the event loop: first come, first served,
 * and a little in each round of the loop, so that the sockets get their turn.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

struct event_base;
struct ready_queue;

/* It is in no queue any more, and may be freed in there, as may any other, or be added. */
typedef void ready_fn(void *arg);

/* One that may be in a queue: storage of the caller, zeroed at first, which outlives its place. */
struct ready {
	struct ready_queue *queue; /* borrowed; NULL: it is in none */
	ready_fn *go;
	void *arg;
	TAILQ_ENTRY(ready) link;
};

struct ready_queue *ready_queue_new(struct event_base *base);

/* go(arg) is called from the loop, unless it is removed before.  It is in no queue yet. */
void ready_queue_add(struct ready_queue *queue, struct ready *ready, ready_fn *go, void *arg);

/* From whichever queue it is in, if any. */
void ready_queue_remove(struct ready *ready);

/* It is empty. */
void ready_queue_free(struct ready_queue **queue);
