/* SPDX-License-Identifier: BSD-2-Clause */
#include "instances.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* More messages than Postfix has under way at a time, in 32 KiB. */
	INSTANCES_SETS = 1024, /* a power of two */
	INSTANCES_WAYS = 4,
};

struct instances {
	/* Hashes, the newest of each set first; 0: none. */
	uint64_t sets[INSTANCES_SETS][INSTANCES_WAYS];
};

struct instances *instances_new(void)
{
	return mem_alloc(sizeof(struct instances));
}

bool instances_add(struct instances *instances, struct span instance)
{
	if (instance.length == 0)
		return true;
	/* Two of the same hash are as good as never: it has 64 bits and a key. */
	uint64_t hash = hash_text(instance) | 1;
	uint64_t *set = instances->sets[(hash >> 32) % INSTANCES_SETS];
	for (size_t i = 0; i < INSTANCES_WAYS; i++)
		if (set[i] == hash)
			return false;
	memmove(set + 1, set, (INSTANCES_WAYS - 1) * sizeof(*set));
	set[0] = hash;
	return true;
}

void instances_free(struct instances **instances)
{
	free(*instances);
	*instances = NULL;
}
