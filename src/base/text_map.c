/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_map.h"

#include "hash.h"
#include "memory.h"

#include <stdlib.h>

static struct span text_map_key(const struct text_map *map, const struct text_map_slot *slot)
{
	return (struct span){map->bytes + slot->key - 1, slot->length};
}

/* The slot that has key, or the free one where it would go.  There is always a free one. */
static struct text_map_slot *text_map_slot_for(const struct text_map *map, struct span key)
{
	size_t at = hash_text(key) & (map->slot_count - 1);
	while (map->slots[at].key != 0 && !span_equals(text_map_key(map, &map->slots[at]), key))
		at = (at + 1) & (map->slot_count - 1);
	return &map->slots[at];
}

static void text_map_grow(struct text_map *map)
{
	struct text_map_slot *before = map->slots;
	size_t before_count = map->slot_count;

	map->slot_count = before_count > 0 ? 2 * before_count : 16;
	map->slots = mem_alloc(map->slot_count * sizeof(*map->slots));
	for (size_t i = 0; i < before_count; i++)
		if (before[i].key != 0)
			*text_map_slot_for(map, text_map_key(map, &before[i])) = before[i];
	free(before);
}

static size_t text_map_keep_key(struct text_map *map, struct span key)
{
	/* Also when all keys so far are empty: there have to be bytes to point to. */
	if (map->bytes == NULL || map->bytes_used + key.length > map->bytes_size) {
		map->bytes_size = 2 * (map->bytes_used + key.length) + 1;
		map->bytes = mem_resize(map->bytes, map->bytes_size);
	}
	size_t at = map->bytes_used;
	if (key.length > 0)
		memcpy(map->bytes + at, key.text, key.length);
	map->bytes_used += key.length;
	return at;
}

bool text_map_add(struct text_map *map, struct span key, unsigned *value)
{
	if (4 * (map->count + 1) > 3 * map->slot_count)
		text_map_grow(map);
	struct text_map_slot *slot = text_map_slot_for(map, key);
	if (slot->key != 0) {
		*value = slot->value;
		return false;
	}
	*slot = (struct text_map_slot){text_map_keep_key(map, key) + 1, key.length, *value};
	map->count++;
	return true;
}

bool text_map_find(const struct text_map *map, struct span key, unsigned *value)
{
	if (map->count == 0)
		return false;
	const struct text_map_slot *slot = text_map_slot_for(map, key);
	if (slot->key == 0)
		return false;
	*value = slot->value;
	return true;
}

void text_map_clear(struct text_map *map)
{
	free(map->slots);
	free(map->bytes);
	*map = (struct text_map){0};
}
