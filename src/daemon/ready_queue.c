/* SPDX-License-Identifier: BSD-2-Clause */
#include "ready_queue.h"

#include "base/clock.h"
#include "base/memory.h"

#include <assert.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>

enum { READY_ROUND_MS = 2 }; /* of one round of the loop */

TAILQ_HEAD(ready_list, ready);

struct ready_queue {
	struct ready_list list;
	size_t count;
	struct event *on_ready; /* owned; active, or due in the next round, while there are any */
	bool is_running;        /* it runs */
};

static void on_ready(evutil_socket_t fd, short events, void *arg)
{
	/* What is activated from here would run before the loop looks at the sockets again. */
	static const struct timeval next_round;
	int64_t until_ms = clock_mono_ms() + READY_ROUND_MS;
	struct ready_queue *queue = arg;

	(void)fd;
	(void)events;
	/* Each may add another one, behind the last. */
	queue->is_running = true;
	for (size_t turns = queue->count; turns > 0 && queue->count > 0; turns--) {
		struct ready *ready = TAILQ_FIRST(&queue->list);
		ready_queue_remove(ready);
		ready->go(ready->arg);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	queue->is_running = false;
	if (queue->count > 0)
		evtimer_add(queue->on_ready, &next_round);
}

struct ready_queue *ready_queue_new(struct event_base *base)
{
	struct ready_queue *queue = mem_alloc(sizeof(*queue));

	TAILQ_INIT(&queue->list);
	queue->on_ready = event_new(base, -1, 0, on_ready, queue);
	return queue;
}

void ready_queue_add(struct ready_queue *queue, struct ready *ready, ready_fn *go, void *arg)
{
	assert(ready->queue == NULL);
	ready->queue = queue;
	ready->go = go;
	ready->arg = arg;
	if (queue->count++ == 0 && !queue->is_running)
		event_active(queue->on_ready, EV_TIMEOUT, 0);
	TAILQ_INSERT_TAIL(&queue->list, ready, link);
}

void ready_queue_remove(struct ready *ready)
{
	struct ready_queue *queue = ready->queue;

	if (queue == NULL)
		return;
	ready->queue = NULL;
	queue->count--;
	TAILQ_REMOVE(&queue->list, ready, link);
}

void ready_queue_free(struct ready_queue **queue)
{
	struct ready_queue *freed = *queue;

	if (freed == NULL)
		return;
	*queue = NULL;
	assert(freed->count == 0);
	event_free(freed->on_ready);
	free(freed);
}
