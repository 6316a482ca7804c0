/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_senders.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATS_SENDERS_SLOTS = 128, STATS_SENDERS_HALF_S = 30 };

struct stats_senders_half {
	int64_t begin_s; /* monotonic */
	size_t count;
	uint64_t hashes[STATS_SENDERS_SLOTS];
	struct stats_sender slots[STATS_SENDERS_SLOTS];
};

struct stats_senders {
	struct stats_senders_half halves[2];
	unsigned current;
};

struct stats_senders *stats_senders_new(void)
{
	return mem_alloc(sizeof(struct stats_senders));
}

void stats_senders_free(struct stats_senders **senders)
{
	free(*senders);
	*senders = NULL;
}

/* The half minute that now_s is in; one that is over becomes the other. */
static struct stats_senders_half *stats_senders_turn(struct stats_senders *senders, int64_t now_s)
{
	struct stats_senders_half *half = &senders->halves[senders->current];

	if (half->begin_s != 0 && now_s - half->begin_s < STATS_SENDERS_HALF_S)
		return half;
	senders->current = 1 - senders->current;
	half = &senders->halves[senders->current];
	half->begin_s = now_s;
	half->count = 0;
	return half;
}

static struct stats_sender *stats_senders_slot(struct stats_senders_half *half, const char *name)
{
	uint64_t hash = hash_text(span_of(name));
	size_t least = 0;

	for (size_t i = 0; i < half->count; i++) {
		if (half->hashes[i] == hash)
			return &half->slots[i];
		if (half->slots[i].requests < half->slots[least].requests ||
		    (half->slots[i].requests == half->slots[least].requests &&
		     half->slots[i].longest_us < half->slots[least].longest_us))
			least = i;
	}
	if (half->count < STATS_SENDERS_SLOTS) {
		least = half->count++;
		half->slots[least].requests = 0;
	}
	half->hashes[least] = hash;
	half->slots[least].longest_us = 0;
	snprintf(half->slots[least].name, STATS_SENDER_NAME_SIZE, "%s", name);
	return &half->slots[least];
}

void stats_senders_count(struct stats_senders *senders, const char *name, int64_t duration_us,
			 int64_t now_s)
{
	struct stats_sender *sender = stats_senders_slot(stats_senders_turn(senders, now_s), name);

	sender->requests++;
	if (duration_us > sender->longest_us)
		sender->longest_us = duration_us;
}

static void stats_senders_merge(const struct stats_senders_half *half, struct stats_sender *all,
				size_t *count)
{
	for (size_t i = 0; i < half->count; i++) {
		size_t j = 0;
		while (j < *count && strcmp(all[j].name, half->slots[i].name) != 0)
			j++;
		if (j == *count) {
			all[(*count)++] = half->slots[i];
			continue;
		}
		all[j].requests += half->slots[i].requests;
		if (half->slots[i].longest_us > all[j].longest_us)
			all[j].longest_us = half->slots[i].longest_us;
	}
}

static int stats_senders_by_requests(const void *a, const void *b)
{
	const struct stats_sender *left = a, *right = b;
	return (left->requests < right->requests) - (left->requests > right->requests);
}

static int stats_senders_by_duration(const void *a, const void *b)
{
	const struct stats_sender *left = a, *right = b;
	return (left->longest_us < right->longest_us) - (left->longest_us > right->longest_us);
}

size_t stats_senders_list(const struct stats_senders *senders, enum stats_senders_order order,
			  int64_t now_s, struct stats_sender list[static STATS_SENDERS_SHOWN])
{
	struct stats_sender *all = mem_alloc(2 * STATS_SENDERS_SLOTS * sizeof(*all));
	size_t count = 0;

	for (size_t i = 0; i < 2; i++)
		if (now_s - senders->halves[i].begin_s < 2 * STATS_SENDERS_HALF_S)
			stats_senders_merge(&senders->halves[i], all, &count);
	qsort(all, count, sizeof(*all),
	      order == STATS_BUSIEST ? stats_senders_by_requests : stats_senders_by_duration);
	if (count > STATS_SENDERS_SHOWN)
		count = STATS_SENDERS_SHOWN;
	memcpy(list, all, count * sizeof(*all));
	free(all);
	return count;
}
