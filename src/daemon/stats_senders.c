/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_senders.h"

#include "base/hash.h"
#include "base/memory.h"
#include "rules/privacy.h"
#include "rules/sender.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATS_SENDERS_SETS = 64, /* a name has its place in one of them, by its hash: a look at all
				  * places took longer than the rest of counting */
	STATS_SENDERS_WAYS = 4,
	STATS_SENDERS_SLOTS = STATS_SENDERS_SETS * STATS_SENDERS_WAYS,
	STATS_SENDERS_HALF_S = 30,
};

/* One place. */
struct stats_senders_place {
	uint64_t hash;  /* of the name */
	int64_t weight; /* what it is in its place for; 0: nobody is */
};

/* Those that came first in one order. */
struct stats_senders_top {
	struct stats_senders_place places[STATS_SENDERS_SLOTS];
	struct stats_sender slots[STATS_SENDERS_SLOTS]; /* who is in the place of that number */
};

struct stats_senders_half {
	int64_t begin_s; /* monotonic */
	struct stats_senders_top tops[STATS_SENDERS_ORDER_COUNT];
};

struct stats_senders {
	struct stats_senders_half halves[2];
	unsigned current;
};

/* Where it may be cut, it is ASCII, so that what is left is still text. */
static void stats_senders_show(struct span domain, char name[static STATS_SENDER_NAME_SIZE])
{
	size_t length = 0;

	for (; length < domain.length && length + 1 < STATS_SENDER_NAME_SIZE; length++) {
		char c = ascii_lower(domain.text[length]);
		name[length] = c > ' ' && c < 0x7f ? c : '?';
	}
	name[length] = '\0';
}

void stats_senders_name(struct span sender, const struct privacy *privacy,
			char name[static STATS_SENDER_NAME_SIZE])
{
	struct span domain = address_domain(sender);

	_Static_assert((int)STATS_SENDER_NAME_SIZE >= (int)PRIVACY_TEXT_SIZE, "it has to fit");
	if (domain.length == 0)
		domain = SPAN("<>");
	if (privacy != NULL)
		privacy_hash(privacy, domain, name);
	else
		stats_senders_show(domain, name);
}

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
	for (size_t i = 0; i < STATS_SENDERS_ORDER_COUNT; i++)
		memset(half->tops[i].places, 0, sizeof(half->tops[i].places));
	return half;
}

/* The place of a name; where it has none, an empty one of its set, or that of the least there. */
static size_t stats_senders_find(const struct stats_senders_top *top, uint64_t hash)
{
	size_t first = hash % STATS_SENDERS_SETS * STATS_SENDERS_WAYS, least = first;

	for (size_t i = first; i < first + STATS_SENDERS_WAYS; i++) {
		if (top->places[i].weight > 0 && top->places[i].hash == hash)
			return i;
		if (top->places[i].weight < top->places[least].weight)
			least = i;
	}
	return least;
}

/* One request more. */
static void stats_senders_add(struct stats_senders_top *top, enum stats_senders_order order,
			      uint64_t hash, const char *name, int64_t duration_us)
{
	size_t i = stats_senders_find(top, hash);
	struct stats_senders_place *place = &top->places[i];
	struct stats_sender *sender = &top->slots[i];

	if (place->weight == 0 || place->hash != hash) {
		bool is_empty = place->weight == 0;
		if (!is_empty && order == STATS_SLOWEST && duration_us <= sender->longest_us)
			return;
		if (is_empty || order == STATS_SLOWEST)
			sender->requests = 0;
		sender->longest_us = 0;
		place->hash = hash;
		snprintf(sender->name, STATS_SENDER_NAME_SIZE, "%s", name);
	}
	sender->requests++;
	if (duration_us > sender->longest_us)
		sender->longest_us = duration_us;
	place->weight = order == STATS_BUSIEST ? (int64_t)sender->requests : sender->longest_us + 1;
}

void stats_senders_count(struct stats_senders *senders, const char *name, int64_t duration_us,
			 int64_t now_s)
{
	struct stats_senders_half *half = stats_senders_turn(senders, now_s);
	uint64_t hash = hash_text(span_of(name));

	for (size_t i = 0; i < STATS_SENDERS_ORDER_COUNT; i++)
		stats_senders_add(&half->tops[i], (enum stats_senders_order)i, hash, name,
				  duration_us);
}

/* Put those of a half minute to those in all. */
static void stats_senders_merge(const struct stats_senders_top *top, struct stats_sender *all,
				size_t *count)
{
	for (size_t i = 0; i < STATS_SENDERS_SLOTS; i++) {
		const struct stats_sender *sender = &top->slots[i];
		size_t j = 0;
		if (top->places[i].weight == 0)
			continue;
		while (j < *count && strcmp(all[j].name, sender->name) != 0)
			j++;
		if (j == *count) {
			all[(*count)++] = *sender;
			continue;
		}
		all[j].requests += sender->requests;
		if (sender->longest_us > all[j].longest_us)
			all[j].longest_us = sender->longest_us;
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
			stats_senders_merge(&senders->halves[i].tops[order], all, &count);
	qsort(all, count, sizeof(*all),
	      order == STATS_BUSIEST ? stats_senders_by_requests : stats_senders_by_duration);
	if (count > STATS_SENDERS_SHOWN)
		count = STATS_SENDERS_SHOWN;
	memcpy(list, all, count * sizeof(*all));
	free(all);
	return count;
}
