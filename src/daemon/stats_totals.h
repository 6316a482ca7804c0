/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was counted by all runs together: the store keeps it, read at the start, and written every
 * minute and at the end.  A run that is killed loses what it counted in its last minute.
 */
#pragma once

#include "stats.h"

struct event_base;
struct stats_totals;

/* All is borrowed, and outlives it. */
struct stats_totals *stats_totals_new(struct event_base *base, const struct stats *stats,
				      const struct dns *dns, struct store *store);

/* Whether what earlier runs counted is known by now. */
bool stats_totals_are_read(const struct stats_totals *totals);

/* What earlier runs counted under a name that stats_metric_name() makes; 0: nothing, or it has not
 * been read yet. */
double stats_totals_before(const struct stats_totals *totals, const char *name);

/* The store is asked to keep all; it does so before it is closed. */
void stats_totals_free(struct stats_totals **totals);
