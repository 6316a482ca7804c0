/* SPDX-License-Identifier: BSD-2-Clause */
#include "nettable.h"

#include "memory.h"

#include <stdlib.h>

void nettable_add(struct nettable *table, const struct network *network, unsigned value)
{
	if (table->count == table->size) {
		table->size = table->size > 0 ? 2 * table->size : 16;
		table->rows = mem_resize(table->rows, table->size * sizeof(*table->rows));
	}
	/* Until the table is sorted, enclosing keeps the order in which rows came. */
	table->rows[table->count] = (struct nettable_row){*network, value, table->count};
	table->count++;
}

/* By first address, larger networks first, then as they came. */
static int nettable_compare_rows(const void *left, const void *right)
{
	const struct nettable_row *a = left, *b = right;
	int order = netaddr_compare(&a->network.addr, &b->network.addr);
	if (order != 0)
		return order;
	if (a->network.prefix != b->network.prefix)
		return a->network.prefix < b->network.prefix ? -1 : 1;
	/* Of equals the first to come stands last, where the search looks first. */
	return a->enclosing > b->enclosing ? -1 : 1;
}

void nettable_sort(struct nettable *table)
{
	if (table->count == 0)
		return;
	qsort(table->rows, table->count, sizeof(*table->rows), nettable_compare_rows);
	for (size_t i = 0; i < table->count; i++) {
		size_t around = i > 0 ? i - 1 : NETTABLE_NONE;
		while (around != NETTABLE_NONE && !network_contains(&table->rows[around].network,
								    &table->rows[i].network.addr))
			around = table->rows[around].enclosing;
		table->rows[i].enclosing = around;
	}
}

size_t nettable_find_row(const struct nettable *table, const struct netaddr *addr)
{
	/* The last row that does not begin behind addr. */
	size_t low = 0, high = table->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (netaddr_compare(&table->rows[middle].network.addr, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t row = low > 0 ? low - 1 : NETTABLE_NONE;
	while (row != NETTABLE_NONE && !network_contains(&table->rows[row].network, addr))
		row = table->rows[row].enclosing;
	return row;
}

bool nettable_find(const struct nettable *table, const struct netaddr *addr, unsigned *value)
{
	size_t row = nettable_find_row(table, addr);
	if (row != NETTABLE_NONE)
		*value = table->rows[row].value;
	return row != NETTABLE_NONE;
}

void nettable_clear(struct nettable *table)
{
	free(table->rows);
	*table = (struct nettable){0};
}
