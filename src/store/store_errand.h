/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked of a store beside questions about mail: to list, count and remove what it keeps, to
 * make a client known, and to keep the totals of what was counted.
 */
#pragma once

#include "rules/entry_filter.h"
#include "store.h"

enum store_task {
	/* Entries that the filter means, newest first, with ids below before_id (0: all): at most
	 * limit. */
	STORE_ENTRIES_LIST,
	/* Remove the entries that the filter means.  When it is cancelled, some are gone. */
	STORE_ENTRIES_FORGET,
	/* Clients that the filter means, with passes in range, in the order of their texts, behind
	 * after ("": all): at most limit. */
	STORE_CLIENTS_LIST,
	/* Keep *client in place of what was kept of it. */
	STORE_CLIENT_KEEP,
	/* Remove the clients that the filter means. */
	STORE_CLIENTS_FORGET,
	/* Count all; known are the clients with known_after passes or more (0: nobody). */
	STORE_CENSUS,
	STORE_TOTALS_READ,
	/* Keep totals in place of those of the same names. */
	STORE_TOTALS_KEEP,
};

/* One triplet as it is kept. */
struct store_entry {
	int64_t id; /* rises with time; no two have the same at one time */
	const char *identity, *sender, *recipient;
	struct greylist_entry entry;
	int64_t expires_s; /* Unix time */
};

/* One client that is known, or is becoming known. */
struct store_client {
	const char *identity;
	struct greylist_client client;
	int64_t expires_s; /* Unix time */
};

/* Which clients: with at least min_passes, and at most max_passes, that are counted. */
struct store_client_range {
	int64_t min_passes, max_passes;
};

/* A number that is kept by a name of the caller's. */
struct store_total {
	const char *name;
	double value;
};

/* What there is. */
struct store_census {
	int64_t waiting, passed; /* entries */
	int64_t clients, known;
	int64_t size_bytes;       /* of the database, its log included */
	bool is_failing;          /* something could not be written a moment ago */
	char why[STORE_WHY_SIZE]; /* then */
};

/* What an admin asks about.  Rows, and the texts in them, die when the function returns. */
struct store_report {
	enum store_status status;
	/* What was asked for, with STORE_ANSWERED. */
	const struct store_entry *entries;
	const struct store_client *clients;
	const struct store_total *totals;
	size_t count;    /* rows */
	int64_t next_id; /* entries: where the next page begins; 0: that was all */
	bool has_more;   /* clients: the next page begins behind the last of these */
	int64_t removed; /* rows */
	const struct store_census *census;
};

/* What task needs of it is there; all is borrowed. */
struct store_errand {
	enum store_task task;
	struct entry_filter filter;
	struct store_client_range range;
	int64_t before_id, known_after;
	const char *after;
	size_t limit;
	const struct store_client *client;
	const struct store_total *totals;
	size_t total_count;
};
