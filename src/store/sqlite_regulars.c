/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_regulars.h"

#include "base/hash.h"
#include "base/memory.h"
#include "sqlite_greylist.h"

#include <stdint.h>
#include <stdlib.h>

enum {
	SQLITE_REGULARS_SETS = 1 << 16, /* half a million in all, in 1 MiB as far as it is used */
	SQLITE_REGULARS_WAYS = 8,
};

/* The newest first.  0: none. */
struct sqlite_regulars_set {
	uint16_t tags[SQLITE_REGULARS_WAYS];
};

struct sqlite_regulars {
	uint8_t key[HASH_KEY_SIZE];
	struct sqlite_regulars_set sets[SQLITE_REGULARS_SETS];
};

struct sqlite_regulars *sqlite_regulars_new(void)
{
	struct sqlite_regulars *regulars = mem_alloc(sizeof(*regulars));

	hash_random(regulars->key, sizeof(regulars->key));
	return regulars;
}

/* The set in which a triplet is, if it is there, and its tag. */
static size_t sqlite_regulars_place(const struct sqlite_regulars *regulars,
				    const struct store_question *question, uint16_t *tag)
{
	/* One identity is enough to tell it from others. */
	uint64_t hash = sqlite_greylist_hash(question->who.list[0].key, question, regulars->key);

	*tag = (uint16_t)(hash >> 48 | 1);
	return hash % SQLITE_REGULARS_SETS;
}

static size_t sqlite_regulars_find(const struct sqlite_regulars_set *set, uint16_t tag)
{
	size_t way = 0;

	while (way < SQLITE_REGULARS_WAYS && set->tags[way] != tag)
		way++;
	return way;
}

void sqlite_regulars_add(struct sqlite_regulars *regulars, const struct store_question *question)
{
	uint16_t tag;
	struct sqlite_regulars_set *set =
		&regulars->sets[sqlite_regulars_place(regulars, question, &tag)];
	size_t way = sqlite_regulars_find(set, tag);

	/* The oldest goes when it is not there. */
	if (way == SQLITE_REGULARS_WAYS)
		way--;
	for (; way > 0; way--)
		set->tags[way] = set->tags[way - 1];
	set->tags[0] = tag;
}

bool sqlite_regulars_has(const struct sqlite_regulars *regulars,
			 const struct store_question *question)
{
	uint16_t tag;
	size_t set = sqlite_regulars_place(regulars, question, &tag);

	return sqlite_regulars_find(&regulars->sets[set], tag) < SQLITE_REGULARS_WAYS;
}

void sqlite_regulars_free(struct sqlite_regulars **regulars)
{
	free(*regulars);
	*regulars = NULL;
}
