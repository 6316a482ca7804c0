/* SPDX-License-Identifier: BSD-2-Clause */
#include "entry_filter.h"

#include "privacy.h"

#include <stdio.h>
#include <string.h>

static const char entry_filter_too_long[] = "is longer than anything that is kept";
static const char entry_filter_hashed[] =
	"only whole addresses and keys can be looked for, as privacy = yes keeps hashes";

static bool entry_pattern_set(struct entry_pattern *pattern, enum entry_pattern_kind kind,
			      struct span text)
{
	if (text.length >= sizeof(pattern->text))
		return false;
	pattern->kind = kind;
	for (size_t i = 0; i < text.length; i++)
		pattern->text[i] = ascii_lower(text.text[i]);
	pattern->text[text.length] = '\0';
	return true;
}

/* The text itself is looked for: as it is kept, which with privacy is the hash of its lower case.
 */
static const char *entry_pattern_set_same(struct entry_pattern *pattern, struct span text,
					  const struct privacy *privacy)
{
	char hash[PRIVACY_TEXT_SIZE];

	if (!entry_pattern_set(pattern, ENTRY_PATTERN_SAME, text))
		return entry_filter_too_long;
	if (privacy != NULL && !span_starts_with(text, SPAN("h:"))) {
		privacy_hash(privacy, span_of(pattern->text), hash);
		snprintf(pattern->text, sizeof(pattern->text), "%s", hash);
	}
	return NULL;
}

/* Anything else, which hashes cannot be compared with. */
static const char *entry_pattern_set_wide(struct entry_pattern *pattern,
					  enum entry_pattern_kind kind, struct span text,
					  const struct privacy *privacy)
{
	if (privacy != NULL)
		return entry_filter_hashed;
	return entry_pattern_set(pattern, kind, text) ? NULL : entry_filter_too_long;
}

static const char *entry_pattern_set_network(struct entry_pattern *pattern,
					     const struct network *network, unsigned prefix_v4,
					     unsigned prefix_v6, const struct privacy *privacy)
{
	unsigned kept = network->addr.bits == 32 ? prefix_v4 : prefix_v6;
	char text[NETWORK_TEXT_SIZE];

	if (network->prefix >= kept) {
		struct network key = identity_network(&network->addr, prefix_v4, prefix_v6);
		network_format(&key, text);
		return entry_pattern_set_same(pattern, span_of(text), privacy);
	}
	if (privacy != NULL)
		return entry_filter_hashed;
	pattern->kind = ENTRY_PATTERN_NETWORK;
	pattern->network = *network;
	return NULL;
}

const char *entry_filter_set_client(struct entry_filter *filter, struct span pattern,
				    unsigned prefix_v4, unsigned prefix_v6,
				    const struct privacy *privacy)
{
	struct entry_pattern *client = &filter->client;
	struct network network;

	if (span_find(pattern, '*') < pattern.length)
		return entry_pattern_set_wide(client, ENTRY_PATTERN_GLOB, pattern, privacy);
	/* A farm's name is the admin's own, and is kept as it is. */
	if (span_starts_with(pattern, SPAN("farm:")) && pattern.length > 5) {
		if (privacy == NULL || span_find(pattern, '/') == pattern.length)
			return entry_pattern_set(client, ENTRY_PATTERN_FARM, pattern)
				       ? NULL
				       : entry_filter_too_long;
		return entry_pattern_set_same(client, pattern, privacy);
	}
	if (span_starts_with(pattern, SPAN("domain:")) && pattern.length > 7)
		return entry_pattern_set_same(client, pattern, privacy);
	if (privacy != NULL && span_starts_with(pattern, SPAN("h:")))
		return entry_pattern_set_same(client, pattern, privacy);
	const char *why = network_parse(pattern, &network);
	if (why == NULL)
		return entry_pattern_set_network(client, &network, prefix_v4, prefix_v6, privacy);
	/* Meant as a network, and what is wrong with it is not easily seen. */
	if (span_find(pattern, '/') < pattern.length)
		return why;
	return "expected an address, a network, farm:NAME, domain:NAME, or a pattern with *";
}

/* What an address may be given as; normalised: its text as it is kept, when it is a whole one. */
static const char *entry_pattern_set_address(struct entry_pattern *pattern, struct span text,
					     const char *normalised, const struct privacy *privacy)
{
	size_t at = span_find_last(text, '@');

	if (text.length == 0 || span_equals(text, SPAN("@")) || span_equals(text, SPAN(".")))
		return "expected user@domain, domain, .domain, user@, <>, or a pattern with *";
	if (span_find(text, '*') < text.length)
		return entry_pattern_set_wide(pattern, ENTRY_PATTERN_GLOB, text, privacy);
	if (privacy != NULL && span_starts_with(text, SPAN("h:")))
		return entry_pattern_set_same(pattern, text, privacy);
	if (span_equals(text, SPAN("<>")) || (at > 0 && at + 1 < text.length))
		return entry_pattern_set_same(pattern, span_of(normalised), privacy);
	if (at + 1 == text.length)
		return entry_pattern_set_wide(pattern, ENTRY_PATTERN_LOCAL,
					      address_local_part(span_of(normalised)), privacy);
	if (text.text[0] == '.')
		return entry_pattern_set_wide(pattern, ENTRY_PATTERN_BELOW, span_from(text, 1),
					      privacy);
	return entry_pattern_set_wide(pattern, ENTRY_PATTERN_DOMAIN,
				      at == 0 ? span_from(text, 1) : text, privacy);
}

const char *entry_filter_set_sender(struct entry_filter *filter, struct span pattern,
				    const struct privacy *privacy)
{
	char key[SENDER_KEY_SIZE];
	struct span none = {"", 0};

	sender_normalize(span_equals(pattern, SPAN("<>")) ? none : pattern, none, key);
	return entry_pattern_set_address(&filter->sender, pattern, key, privacy);
}

const char *entry_filter_set_recipient(struct entry_filter *filter, struct span pattern,
				       const struct privacy *privacy)
{
	char key[SENDER_KEY_SIZE];

	recipient_normalize(pattern, key);
	return entry_pattern_set_address(&filter->recipient, pattern, key, privacy);
}

bool entry_filter_is_empty(const struct entry_filter *filter)
{
	return filter->client.kind == ENTRY_PATTERN_NONE &&
	       filter->sender.kind == ENTRY_PATTERN_NONE &&
	       filter->recipient.kind == ENTRY_PATTERN_NONE && filter->state == ENTRY_ANY;
}

/* "*" is any text.  Goes back only to the last "*", so that no pattern takes long. */
static bool entry_filter_globs(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			resume = text;
		} else if (*pattern == ascii_lower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool entry_filter_is_within(const struct network *network, const char *text)
{
	struct network kept;

	return network_parse(span_of(text), &kept) == NULL && kept.prefix >= network->prefix &&
	       network_contains(network, &kept.addr);
}

/* Whether text is an address below domain. */
static bool entry_filter_is_below(struct span address, struct span domain)
{
	struct span whole = address_domain(address);

	if (whole.length <= domain.length + 1)
		return false;
	size_t before = whole.length - domain.length;
	return whole.text[before - 1] == '.' && span_equals(span_from(whole, before), domain);
}

static bool entry_pattern_matches(const struct entry_pattern *pattern, const char *text)
{
	struct span kept = span_of(text), wanted = span_of(pattern->text);

	switch (pattern->kind) {
	case ENTRY_PATTERN_NONE:
		return true;
	case ENTRY_PATTERN_SAME:
		return span_equals(kept, wanted);
	case ENTRY_PATTERN_GLOB:
		return entry_filter_globs(pattern->text, text);
	case ENTRY_PATTERN_NETWORK:
		return entry_filter_is_within(&pattern->network, text);
	case ENTRY_PATTERN_FARM:
		return span_equals(kept, wanted) ||
		       (span_starts_with(kept, wanted) && kept.text[wanted.length] == '/');
	case ENTRY_PATTERN_DOMAIN:
		return span_equals(address_domain(kept), wanted) ||
		       entry_filter_is_below(kept, wanted);
	case ENTRY_PATTERN_BELOW:
		return entry_filter_is_below(kept, wanted);
	case ENTRY_PATTERN_LOCAL:
		return span_find_last(kept, '@') < kept.length &&
		       span_equals(address_local_part(kept), wanted);
	}
	return false;
}

bool entry_filter_matches(const struct entry_filter *filter, const char *identity,
			  const char *sender, const char *recipient, int64_t passes)
{
	if ((filter->state == ENTRY_WAITING && passes > 0) ||
	    (filter->state == ENTRY_PASSED && passes == 0))
		return false;
	return entry_pattern_matches(&filter->client, identity) &&
	       entry_pattern_matches(&filter->sender, sender) &&
	       entry_pattern_matches(&filter->recipient, recipient);
}

bool entry_filter_matches_client(const struct entry_filter *filter, const char *identity)
{
	return entry_pattern_matches(&filter->client, identity);
}
