/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Greylisting as a decision: from what the store knows of a triplet, what to answer and what to
 * keep.
 *
 * A triplet is (identity, sender, recipient).  It begins to wait when it is first seen, passes when
 * it is seen again between greylist_delay and greylist_retry_window later, and goes on passing
 * until it was not seen for greylist_lifetime (RFC 6647 section 5).  A client that passed
 * greylist_known_after times, at most one an hour counting, is known and not greylisted any more.
 *
 * This module knows no store: it takes what was found under each identity and says what to write.
 */
#pragma once

#include "identity.h"

#include <stdbool.h>
#include <stdint.h>

/* The settings that it takes.  Seconds. */
struct greylist_limits {
	int64_t delay_s;
	int64_t retry_window_s;
	int64_t lifetime_s;
	int64_t known_after; /* passes; 0: nobody becomes known */
};

/* What is kept of a triplet.  It waits while passes is 0. */
struct greylist_entry {
	int64_t first_seen_s; /* Unix time */
	int64_t last_seen_s; /* when it last passed, to the hour; while it waits, as first_seen_s */
	int64_t passes;      /* those that were worth writing, at most one an hour */
};

/* Passes of a client that an admin has made known: so many that it is known however many
 * greylist_known_after asks for, whose limit this is. */
enum { GREYLIST_ALLOWED_PASSES = 1000000 };

/* What is kept of a client. */
struct greylist_client {
	int64_t counted_s;   /* when the last pass was counted */
	int64_t last_seen_s; /* to the hour */
	int64_t passes;      /* that were counted */
};

/* What the store has under one identity. */
struct greylist_finding {
	bool has_entry;
	struct greylist_entry entry;
	bool has_client;
	struct greylist_client client;
};

enum greylist_outcome {
	GREYLIST_NEW,   /* never seen, or too long ago: has to come back */
	GREYLIST_EARLY, /* came back too early */
	GREYLIST_PASS,  /* came back in time, or has passed before */
	GREYLIST_KNOWN, /* a known client */
};

struct greylist_decision {
	enum greylist_outcome outcome;
	int64_t delay_s; /* GREYLIST_PASS: how long it was made to wait; 0 when it had passed before
			  */
	int64_t wait_s;  /* GREYLIST_NEW, GREYLIST_EARLY: how long it still has to wait */
	bool adds_entry; /* under one identity at least an entry is kept where there was none */
	/* What to write under each identity, by its number.  Nothing where the flag is false. */
	struct {
		bool entry_changed;
		struct greylist_entry entry;
		bool client_changed;
		struct greylist_client client;
	} keep[IDENTITY_MAX];
};

/*
 * Whether the triplet has passed under every identity, so lately that there is nothing to write:
 * then it passes, whatever is known of the client, and the clients need not be looked for.  A pass
 * that is not worth writing does not count for the client either.
 */
bool greylist_is_settled(const struct greylist_limits *limits, const struct identities *who,
			 const struct greylist_finding findings[static IDENTITY_MAX],
			 int64_t now_s);

/*
 * Decide about a request at now_s (Unix time).  findings has one for each identity in who.
 * store_new false: what is there is kept up to date, but nothing is kept of a new triplet, which
 * has to wait, nor of one that is known under one identity under another (max_new_per_client).
 */
void greylist_decide(const struct greylist_limits *limits, const struct identities *who,
		     const struct greylist_finding findings[static IDENTITY_MAX], bool store_new,
		     int64_t now_s, struct greylist_decision *decision);

/* When what is kept is of no use any more: Unix time. */
int64_t greylist_entry_expires(const struct greylist_limits *limits,
			       const struct greylist_entry *entry);
int64_t greylist_client_expires(const struct greylist_limits *limits,
				const struct greylist_client *client);
