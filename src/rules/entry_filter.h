/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which greylist entries, or known clients, an admin means: patterns for the client, the sender and
 * the recipient, in the forms that an admin writes elsewhere.
 *
 * Entries are kept normalised (sender.h), so that a whole address is normalised before it is
 * compared: bob17@example.org finds what is kept as bob#@example.org.  With privacy, only hashes
 * are kept: then whole addresses and keys can be found, by their hash, and nothing else.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "identity.h"
#include "sender.h"

#include <stdbool.h>
#include <stdint.h>

struct privacy;

enum entry_state { ENTRY_ANY, ENTRY_WAITING, ENTRY_PASSED };

enum entry_pattern_kind {
	ENTRY_PATTERN_NONE,    /* matches all */
	ENTRY_PATTERN_SAME,    /* the text itself */
	ENTRY_PATTERN_GLOB,    /* "*" is any text */
	ENTRY_PATTERN_NETWORK, /* a client within */
	ENTRY_PATTERN_FARM,    /* a farm, and what is below it: "farm:google/example.org" */
	ENTRY_PATTERN_DOMAIN,  /* an address in the domain, or below it */
	ENTRY_PATTERN_BELOW,   /* an address below the domain */
	ENTRY_PATTERN_LOCAL,   /* an address with this local part */
};

struct entry_pattern {
	enum entry_pattern_kind kind;
	char text[IDENTITY_TEXT_SIZE];
	struct network network;
};

/* A plain value: all zeros match everything. */
struct entry_filter {
	struct entry_pattern client, sender, recipient;
	enum entry_state state;
};

/*
 * Set one of the patterns.  NULL, or what was expected instead.  privacy NULL: off.
 *
 * client: an address, which stands for the network that it counts as (prefixes in bits); a network;
 * a key as it is kept: "farm:google", "domain:example.org"; or a pattern with "*".
 */
const char *entry_filter_set_client(struct entry_filter *filter, struct span pattern,
				    unsigned prefix_v4, unsigned prefix_v6,
				    const struct privacy *privacy);

/* user@domain, domain (and what is below), .domain (only what is below), user@, <>, or a pattern
 * with
 * "*" over what is kept. */
const char *entry_filter_set_sender(struct entry_filter *filter, struct span pattern,
				    const struct privacy *privacy);
const char *entry_filter_set_recipient(struct entry_filter *filter, struct span pattern,
				       const struct privacy *privacy);

/* Whether it matches everything. */
bool entry_filter_is_empty(const struct entry_filter *filter);

/* Whether an entry is meant; passes 0: it waits. */
bool entry_filter_matches(const struct entry_filter *filter, const char *identity,
			  const char *sender, const char *recipient, int64_t passes);

/* Whether a known client is meant: only by the filter's client. */
bool entry_filter_matches_client(const struct entry_filter *filter, const char *identity);
