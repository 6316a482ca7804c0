/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mode that is dry would have done, by reason: so that an admin can decide to switch it on.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct table;

/* From the answer of /stats; without a row when nothing is dry.  The caller frees it. */
struct table *stats_dry_table(const json_t *stats);

/* Both gate and greylisting told something; mail that the gate let pass as it is dry went on to
 * greylisting, and may be in the rows of both. */
bool stats_dry_is_told_twice(const json_t *stats);
