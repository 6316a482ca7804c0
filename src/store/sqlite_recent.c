/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open addressing with linear probing.  The home of an entry is told by the first bits of its hash,
 * so that the order of the slots is nearly that of the hashes.  Three quarters of the table are
 * used at most.
 */
#include "sqlite_recent.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum {
	SQLITE_RECENT_MIN_BITS = 8,
	SQLITE_RECENT_LOOKS_MAX = 64 * 1024, /* slots that are looked at in one call: 100 us */
};

struct sqlite_recent_slot {
	int32_t hash;
	uint32_t offset; /* of the id from base; 0: empty */
};

struct sqlite_recent {
	int64_t base;
	unsigned bits; /* there are 2^bits slots */
	size_t count;
	struct sqlite_recent_slot *slots; /* owned */
};

static size_t sqlite_recent_mask(const struct sqlite_recent *recent)
{
	return ((size_t)1 << recent->bits) - 1;
}

static size_t sqlite_recent_home(const struct sqlite_recent *recent, int32_t hash)
{
	return (size_t)(sqlite_recent_rank(hash) >> (SQLITE_RECENT_RANK_BITS - recent->bits));
}

struct sqlite_recent *sqlite_recent_new(int64_t base)
{
	struct sqlite_recent *recent = mem_alloc(sizeof(*recent));

	recent->base = base;
	recent->bits = SQLITE_RECENT_MIN_BITS;
	recent->slots = mem_alloc(((size_t)1 << recent->bits) * sizeof(*recent->slots));
	return recent;
}

size_t sqlite_recent_count(const struct sqlite_recent *recent)
{
	return recent->count;
}

static void sqlite_recent_put(struct sqlite_recent *recent, struct sqlite_recent_slot slot)
{
	size_t i = sqlite_recent_home(recent, slot.hash);

	while (recent->slots[i].offset != 0)
		i = (i + 1) & sqlite_recent_mask(recent);
	recent->slots[i] = slot;
}

static void sqlite_recent_grow(struct sqlite_recent *recent)
{
	size_t old_size = (size_t)1 << recent->bits;
	struct sqlite_recent_slot *old = recent->slots;

	recent->bits++;
	recent->slots = mem_alloc(2 * old_size * sizeof(*recent->slots));
	for (size_t i = 0; i < old_size; i++)
		if (old[i].offset != 0)
			sqlite_recent_put(recent, old[i]);
	free(old);
}

void sqlite_recent_add(struct sqlite_recent *recent, int32_t hash, int64_t id)
{
	assert(id > recent->base && id - recent->base <= SQLITE_RECENT_IDS_MAX);
	if (4 * (recent->count + 1) > (size_t)3 << recent->bits)
		sqlite_recent_grow(recent);
	sqlite_recent_put(recent, (struct sqlite_recent_slot){hash, (uint32_t)(id - recent->base)});
	recent->count++;
}

/* Empty slot i, and move up what stands behind it only because it was taken. */
static void sqlite_recent_empty(struct sqlite_recent *recent, size_t i)
{
	size_t mask = sqlite_recent_mask(recent);

	for (size_t j = (i + 1) & mask; recent->slots[j].offset != 0; j = (j + 1) & mask) {
		size_t home = sqlite_recent_home(recent, recent->slots[j].hash);
		/* Its home is behind the empty slot, where it stays. */
		if (((j - home) & mask) < ((j - i) & mask))
			continue;
		recent->slots[i] = recent->slots[j];
		i = j;
	}
	recent->slots[i].offset = 0;
	recent->count--;
}

bool sqlite_recent_remove(struct sqlite_recent *recent, int32_t hash, int64_t id)
{
	size_t i = sqlite_recent_home(recent, hash);

	for (; recent->slots[i].offset != 0; i = (i + 1) & sqlite_recent_mask(recent)) {
		if (recent->slots[i].hash != hash || recent->base + recent->slots[i].offset != id)
			continue;
		sqlite_recent_empty(recent, i);
		return true;
	}
	return false;
}

bool sqlite_recent_next(const struct sqlite_recent *recent, int32_t hash, size_t *from, int64_t *id)
{
	for (;;) {
		size_t i =
			(sqlite_recent_home(recent, hash) + (*from)++) & sqlite_recent_mask(recent);
		if (recent->slots[i].offset == 0)
			return false;
		if (recent->slots[i].hash != hash)
			continue;
		*id = recent->base + recent->slots[i].offset;
		return true;
	}
}

void sqlite_recent_list_add(struct sqlite_recent_list *list, int32_t hash, int64_t id)
{
	if (list->count == list->size) {
		list->size = list->size > 0 ? 2 * list->size : 64;
		list->entries = mem_resize(list->entries, list->size * sizeof(*list->entries));
	}
	list->entries[list->count++] = (struct sqlite_recent_entry){hash, id};
}

void sqlite_recent_list_clear(struct sqlite_recent_list *list)
{
	free(list->entries);
	*list = (struct sqlite_recent_list){0};
}

/* The entries of one home: they stand in the run of slots that begins there. */
static void sqlite_recent_collect_home(const struct sqlite_recent *recent, size_t home,
				       int64_t max_id, int64_t from_rank,
				       struct sqlite_recent_list *list)
{
	size_t mask = sqlite_recent_mask(recent);

	for (size_t i = home; recent->slots[i].offset != 0; i = (i + 1) & mask) {
		struct sqlite_recent_slot slot = recent->slots[i];
		if (sqlite_recent_home(recent, slot.hash) == home &&
		    recent->base + slot.offset <= max_id &&
		    sqlite_recent_rank(slot.hash) >= from_rank)
			sqlite_recent_list_add(list, slot.hash, recent->base + slot.offset);
	}
}

void sqlite_recent_collect(const struct sqlite_recent *recent, int64_t max_id, size_t want,
			   int64_t to_rank, int64_t *from_rank, struct sqlite_recent_list *list)
{
	unsigned shift = SQLITE_RECENT_RANK_BITS - recent->bits;
	size_t enough = list->count + want;

	for (size_t looks = 0;
	     *from_rank < to_rank && list->count < enough && looks < SQLITE_RECENT_LOOKS_MAX;
	     looks++) {
		size_t home = (size_t)(*from_rank >> shift);
		sqlite_recent_collect_home(recent, home, max_id, *from_rank, list);
		*from_rank = (int64_t)(home + 1) << shift;
	}
}

void sqlite_recent_set_base(struct sqlite_recent *recent, int64_t base)
{
	for (size_t i = 0; i <= sqlite_recent_mask(recent); i++) {
		struct sqlite_recent_slot *slot = &recent->slots[i];
		if (slot->offset == 0)
			continue;
		assert(recent->base + slot->offset > base);
		slot->offset = (uint32_t)(recent->base + slot->offset - base);
	}
	recent->base = base;
}

void sqlite_recent_free(struct sqlite_recent **recent)
{
	if (*recent == NULL)
		return;
	free((*recent)->slots);
	free(*recent);
	*recent = NULL;
}
