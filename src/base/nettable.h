/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which of many networks is an address in?  The most specific one, as in routing.
 *
 * Filled once, then sorted, then only read.  A look-up is a binary search and, since networks are
 * either apart or nested, a walk outwards through the ones that enclose what it found.
 */
#pragma once

#include "netaddr.h"

#include <stdbool.h>
#include <stddef.h>

struct nettable_row {
	struct network network;
	unsigned value;   /* the caller's */
	size_t enclosing; /* row number of the smallest network around this one, or NETTABLE_NONE */
};

struct nettable {
	struct nettable_row *rows; /* owned */
	size_t count;
	size_t size;
};

#define NETTABLE_NONE ((size_t)-1)

void nettable_add(struct nettable *table, const struct network *network, unsigned value);

/* Make the table ready to be searched.  Of equal networks the one added first is found. */
void nettable_sort(struct nettable *table);

/* The value of the smallest network that addr is in; false when it is in none. */
bool nettable_find(const struct nettable *table, const struct netaddr *addr, unsigned *value);

/*
 * The row of the smallest network that addr is in, or NETTABLE_NONE; its enclosing is the next
 * smallest one that addr is in, and so on.  Of equal networks the one added first comes first.
 */
size_t nettable_find_row(const struct nettable *table, const struct netaddr *addr);

void nettable_clear(struct nettable *table);
