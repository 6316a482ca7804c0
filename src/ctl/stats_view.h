/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to /stats, for people.  Sections that stand for one thing (the last minute, entries,
 * farms) are written here; counters come with their own help and labels, so that one that the
 * daemon begins to count is shown without a change here.
 */
#pragma once

#include "command.h"

#include <jansson.h>
#include <stdio.h>

/* Print all of it. */
void stats_view_print(const json_t *stats, const struct ctl *ctl, FILE *to);

/* Upper bound of the bucket in which the fraction (0 to 1) of what was counted lies, in the
 * histogram's unit; negative when nothing was counted, INFINITY when it lies above all bounds. */
double stats_view_quantile(const json_t *histogram, double fraction);
