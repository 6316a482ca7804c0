/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are still good, by question.  No clock of its own: now_ms is monotonic.
 *
 * Strangers choose what is asked, so that it is bounded by bytes, whatever an entry is made of;
 * what was not used for longest goes first.
 */
#pragma once

#include "dns_answer.h"

#include <stddef.h>
#include <stdint.h>

struct dns_cache;

/* At most max_bytes, 0 included: then nothing is kept. */
struct dns_cache *dns_cache_new(size_t max_bytes);

/* Another bound; what does not fit goes. */
void dns_cache_set_max(struct dns_cache *cache, size_t max_bytes);

/* The hash of a question, for the tables of others as well; name is folded. */
uint64_t dns_cache_hash(enum dns_type type, const char *name);

/* The answer that is kept for a question, or NULL.  The caller holds it if he wants it for longer
 * than the cache stays as it is. */
const struct dns_answer *dns_cache_find(struct dns_cache *cache, enum dns_type type,
					const char *name, int64_t now_ms);

/* Keep answer, as long as its TTL says, in place of the one that was there; 0: not at all. */
void dns_cache_add(struct dns_cache *cache, enum dns_type type, const char *name,
		   const struct dns_answer *answer, int64_t now_ms);

/* Of all entries, with what the allocator takes. */
size_t dns_cache_size_bytes(const struct dns_cache *cache);

void dns_cache_free(struct dns_cache **cache);
