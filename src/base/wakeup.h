/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a thread tells the event loop that there is something for it: an eventfd.  What there is lies
 * in a place of the two's own, behind their own lock.
 */
#pragma once

struct event_base;
struct wakeup;

/* Runs from the event loop; several wakeup_send() may come as one call. */
typedef void wakeup_fn(void *arg);

/* NULL, with errno, when no eventfd is to be had. */
struct wakeup *wakeup_new(struct event_base *base, wakeup_fn *fn, void *arg);

/* From any thread. */
void wakeup_send(struct wakeup *wakeup);

void wakeup_free(struct wakeup **wakeup);
