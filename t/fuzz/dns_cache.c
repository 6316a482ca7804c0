/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answers that are kept, against a plain list of all that was ever added: what is found is the
 * last that was added, and still good; and the cache stays within its bound.
 *
 * The input is lines of words: "a NAME TYPE TTL TEXT..." (add an answer, with each text a record;
 * without: there is no such name), "f NAME TYPE" (find), "m BYTES" (another bound), "t MS" (time
 * passes).
 */
#include "lookup/dns_cache.h"

#include "lookup/dns_name.h"
#include "rig/input.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEPS_MAX = 256,
	BYTES_MAX = 1 << 20,
	TIME_MAX_MS = 1 << 30,
	ENTRY_BYTES = 1024, /* more than an entry takes beside its answer */
};

struct added {
	char name[DNS_NAME_SIZE];
	enum dns_type type;
	const struct dns_answer *answer; /* held */
	int64_t expires_ms;
};

static struct {
	struct added list[STEPS_MAX];
	size_t count;
	size_t max_bytes;
	int64_t now_ms;
} model;

/* The last one for a question, or NULL. */
static const struct added *model_find(const char *name, enum dns_type type)
{
	for (size_t i = model.count; i-- > 0;)
		if (model.list[i].type == type && strcmp(model.list[i].name, name) == 0)
			return &model.list[i];
	return NULL;
}

static enum dns_type cache_type(struct span word)
{
	static const enum dns_type types[] = {DNS_TXT, DNS_PTR, DNS_MX};
	return types[(size_t)input_number(word) % 3];
}

static void cache_add(struct dns_cache *cache, const char *name, enum dns_type type,
		      struct span rest)
{
	int64_t ttl_s = input_number(span_next_word(&rest, " ")) % 86400;
	struct span text = span_next_word(&rest, " ");
	struct dns_answer *answer =
		dns_answer_new(text.length > 0 ? DNS_FOUND : DNS_NO_NAME, INT64_MAX);
	struct added *added = &model.list[model.count++];

	for (; text.length > 0; text = span_next_word(&rest, " "))
		dns_answer_add_text(answer, text);
	dns_answer_limit_ttl(answer, ttl_s);
	memcpy(added->name, name, strlen(name) + 1);
	added->type = type;
	added->answer = answer;
	added->expires_ms = model.now_ms + 1000 * ttl_s;
	dns_cache_add(cache, type, name, answer, model.now_ms);
	/* What was added last is there, when it may be kept and fits. */
	bool is_kept = dns_cache_find(cache, type, name, model.now_ms) == answer;
	bool fits = dns_answer_size_bytes(answer) + ENTRY_BYTES <= model.max_bytes;
	assert(is_kept ? ttl_s > 0 : ttl_s <= 0 || !fits);
}

static void cache_find(struct dns_cache *cache, const char *name, enum dns_type type)
{
	const struct added *added = model_find(name, type);
	const struct dns_answer *found = dns_cache_find(cache, type, name, model.now_ms);

	assert(found == NULL ||
	       (added != NULL && found == added->answer && model.now_ms < added->expires_ms));
	for (size_t i = 0; found != NULL && i < dns_answer_count(found); i++)
		assert(dns_answer_text(found, i).length > 0);
}

static void cache_step(struct dns_cache *cache, struct span line)
{
	struct span verb = span_next_word(&line, " ");
	struct span first = span_next_word(&line, " ");
	char name[DNS_NAME_SIZE];

	if (span_equals(verb, SPAN("m"))) {
		model.max_bytes = (size_t)input_number(first) % BYTES_MAX;
		dns_cache_set_max(cache, model.max_bytes);
	} else if (span_equals(verb, SPAN("t"))) {
		model.now_ms += (int64_t)((uint64_t)input_number(first) % TIME_MAX_MS);
	} else if (dns_name_fold_question(first, name)) {
		enum dns_type type = cache_type(span_next_word(&line, " "));
		if (span_equals(verb, SPAN("a")) && model.count < STEPS_MAX)
			cache_add(cache, name, type, line);
		else
			cache_find(cache, name, type);
	}
	assert(dns_cache_size_bytes(cache) <= model.max_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);

	model.max_bytes = 4096;
	model.now_ms = 1;
	struct dns_cache *cache = dns_cache_new(model.max_bytes);
	while (rest.length > 0)
		cache_step(cache, input_line(&rest));
	dns_cache_set_max(cache, 0);
	assert(dns_cache_size_bytes(cache) == 0);
	dns_cache_free(&cache);
	while (model.count > 0)
		dns_answer_release(&model.list[--model.count].answer);
	return 0;
}
