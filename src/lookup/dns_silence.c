/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_silence.h"

#include "base/hash.h"
#include "base/span.h"

enum {
	DNS_SILENCE_MS = 10 * 1000,     /* of failures alone */
	DNS_SILENCE_GAP_MS = 60 * 1000, /* between two of them it begins anew */
};

/* The last two labels of a name: near enough to whose it is. */
static struct span dns_silence_domain_of(const char *name)
{
	struct span whole = span_of(name);
	size_t last = span_find_last(whole, '.');
	if (last == whole.length)
		return whole;
	size_t before = span_find_last(span_first(whole, last), '.');
	return before == last ? whole : span_from(whole, before + 1);
}

static void dns_silence_add(struct dns_silence *silence, uint64_t domain)
{
	for (unsigned i = 0; i < silence->domain_count; i++)
		if (silence->domains[i] == domain)
			return;
	if (silence->domain_count < DNS_SILENCE_DOMAINS)
		silence->domains[silence->domain_count++] = domain;
}

bool dns_silence_note_failure(struct dns_silence *silence, const char *name, int64_t now_ms)
{
	if (silence->failing_ms == 0 || now_ms - silence->failed_ms > DNS_SILENCE_GAP_MS) {
		silence->failing_ms = now_ms;
		silence->domain_count = 0;
	}
	silence->failed_ms = now_ms;
	dns_silence_add(silence, hash_text(dns_silence_domain_of(name)));
	if (silence->is_silent || now_ms - silence->failing_ms < DNS_SILENCE_MS ||
	    silence->domain_count < DNS_SILENCE_DOMAINS)
		return false;
	silence->is_silent = true;
	return true;
}

bool dns_silence_note_answer(struct dns_silence *silence)
{
	bool was_silent = silence->is_silent;

	*silence = (struct dns_silence){0};
	return was_silent;
}
