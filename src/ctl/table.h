/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns.  A table is filled cell by cell, and printed when the widths are known.
 *
 * On a terminal a line is cut to its width, with an ellipsis where something is missing; in a pipe
 * nothing is ever cut, as a program reads it.
 */
#pragma once

#include "screen.h"

#include <stdio.h>

struct table;

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *title; /* borrowed; NULL in all columns: no line of titles */
	enum table_align align;
	size_t may_shrink_to; /* columns; 0: this one is never cut */
};

/* columns is borrowed. */
struct table *table_new(const struct table_column *columns, size_t column_count);

/* The next cell, row by row, in a colour; text is copied and made printable. */
void table_add(struct table *table, enum paint paint, const char *text);

size_t table_row_count(const struct table *table);

/* indent blanks before each line; of ctl the width and the colours count. */
void table_print(const struct table *table, const struct ctl *ctl, size_t indent, FILE *to);

void table_free(struct table **table);
