/* SPDX-License-Identifier: BSD-2-Clause */
#include "flood.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>

enum {
	FLOOD_PERIOD_S = 86400,
	FLOOD_BUCKETS = 1024, /* a power of two */
	FLOOD_WAYS = 8,       /* networks counted in one bucket */
};

/* The sizes of network that are counted, and how many caps each may bring. */
static const struct flood_level {
	uint8_t bits; /* of the address family */
	uint8_t prefix;
	int64_t caps;
} flood_levels[] = {
	{128, 64, 1},
	{128, 48, 10},
	{128, 32, 100},
	{32, 24, 1},
};

enum { FLOOD_LEVELS = sizeof(flood_levels) / sizeof(flood_levels[0]) };

struct flood_count {
	uint64_t hash;  /* of the network; 64 bits of a keyed hash do not collide by chance or by
			   will */
	uint32_t count; /* never more than what it brought; 0: free */
};

struct flood {
	int64_t began_s; /* Unix time at which the current period began */
	struct flood_count counts[FLOOD_LEVELS][FLOOD_BUCKETS][FLOOD_WAYS];
};

struct flood *flood_new(void)
{
	return mem_alloc(sizeof(struct flood));
}

/* Not so when the period is over, nor when the clock was set back before it. */
static bool flood_is_current(const struct flood *flood, int64_t now_s)
{
	return now_s >= flood->began_s && now_s - flood->began_s < FLOOD_PERIOD_S;
}

static uint64_t flood_hash(size_t level, const struct netaddr *addr)
{
	struct network network = network_of(addr, flood_levels[level].prefix);
	return hash_text((struct span){(const char *)&network, sizeof(network)});
}

bool flood_is_over(const struct flood *flood, const struct netaddr *addr, int64_t cap,
		   int64_t now_s)
{
	if (cap == 0 || !flood_is_current(flood, now_s))
		return false;
	for (size_t level = 0; level < FLOOD_LEVELS; level++) {
		if (flood_levels[level].bits != addr->bits)
			continue;
		uint64_t hash = flood_hash(level, addr);
		const struct flood_count *bucket = flood->counts[level][hash & (FLOOD_BUCKETS - 1)];
		for (size_t i = 0; i < FLOOD_WAYS; i++)
			if (bucket[i].count > 0 && bucket[i].hash == hash &&
			    bucket[i].count >= cap * flood_levels[level].caps)
				return true;
	}
	return false;
}

/* The slot that counts the network, else a free one, else NULL. */
static struct flood_count *flood_slot(struct flood_count *bucket, uint64_t hash)
{
	struct flood_count *free_slot = NULL;

	for (size_t i = 0; i < FLOOD_WAYS; i++) {
		if (bucket[i].count == 0)
			free_slot = &bucket[i];
		else if (bucket[i].hash == hash)
			return &bucket[i];
	}
	return free_slot;
}

static void flood_count_in(struct flood_count *bucket, uint64_t hash)
{
	struct flood_count *slot = flood_slot(bucket, hash);

	if (slot == NULL) {
		/* All are taken by others: each gives one, and this one is not counted. */
		for (size_t i = 0; i < FLOOD_WAYS; i++)
			bucket[i].count--;
	} else if (slot->count < UINT32_MAX) {
		slot->hash = hash;
		slot->count++;
	}
}

void flood_count(struct flood *flood, const struct netaddr *addr, int64_t now_s)
{
	if (!flood_is_current(flood, now_s))
		*flood = (struct flood){.began_s = now_s};
	for (size_t level = 0; level < FLOOD_LEVELS; level++) {
		if (flood_levels[level].bits != addr->bits)
			continue;
		uint64_t hash = flood_hash(level, addr);
		flood_count_in(flood->counts[level][hash & (FLOOD_BUCKETS - 1)], hash);
	}
}

void flood_free(struct flood **flood)
{
	free(*flood);
	*flood = NULL;
}
