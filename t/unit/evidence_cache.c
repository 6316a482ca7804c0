/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hash.h"
#include "lookup/evidence_cache.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct netaddr address(const char *text)
{
	struct netaddr addr;

	netaddr_parse(span_of(text), &addr);
	return addr;
}

static struct spf_question question(const char *client, const char *sender, const char *helo)
{
	return (struct spf_question){.client = address(client),
				     .sender = span_of(sender),
				     .helo = span_of(helo),
				     .limits = {.max_lookups = 10, .max_void_lookups = 2}};
}

static struct spf_outcome outcome(const struct spf_question *asked, enum spf_result result,
				  int64_t good_until_ms)
{
	struct spf_outcome found = {.evidence = {.is_narrow = result == SPF_PASS},
				    .good_until_ms = good_until_ms};

	spf_question_identity(asked, &found.evidence);
	found.evidence.result = result;
	return found;
}

static void test_iprev(void)
{
	struct evidence_cache *cache = evidence_cache_new();
	struct netaddr client = address("2001:db8::25"), other = address("2001:db8::26");
	struct iprev_evidence pass = {IPREV_PASS, "mail.example.org"},
			      found = {IPREV_NOT_ASKED, ""};
	struct iprev_evidence none = {IPREV_PERMERROR, ""}, unknown = {IPREV_TEMPERROR, ""};

	tap_ok(!evidence_cache_find_iprev(cache, &client, 0, &found), "at first nothing is kept");
	evidence_cache_keep_iprev(cache, &client, &pass, 1000);
	tap_ok(evidence_cache_find_iprev(cache, &client, 999, &found) &&
		       found.result == IPREV_PASS && strcmp(found.name, "mail.example.org") == 0,
	       "what was found out is known, with the name");
	tap_ok(!evidence_cache_find_iprev(cache, &client, 1000, &found),
	       "but no longer than the answers are good");
	tap_ok(!evidence_cache_find_iprev(cache, &other, 0, &found), "and of nobody else");
	evidence_cache_keep_iprev(cache, &client, &none, 5000);
	tap_ok(evidence_cache_find_iprev(cache, &client, 2000, &found) &&
		       found.result == IPREV_PERMERROR && found.name[0] == '\0',
	       "what is newer takes its place");
	evidence_cache_keep_iprev(cache, &other, &unknown, 5000);
	tap_ok(!evidence_cache_find_iprev(cache, &other, 0, &found),
	       "what could not be told is not kept");
	evidence_cache_free(&cache);
}

static void test_spf(void)
{
	struct evidence_cache *cache = evidence_cache_new();
	struct spf_question asked =
		question("2001:db8::25", "news@example.org", "mail.example.org");
	struct spf_question bounce = question("2001:db8::25", "", "example.org");
	struct spf_question again = question("2001:db8::25", "other@Example.ORG", "else.example");
	struct spf_question elsewhere = question("2001:db8::26", "news@example.org", "");
	struct spf_question unlucky = question("2001:db8::25", "news@unlucky.example", "");
	struct spf_question strict = asked;
	struct spf_outcome pass = outcome(&asked, SPF_PASS, 1000);
	struct spf_evidence found = {.result = SPF_NOT_ASKED};

	evidence_cache_keep_spf(cache, &asked, &pass);
	tap_ok(evidence_cache_find_spf(cache, &again, 999, &found) && found.result == SPF_PASS &&
		       found.is_narrow && !found.is_helo &&
		       strcmp(found.domain, "example.org") == 0,
	       "an outcome goes for the next sender of the domain");
	tap_ok(!evidence_cache_find_spf(cache, &again, 1000, &found), "while its answers are good");
	tap_ok(!evidence_cache_find_spf(cache, &elsewhere, 0, &found), "not for another client");
	tap_ok(!evidence_cache_find_spf(cache, &bounce, 0, &found), "not for a HELO");
	strict.limits.max_lookups = 1;
	tap_ok(!evidence_cache_find_spf(cache, &strict, 0, &found), "nor under other limits");

	struct spf_outcome none = outcome(&elsewhere, SPF_NONE, 1000);
	evidence_cache_keep_spf(cache, &elsewhere, &none);
	tap_ok(evidence_cache_find_spf(cache, &strict, 999, &found) && found.result == SPF_NONE,
	       "that there is no record goes for all clients");
	tap_ok(!evidence_cache_find_spf(cache, &strict, 1000, &found), "... for its time");

	struct spf_outcome personal = outcome(&bounce, SPF_FAIL, 1000);
	personal.is_personal = true;
	evidence_cache_keep_spf(cache, &bounce, &personal);
	tap_ok(!evidence_cache_find_spf(cache, &bounce, 0, &found),
	       "what a macro made for one sender is not kept");
	struct spf_outcome unknown = outcome(&unlucky, SPF_TEMPERROR, 1000);
	evidence_cache_keep_spf(cache, &unlucky, &unknown);
	tap_ok(!evidence_cache_find_spf(cache, &unlucky, 0, &found), "nor what could not be told");
	evidence_cache_free(&cache);
}

static void test_flood(void)
{
	struct evidence_cache *cache = evidence_cache_new();
	struct netaddr client = address("192.0.2.1");
	struct iprev_evidence none = {IPREV_PERMERROR, ""}, found;
	unsigned kept = 0;

	for (unsigned i = 0; i < 100000; i++) {
		client.bytes[1] = (uint8_t)(i >> 16);
		client.bytes[2] = (uint8_t)(i >> 8);
		client.bytes[3] = (uint8_t)i;
		evidence_cache_keep_iprev(cache, &client, &none, 1000 + i);
		kept += evidence_cache_find_iprev(cache, &client, 0, &found);
	}
	tap_is_number(kept, 100000, "however many come, the last one is kept");
	evidence_cache_free(&cache);
}

int main(void)
{
	hash_init();
	test_iprev();
	test_spf();
	test_flood();
	return tap_done();
}
