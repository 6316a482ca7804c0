/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table in memory of the entries that the index on disk does not have yet: by hash, which id.
 *
 * It is ordered by hash, as the index is, so that what is taken out one after the other meets the
 * pages of the index in their order.  No SQL here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite_recent;

/* Ids are above base, and at most so far. */
static const int64_t SQLITE_RECENT_IDS_MAX = UINT32_MAX;

struct sqlite_recent *sqlite_recent_new(int64_t base);

size_t sqlite_recent_count(const struct sqlite_recent *recent);

void sqlite_recent_add(struct sqlite_recent *recent, int32_t hash, int64_t id);

/* False: it is not there. */
bool sqlite_recent_remove(struct sqlite_recent *recent, int32_t hash, int64_t id);

/*
 * The next id of hash: *from is 0 at first, and the caller's to keep.  False: there are no more.
 * Nothing is added or removed in between.
 */
bool sqlite_recent_next(const struct sqlite_recent *recent, int32_t hash, size_t *from,
			int64_t *id);

struct sqlite_recent_entry {
	int32_t hash;
	int64_t id;
};

/* Entries, one behind the other. */
struct sqlite_recent_list {
	struct sqlite_recent_entry *entries; /* owned */
	size_t count, size;
};

void sqlite_recent_list_add(struct sqlite_recent_list *list, int32_t hash, int64_t id);

/* Free what it holds; it is empty then. */
void sqlite_recent_list_clear(struct sqlite_recent_list *list);

/* Hashes in the order of the database, from 0: the least of them is negative there. */
enum { SQLITE_RECENT_RANK_BITS = 32 };
static const int64_t SQLITE_RECENT_RANKS = (int64_t)1 << SQLITE_RECENT_RANK_BITS;

static inline int64_t sqlite_recent_rank(int32_t hash)
{
	return (uint32_t)hash ^ 0x80000000U;
}

/*
 * Add to list the entries whose id is at most max_id and whose rank is *from_rank or more, in the
 * order of ranks, about want of them, and about as far as to_rank; *from_rank is then the first
 * rank that was not looked at.  SQLITE_RECENT_RANKS: there are no more.
 */
void sqlite_recent_collect(const struct sqlite_recent *recent, int64_t max_id, size_t want,
			   int64_t to_rank, int64_t *from_rank, struct sqlite_recent_list *list);

/* Another base; all ids that are there are above it. */
void sqlite_recent_set_base(struct sqlite_recent *recent, int64_t base);

void sqlite_recent_free(struct sqlite_recent **recent);
