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

/*
 * Take out one entry whose id is at most max_id, going on at *at, which is 0 at first, in the order
 * of hashes.  False: from there on there is none; what moved meanwhile is found by another round.
 */
bool sqlite_recent_take(struct sqlite_recent *recent, int64_t max_id, size_t *at, int32_t *hash,
			int64_t *id);

/* Another base; all ids that are there are above it. */
void sqlite_recent_set_base(struct sqlite_recent *recent, int64_t base);

void sqlite_recent_free(struct sqlite_recent **recent);
