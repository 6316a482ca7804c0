/* SPDX-License-Identifier: BSD-2-Clause */
#include "table.h"

#include "base/memory.h"
#include "base/printable.h"

#include <stdlib.h>

enum { TABLE_GAP = 2 };

struct table_cell {
	char *text; /* owned; printable */
	size_t width;
	enum paint paint;
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t column_count;
	struct table_cell *cells; /* owned; row by row, the titles first */
	size_t cell_count, cells_size;
	size_t title_cells; /* 0 or column_count */
};

struct table *table_new(const struct table_column *columns, size_t column_count)
{
	struct table *table = mem_alloc(sizeof(*table));

	table->columns = columns;
	table->column_count = column_count;
	if (columns[0].title != NULL) {
		for (size_t i = 0; i < column_count; i++)
			table_add(table, PAINT_BOLD, columns[i].title);
		table->title_cells = column_count;
	}
	return table;
}

void table_add(struct table *table, enum paint paint, const char *text)
{
	if (table->cell_count == table->cells_size) {
		table->cells_size = table->cells_size * 2 + 64;
		table->cells = mem_resize(table->cells, table->cells_size * sizeof(*table->cells));
	}
	struct table_cell *cell = &table->cells[table->cell_count++];
	cell->text = screen_text(text);
	cell->width = screen_columns(cell->text);
	cell->paint = paint;
}

size_t table_row_count(const struct table *table)
{
	return (table->cell_count - table->title_cells) / table->column_count;
}

/* The columns' widths from the data. */
static void table_measure(const struct table *table, size_t *widths)
{
	for (size_t i = 0; i < table->cell_count; i++)
		if (table->cells[i].width > widths[i % table->column_count])
			widths[i % table->column_count] = table->cells[i].width;
}

/* Take from the widest column that may shrink, one at a time, until the line fits or none is left.
 */
static void table_shrink(const struct table *table, size_t *widths, size_t available)
{
	size_t total = (table->column_count - 1) * TABLE_GAP;

	for (size_t i = 0; i < table->column_count; i++)
		total += widths[i];
	while (total > available) {
		size_t widest = table->column_count;
		for (size_t i = 0; i < table->column_count; i++)
			if (table->columns[i].may_shrink_to > 0 &&
			    widths[i] > table->columns[i].may_shrink_to &&
			    (widest == table->column_count || widths[i] > widths[widest]))
				widest = i;
		if (widest == table->column_count)
			return;
		widths[widest]--;
		total--;
	}
}

/* The first columns of text, as bytes. */
static size_t table_bytes(const char *text, size_t columns)
{
	size_t bytes = 0, length = strlen(text);

	while (columns-- > 0 && bytes < length)
		bytes += utf8_character_length(text + bytes, length - bytes);
	return bytes;
}

/* Returns the blanks that stand between this cell and the next one, if there is one with a text: a
 * line has none at its end. */
static size_t table_print_cell(const struct table_cell *cell, const struct table_column *column,
			       size_t width, size_t blanks, const struct ctl *ctl, FILE *to)
{
	const char *begin = screen_paint(ctl, cell->paint);
	bool is_cut = cell->width > width;
	size_t padding = is_cut ? 0 : width - cell->width;

	if (cell->width == 0)
		return blanks + width + TABLE_GAP;
	if (column->align == TABLE_RIGHT) {
		blanks += padding;
		padding = 0;
	}
	fprintf(to, "%*s%s", (int)blanks, "", begin);
	fwrite(cell->text, 1, is_cut ? table_bytes(cell->text, width - 1) : strlen(cell->text), to);
	if (is_cut)
		fputs("…", to);
	if (begin[0] != '\0')
		fputs("\033[0m", to);
	return padding + TABLE_GAP;
}

void table_print(const struct table *table, const struct ctl *ctl, size_t indent, FILE *to)
{
	size_t *widths = mem_alloc(table->column_count * sizeof(*widths));

	table_measure(table, widths);
	if (ctl->width > 0)
		table_shrink(table, widths,
			     (size_t)ctl->width > indent ? (size_t)ctl->width - indent : 1);
	size_t blanks = indent;
	for (size_t i = 0; i < table->cell_count; i++) {
		size_t at = i % table->column_count;
		blanks = table_print_cell(&table->cells[i], &table->columns[at], widths[at], blanks,
					  ctl, to);
		if (at + 1 == table->column_count) {
			fputc('\n', to);
			blanks = indent;
		}
	}
	free(widths);
}

void table_free(struct table **table)
{
	if (*table == NULL)
		return;
	for (size_t i = 0; i < (*table)->cell_count; i++)
		free((*table)->cells[i].text);
	free((*table)->cells);
	free(*table);
	*table = NULL;
}
