/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A map from text to a number, filled once and then only read.  Keys are compared byte by byte: who
 * wants them without regard to case folds them first.
 */
#pragma once

#include "span.h"

#include <stdbool.h>
#include <stddef.h>

struct text_map_slot {
	size_t key;    /* offset in bytes, plus 1; 0: free */
	size_t length; /* bytes of the key */
	unsigned value;
};

struct text_map {
	struct text_map_slot *slots; /* owned; at most three quarters are taken */
	size_t slot_count;           /* a power of two, or 0 */
	size_t count;
	char *bytes; /* owned; all keys */
	size_t bytes_used;
	size_t bytes_size;
};

/* Add key.  False, with *value set to what is there, when the map has that key. */
bool text_map_add(struct text_map *map, struct span key, unsigned *value);

bool text_map_find(const struct text_map *map, struct span key, unsigned *value);

void text_map_clear(struct text_map *map);
