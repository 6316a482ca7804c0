/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_cache.h"

#include "base/hash.h"
#include "base/memory.h"
#include "dns_name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	DNS_CACHE_BUCKET_BYTES = 256, /* of entries for each bucket: about one entry */
	DNS_CACHE_BUCKETS_MIN = 16,
	/* The bucket, and what malloc() adds to an entry, its answer and the answer's two arrays.
	 */
	DNS_CACHE_OVERHEAD_BYTES = 8 + 4 * 16,
};

struct dns_cache_entry {
	LIST_ENTRY(dns_cache_entry) in_bucket;
	TAILQ_ENTRY(dns_cache_entry) in_used;
	uint64_t hash;
	int64_t expires_ms;              /* from then on it is not good any more */
	const struct dns_answer *answer; /* held */
	enum dns_type type;
	char name[]; /* with a NUL */
};

LIST_HEAD(dns_cache_bucket, dns_cache_entry);
TAILQ_HEAD(dns_cache_queue, dns_cache_entry);

struct dns_cache {
	struct dns_cache_bucket *buckets; /* owned */
	size_t bucket_count;              /* a power of two */
	struct dns_cache_queue used;      /* all entries; the last one was used last */
	size_t used_bytes, max_bytes;     /* used_bytes is never above max_bytes */
};

uint64_t dns_cache_hash(enum dns_type type, const char *name)
{
	char key[1 + DNS_NAME_SIZE];
	size_t length = strlen(name);

	key[0] = (char)type;
	memcpy(key + 1, name, length); /* NOLINT(bugprone-not-null-terminated-result): no string */
	return hash_text((struct span){key, 1 + length});
}

static struct dns_cache_bucket *dns_cache_bucket(struct dns_cache *cache, uint64_t hash)
{
	return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static size_t dns_cache_cost(const char *name, const struct dns_answer *answer)
{
	return sizeof(struct dns_cache_entry) + strlen(name) + 1 + dns_answer_size_bytes(answer) +
	       DNS_CACHE_OVERHEAD_BYTES;
}

static void dns_cache_remove(struct dns_cache *cache, struct dns_cache_entry *entry)
{
	cache->used_bytes -= dns_cache_cost(entry->name, entry->answer);
	LIST_REMOVE(entry, in_bucket);
	TAILQ_REMOVE(&cache->used, entry, in_used);
	dns_answer_release(&entry->answer);
	free(entry);
}

/* Make used_bytes at most bytes. */
static void dns_cache_shrink(struct dns_cache *cache, size_t bytes)
{
	while (cache->used_bytes > bytes) {
		struct dns_cache_entry *eldest = TAILQ_FIRST(&cache->used);
		assert(eldest != NULL); /* somebody takes what is used */
		dns_cache_remove(cache, eldest);
	}
}

void dns_cache_set_max(struct dns_cache *cache, size_t max_bytes)
{
	struct dns_cache_entry *entry;

	dns_cache_shrink(cache, max_bytes);
	cache->max_bytes = max_bytes;
	cache->bucket_count = DNS_CACHE_BUCKETS_MIN;
	while (cache->bucket_count < max_bytes / DNS_CACHE_BUCKET_BYTES)
		cache->bucket_count *= 2;
	free(cache->buckets);
	cache->buckets = mem_alloc(cache->bucket_count * sizeof(*cache->buckets));
	TAILQ_FOREACH (entry, &cache->used, in_used)
		LIST_INSERT_HEAD(dns_cache_bucket(cache, entry->hash), entry, in_bucket);
}

struct dns_cache *dns_cache_new(size_t max_bytes)
{
	struct dns_cache *cache = mem_alloc(sizeof(*cache));

	TAILQ_INIT(&cache->used);
	dns_cache_set_max(cache, max_bytes);
	return cache;
}

static struct dns_cache_entry *dns_cache_entry(struct dns_cache *cache, enum dns_type type,
					       const char *name)
{
	uint64_t hash = dns_cache_hash(type, name);
	struct dns_cache_entry *entry;

	LIST_FOREACH (entry, dns_cache_bucket(cache, hash), in_bucket)
		if (entry->hash == hash && entry->type == type && strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}

const struct dns_answer *dns_cache_find(struct dns_cache *cache, enum dns_type type,
					const char *name, int64_t now_ms)
{
	struct dns_cache_entry *entry = dns_cache_entry(cache, type, name);

	if (entry == NULL)
		return NULL;
	if (entry->expires_ms <= now_ms) {
		dns_cache_remove(cache, entry);
		return NULL;
	}
	TAILQ_REMOVE(&cache->used, entry, in_used);
	TAILQ_INSERT_TAIL(&cache->used, entry, in_used);
	return entry->answer;
}

void dns_cache_add(struct dns_cache *cache, enum dns_type type, const char *name,
		   const struct dns_answer *answer, int64_t now_ms)
{
	struct dns_cache_entry *entry = dns_cache_entry(cache, type, name);
	size_t cost = dns_cache_cost(name, answer), name_size = strlen(name) + 1;

	if (entry != NULL)
		dns_cache_remove(cache, entry);
	if (dns_answer_ttl_s(answer) <= 0 || cost > cache->max_bytes)
		return;
	dns_cache_shrink(cache, cache->max_bytes - cost);
	entry = mem_alloc(sizeof(*entry) + name_size);
	entry->hash = dns_cache_hash(type, name);
	entry->type = type;
	memcpy(entry->name, name, name_size);
	entry->answer = dns_answer_hold(answer);
	entry->expires_ms = now_ms + 1000 * dns_answer_ttl_s(answer);
	cache->used_bytes += cost;
	LIST_INSERT_HEAD(dns_cache_bucket(cache, entry->hash), entry, in_bucket);
	TAILQ_INSERT_TAIL(&cache->used, entry, in_used);
}

size_t dns_cache_size_bytes(const struct dns_cache *cache)
{
	return cache->used_bytes;
}

void dns_cache_free(struct dns_cache **cache)
{
	struct dns_cache *freed = *cache;

	if (freed == NULL)
		return;
	*cache = NULL;
	dns_cache_shrink(freed, 0);
	free(freed->buckets);
	free(freed);
}
