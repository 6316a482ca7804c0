/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the service manager wants to hear (sd_notify(3)): that we are ready, that we reload, that we
 * stop, and, when it set a watchdog, that the event loop still turns.  Without a service manager
 * nothing of this does anything.
 */
#pragma once

struct event_base;
struct supervisor;

/* Say that we are ready, and begin to answer the watchdog if there is one. */
struct supervisor *supervisor_new(struct event_base *base);

void supervisor_tell_reloading(void);
void supervisor_tell_ready(void);
void supervisor_tell_stopping(void);

void supervisor_free(struct supervisor **supervisor);
