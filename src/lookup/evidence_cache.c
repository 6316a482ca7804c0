/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence_cache.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVIDENCE_CACHE_SETS = 2048, /* a power of two */
	EVIDENCE_CACHE_WAYS = 4,
	EVIDENCE_CACHE_SIZE = EVIDENCE_CACHE_SETS * EVIDENCE_CACHE_WAYS,
};

/* What all kinds have in common.  Two of the same hash are as good as never: it has 64 bits and a
 * key. */
struct evidence_cache_key {
	uint64_t hash;
	int64_t good_until_ms; /* monotonic; 0: nothing is kept here */
};

struct evidence_cache_spf {
	enum spf_result result;
	bool is_narrow, is_doubtful;
};

struct evidence_cache_iprev {
	enum iprev_result result;
	char *name; /* owned */
};

struct evidence_cache {
	struct evidence_cache_key spf_keys[EVIDENCE_CACHE_SIZE], iprev_keys[EVIDENCE_CACHE_SIZE];
	struct evidence_cache_spf spf[EVIDENCE_CACHE_SIZE];
	struct evidence_cache_iprev iprev[EVIDENCE_CACHE_SIZE];
};

struct evidence_cache *evidence_cache_new(void)
{
	return mem_alloc(sizeof(struct evidence_cache));
}

static size_t evidence_cache_first(uint64_t hash)
{
	return (hash & (EVIDENCE_CACHE_SETS - 1)) * EVIDENCE_CACHE_WAYS;
}

/* The number of what is kept and good; EVIDENCE_CACHE_SIZE: nothing. */
static size_t evidence_cache_find(const struct evidence_cache_key *keys, uint64_t hash,
				  int64_t now_ms)
{
	size_t first = evidence_cache_first(hash);

	for (size_t i = first; i < first + EVIDENCE_CACHE_WAYS; i++)
		if (keys[i].hash == hash && now_ms < keys[i].good_until_ms)
			return i;
	return EVIDENCE_CACHE_SIZE;
}

/* The number under which to keep something: its own, or that of what is good for the least time. */
static size_t evidence_cache_place(struct evidence_cache_key *keys, uint64_t hash,
				   int64_t good_until_ms)
{
	size_t first = evidence_cache_first(hash), place = first;

	for (size_t i = first; i < first + EVIDENCE_CACHE_WAYS; i++) {
		if (keys[i].hash == hash) {
			place = i;
			break;
		}
		if (keys[i].good_until_ms < keys[place].good_until_ms)
			place = i;
	}
	keys[place] = (struct evidence_cache_key){hash, good_until_ms};
	return place;
}

static uint64_t evidence_cache_hash_client(const struct netaddr *client)
{
	return hash_text((struct span){(const char *)client, sizeof(*client)});
}

/* All that an outcome rests on that is kept: whose record, and what that is; client and limits,
 * unless there is no record, which is so for all of them. */
struct evidence_cache_about {
	struct netaddr client;
	struct spf_limits limits;
	bool is_helo;
	char domain[EVIDENCE_NAME_SIZE];
};

static uint64_t evidence_cache_hash_spf(const struct spf_question *question,
					const struct spf_evidence *identity, bool for_all)
{
	struct evidence_cache_about about;
	size_t size = offsetof(struct evidence_cache_about, domain);

	/* The bytes between the fields are hashed too. */
	memset(&about, 0, size);
	if (!for_all) {
		about.client = question->client;
		about.limits = question->limits;
	}
	about.is_helo = identity->is_helo;
	size += (size_t)(stpcpy(about.domain, identity->domain) - about.domain);
	return hash_text((struct span){(const char *)&about, size});
}

bool evidence_cache_find_iprev(const struct evidence_cache *cache, const struct netaddr *client,
			       int64_t now_ms, struct iprev_evidence *iprev)
{
	size_t i =
		evidence_cache_find(cache->iprev_keys, evidence_cache_hash_client(client), now_ms);

	if (i == EVIDENCE_CACHE_SIZE)
		return false;
	iprev->result = cache->iprev[i].result;
	memcpy(iprev->name, cache->iprev[i].name, strlen(cache->iprev[i].name) + 1);
	return true;
}

void evidence_cache_keep_iprev(struct evidence_cache *cache, const struct netaddr *client,
			       const struct iprev_evidence *iprev, int64_t good_until_ms)
{
	if (iprev->result == IPREV_TEMPERROR || good_until_ms == 0)
		return;
	size_t i = evidence_cache_place(cache->iprev_keys, evidence_cache_hash_client(client),
					good_until_ms);
	free(cache->iprev[i].name);
	cache->iprev[i] =
		(struct evidence_cache_iprev){iprev->result, mem_copy_string(iprev->name)};
}

bool evidence_cache_find_spf(const struct evidence_cache *cache,
			     const struct spf_question *question, int64_t now_ms,
			     struct spf_evidence *spf)
{
	struct spf_evidence identity = {.result = SPF_NOT_ASKED};

	spf_question_identity(question, &identity);
	size_t i = evidence_cache_find(cache->spf_keys,
				       evidence_cache_hash_spf(question, &identity, true), now_ms);
	if (i == EVIDENCE_CACHE_SIZE)
		i = evidence_cache_find(cache->spf_keys,
					evidence_cache_hash_spf(question, &identity, false),
					now_ms);
	if (i == EVIDENCE_CACHE_SIZE)
		return false;
	*spf = identity;
	spf->result = cache->spf[i].result;
	spf->is_narrow = cache->spf[i].is_narrow;
	spf->is_doubtful = cache->spf[i].is_doubtful;
	return true;
}

void evidence_cache_keep_spf(struct evidence_cache *cache, const struct spf_question *question,
			     const struct spf_outcome *outcome)
{
	const struct spf_evidence *evidence = &outcome->evidence;

	if (evidence->result == SPF_TEMPERROR || outcome->is_personal ||
	    outcome->good_until_ms == 0)
		return;
	bool for_all = evidence->result == SPF_NONE;
	size_t i = evidence_cache_place(cache->spf_keys,
					evidence_cache_hash_spf(question, evidence, for_all),
					outcome->good_until_ms);
	cache->spf[i] = (struct evidence_cache_spf){evidence->result, evidence->is_narrow,
						    evidence->is_doubtful};
}

void evidence_cache_free(struct evidence_cache **cache)
{
	if (*cache == NULL)
		return;
	for (size_t i = 0; i < EVIDENCE_CACHE_SIZE; i++)
		free((*cache)->iprev[i].name);
	free(*cache);
	*cache = NULL;
}
