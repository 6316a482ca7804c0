/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view that refreshes in place, as top(1) does: it takes over the terminal, and gives it back
 * whatever ends it.  Without a terminal each view is printed behind the one before.
 */
#pragma once

#include "command.h"

#include <stdio.h>

/* Write the view to the stream; returns an enum ctl_status, of which anything but CTL_DONE ends the
 * watch. */
typedef int watch_draw_fn(const struct ctl *ctl, FILE *to);

/* Draw every interval_s seconds until q, SIGINT or SIGTERM.  Returns an enum ctl_status. */
int watch_run(const struct ctl *ctl, int interval_s, watch_draw_fn *draw);
