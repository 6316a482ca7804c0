/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which triplets mail has passed under lately, as far as that can be told at once: by their hashes,
 * in a table of fixed size in which what comes pushes out what was there.
 *
 * Known mail that needs nothing written passed within the last hour (greylist.h), and so mostly
 * under this process: who is not in the table need not be looked for elsewhere, and a flood of new
 * mail costs next to nothing.  Who is, may still be unknown.
 */
#pragma once

#include "store.h"

#include <stdbool.h>

struct sqlite_regulars;

struct sqlite_regulars *sqlite_regulars_new(void);

void sqlite_regulars_add(struct sqlite_regulars *regulars, const struct store_question *question);
bool sqlite_regulars_has(const struct sqlite_regulars *regulars,
			 const struct store_question *question);

void sqlite_regulars_free(struct sqlite_regulars **regulars);
