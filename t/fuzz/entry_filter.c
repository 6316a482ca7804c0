/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which entries an admin means: patterns as they come over the admin socket, against rows as they
 * lie in the store.
 *
 * The input is lines: the patterns for client, sender and recipient ("-": none), then rows of
 * identity, sender and recipient with a tab between.  Globs are compared with a plain recursive
 * matcher, and a pattern that is an address has to find what is kept of that address.
 */
#include "rules/entry_filter.h"

#include "base/memory.h"

#include "rig/input.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX_V4 = 24, PREFIX_V6 = 64, GLOB_MAX = 12 };

/* "*" is any text, and case does not matter in it.  Takes long for long ones. */
static bool filter_globs(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return filter_globs(pattern + 1, text) ||
		       (*text != '\0' && filter_globs(pattern, text + 1));
	return ascii_lower(*text) == *pattern && filter_globs(pattern + 1, text + 1);
}

static void filter_check_glob(const struct entry_pattern *pattern, const char *sender)
{
	const struct entry_filter alone = {.sender = *pattern};

	if (pattern->kind != ENTRY_PATTERN_GLOB || strlen(pattern->text) > GLOB_MAX ||
	    strlen(sender) > GLOB_MAX)
		return;
	assert(entry_filter_matches(&alone, "", sender, "", 0) ==
	       filter_globs(pattern->text, sender));
}

/* Who asks for an address finds what is kept of it. */
static void filter_check_address(struct span address)
{
	struct entry_filter filter = {0};
	char sender[SENDER_KEY_SIZE], recipient[SENDER_KEY_SIZE];
	bool is_whole = span_find_last(address, '@') + 1 < address.length &&
			span_find_last(address, '@') > 0 &&
			span_find(address, '*') == address.length &&
			span_find(address, '\0') == address.length;

	if (!is_whole)
		return;
	sender_normalize(address, SPAN(""), sender);
	recipient_normalize(address, recipient);
	assert(entry_filter_set_sender(&filter, address, NULL) == NULL);
	assert(entry_filter_set_recipient(&filter, address, NULL) == NULL);
	assert(entry_filter_matches(&filter, "", sender, recipient, 0));
}

static void filter_check_client(struct span text)
{
	struct entry_filter filter = {0};
	char key[NETWORK_TEXT_SIZE];
	struct netaddr addr;

	/* What is behind "%" is no part of an address, and may be anything. */
	if (!netaddr_parse(text, &addr) || span_find(text, '%') < text.length)
		return;
	struct network network = identity_network(&addr, PREFIX_V4, PREFIX_V6);
	network_format(&network, key);
	const char *why = entry_filter_set_client(&filter, text, PREFIX_V4, PREFIX_V6, NULL);
	assert(why == NULL && entry_filter_matches_client(&filter, key));
}

static void filter_match(const struct entry_filter *filter, struct span line)
{
	char *texts[3];

	for (size_t i = 0; i < 3; i++) {
		struct span text = input_take(&line, '\t');
		texts[i] = mem_copy_text(text.text, text.length);
	}
	entry_filter_matches(filter, texts[0], texts[1], texts[2], 0);
	if (entry_filter_matches(filter, texts[0], texts[1], texts[2], 1))
		assert(entry_filter_matches_client(filter, texts[0]));
	assert(!entry_filter_is_empty(filter) ||
	       entry_filter_matches(filter, texts[0], texts[1], texts[2], 1));
	filter_check_glob(&filter->sender, texts[1]);
	for (size_t i = 0; i < 3; i++)
		free(texts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span client = input_line(&rest), sender = input_line(&rest),
		    recipient = input_line(&rest);
	struct entry_filter filter = {0};

	filter_check_client(client);
	filter_check_address(sender);
	if (!span_equals(client, SPAN("-")))
		entry_filter_set_client(&filter, client, PREFIX_V4, PREFIX_V6, NULL);
	if (!span_equals(sender, SPAN("-")))
		entry_filter_set_sender(&filter, sender, NULL);
	if (!span_equals(recipient, SPAN("-")))
		entry_filter_set_recipient(&filter, recipient, NULL);
	while (rest.length > 0)
		filter_match(&filter, input_line(&rest));
	return 0;
}
