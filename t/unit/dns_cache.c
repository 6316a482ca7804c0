/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/dns_cache.h"

#include "base/hash.h"
#include "lookup/dns_name.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static void add(struct dns_cache *cache, enum dns_type type, const char *name, int64_t ttl_s,
		int64_t now_ms)
{
	const struct dns_answer *answer = dns_answer_new(DNS_NO_DATA, ttl_s);
	dns_cache_add(cache, type, name, answer, now_ms);
	dns_answer_release(&answer);
}

static bool has(struct dns_cache *cache, const char *name, int64_t now_ms)
{
	return dns_cache_find(cache, DNS_A, name, now_ms) != NULL;
}

static void test_expiry(void)
{
	struct dns_cache *cache = dns_cache_new(1 << 20);

	tap_ok(!has(cache, "a.example", 0), "an empty cache has nothing");
	add(cache, DNS_A, "a.example", 10, 5000);
	tap_ok(has(cache, "a.example", 5000), "an answer is there at once");
	tap_ok(!has(cache, "b.example", 5000), "another name has none");
	tap_ok(dns_cache_find(cache, DNS_TXT, "a.example", 5000) == NULL, "another type has none");
	tap_ok(has(cache, "a.example", 14999), "it is there until its TTL is over");
	tap_ok(!has(cache, "a.example", 15000), "and not any more then");
	tap_is_number((long long)dns_cache_size_bytes(cache), 0, "what is over takes no room");
	add(cache, DNS_A, "a.example", 0, 0);
	tap_ok(!has(cache, "a.example", 0), "with a TTL of 0 it is not kept");
	add(cache, DNS_A, "a.example", 10, 0);
	size_t one = dns_cache_size_bytes(cache);
	add(cache, DNS_A, "a.example", 20, 0);
	tap_ok(has(cache, "a.example", 15000), "a newer answer takes the place of the old one");
	tap_is_number((long long)dns_cache_size_bytes(cache), (long long)one, "and no more room");
	add(cache, DNS_A, "a.example", 0, 0);
	tap_ok(!has(cache, "a.example", 0), "one that is not to be kept ends the old one");
	dns_cache_free(&cache);
	dns_cache_free(&cache);
}

static void test_least_recently_used(void)
{
	struct dns_cache *cache = dns_cache_new(1 << 20);

	add(cache, DNS_A, "a.example", 10, 0);
	size_t one = dns_cache_size_bytes(cache);
	dns_cache_set_max(cache, 3 * one);
	add(cache, DNS_A, "b.example", 10, 0);
	add(cache, DNS_A, "c.example", 10, 0);
	tap_ok(has(cache, "a.example", 0), "three fit");
	add(cache, DNS_A, "d.example", 10, 0);
	tap_ok(!has(cache, "b.example", 0), "the one that was not used for longest went");
	tap_ok(has(cache, "c.example", 0) && has(cache, "a.example", 0) &&
		       has(cache, "d.example", 0),
	       "the others stay");
	dns_cache_set_max(cache, one);
	tap_ok(has(cache, "d.example", 0) && !has(cache, "a.example", 0),
	       "with less room the one that was used last stays");
	dns_cache_set_max(cache, one - 1);
	tap_ok(!has(cache, "d.example", 0), "with too little for one none stays");
	add(cache, DNS_A, "d.example", 10, 0);
	tap_ok(!has(cache, "d.example", 0), "and none is kept");
	dns_cache_set_max(cache, 0);
	add(cache, DNS_A, "d.example", 10, 0);
	tap_ok(!has(cache, "d.example", 0), "a cache of 0 bytes keeps nothing");
	dns_cache_free(&cache);
}

static void test_held(void)
{
	struct dns_cache *cache = dns_cache_new(1 << 20);

	add(cache, DNS_A, "a.example", 10, 0);
	const struct dns_answer *held =
		dns_answer_hold(dns_cache_find(cache, DNS_A, "a.example", 0));
	dns_cache_free(&cache);
	tap_is_number(dns_answer_ttl_s(held), 10, "who holds an answer has it without the cache");
	dns_answer_release(&held);
}

static void test_bound(void)
{
	enum { MAX_BYTES = 1 << 20, TEXT_SIZE = 1000 };
	struct dns_cache *cache = dns_cache_new(MAX_BYTES);
	char text[TEXT_SIZE], name[DNS_NAME_SIZE];
	size_t largest = 0, kept = 0;

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 20000; i++) {
		struct dns_answer *answer = dns_answer_new(DNS_FOUND, 300);
		for (int j = i % 5; j >= 0; j--)
			dns_answer_add_text(answer, (struct span){text, TEXT_SIZE});
		snprintf(name, sizeof(name), "n%d.example", i);
		dns_cache_add(cache, DNS_TXT, name, answer, i);
		dns_answer_release((const struct dns_answer **)&answer);
		if (dns_cache_size_bytes(cache) > largest)
			largest = dns_cache_size_bytes(cache);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		const struct dns_answer *answer = dns_cache_find(cache, DNS_TXT, name, 20000);
		kept += answer != NULL && dns_answer_count(answer) == (size_t)(i % 5) + 1;
	}
	tap_ok(largest <= MAX_BYTES && largest > MAX_BYTES / 10 * 9,
	       "20000 answers of some kilobytes: it is full, and never beyond its bound");
	tap_ok(kept > 150 && kept < MAX_BYTES / TEXT_SIZE, "it has as many as fit, and whole");
	dns_cache_free(&cache);
}

int main(void)
{
	hash_init();
	test_expiry();
	test_least_recently_used();
	test_held();
	test_bound();
	return tap_done();
}
