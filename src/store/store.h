/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered across restarts, behind one asynchronous interface: triplets and clients for
 * greylisting, and the networks of the farms.
 *
 * Callers ask one question for a request ("what about this triplet, for a client with these
 * identities?") and get one answer, later, from the event loop.  The store finds what it has, lets
 * rules/greylist.c decide, and keeps what that says; an answer that rests on something new comes
 * only when the store has made that durable.  How and where is the business of the implementation:
 * sqlite.c is the embedded one, one in the network for several MX hosts fits in beside it (struct
 * store_class) without a change to the callers.
 */
#pragma once

#include "base/histogram.h"
#include "rules/greylist.h"
#include "rules/sender.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct store;
struct store_errand;
struct store_report;
struct store_request;

/* What a question leaves behind. */
enum store_mode {
	STORE_KEEP, /* what greylisting decides to keep */
	STORE_LOOK, /* the same, but nothing of a triplet that has to wait: the caller may find out
		     * more about the client, and ask again */
	STORE_SHOW, /* nothing at all: somebody wants to know what would be decided, and why */
};

/* One question.  A value: the store copies it. */
struct store_question {
	struct identities who;
	char sender[SENDER_KEY_SIZE];    /* normalised */
	char recipient[SENDER_KEY_SIZE]; /* normalised */
	struct greylist_limits limits;
	bool store_new; /* false: a new triplet has to wait, but is not kept */
	enum store_mode mode;
	int64_t now_s; /* Unix time */
};

enum { STORE_WHY_SIZE = 512 };

/* Times and counts that a store hands out are from 0 to this, whatever is in it: what is above is
 * cut. */
#define STORE_AMOUNT_MAX ((int64_t)1 << 60)

enum store_status {
	STORE_ANSWERED,
	STORE_FAILED, /* the store cannot answer now; it has logged why */
};

struct store_answer {
	enum store_status status;
	/* STORE_ANSWERED only. */
	struct greylist_decision decision;
	struct greylist_finding findings[IDENTITY_MAX]; /* by number of identity: what was there */
};

typedef void store_done_fn(const struct store_answer *answer, void *arg);

/*
 * The networks that a domain's SPF record authorises, as a caller worked them out: the store knows
 * neither DNS nor what is in the text.
 */
struct store_networks {
	const char *domain;
	const char *networks;  /* text */
	int64_t resolved_s;    /* Unix time: when DNS said so */
	int64_t fresh_until_s; /* Unix time: from when on DNS wants to be asked again */
};

/* rows is what there is, when that was asked for and the status is STORE_ANSWERED. */
struct store_networks_answer {
	enum store_status status;
	const struct store_networks *rows;
	size_t count;
};

typedef void store_networks_done_fn(const struct store_networks_answer *answer, void *arg);

typedef void store_report_fn(const struct store_report *report, void *arg);

/* What was counted since the store was opened. */
struct store_counts {
	uint64_t answered, failed;   /* questions about triplets; those that were cancelled too */
	struct histogram latency_s;  /* of these, by histogram_latency_s: from question to answer */
	struct histogram batch_size; /* by store_batch_steps: questions in one transaction */
};

extern const struct histogram_steps store_batch_steps;

struct store_options {
	bool sync_full;      /* what is answered survives a power cut */
	int64_t max_entries; /* beyond, the entry next to expire makes room, but some places are for
			      * those that wait; of clients no more are kept either */
};

/*
 * Open the store that name ("sqlite:/path") tells, for use from base's loop.  NULL, with what is
 * wrong in why, when it cannot be used.
 */
struct store *store_open(const char *name, const struct store_options *options,
			 struct event_base *base, char why[static STORE_WHY_SIZE]);

/*
 * Ask.  done() runs exactly once, from the event loop, never from inside this call, on failure too;
 * after store_cancel() it never runs.  The answer dies when done() returns.  When a store is
 * asked more than it can answer, it fails what is beyond its bound.
 */
struct store_request *store_start(struct store *store, const struct store_question *question,
				  store_done_fn *done, void *arg);

/*
 * The networks of all domains that there are; keep those of one domain in place of what was kept of
 * it, which copies *networks; or forget a domain.  done() as with store_start(), and what is asked
 * later is done later.
 */
struct store_request *store_start_networks_read(struct store *store, store_networks_done_fn *done,
						void *arg);
struct store_request *store_start_networks_keep(struct store *store,
						const struct store_networks *networks,
						store_networks_done_fn *done, void *arg);
struct store_request *store_start_networks_forget(struct store *store, const char *domain,
						  store_networks_done_fn *done, void *arg);

/*
 * Do an errand (store_errand.h) of an admin's, or of whoever keeps the totals.  What it borrows is
 * copied.  done() as with store_start().  However much there is to read or remove, no question
 * about a triplet waits longer than some milliseconds for it.
 */
struct store_request *store_start_errand(struct store *store, const struct store_errand *errand,
					 store_report_fn *done, void *arg);

/* What was counted; valid until the caller returns to the loop. */
const struct store_counts *store_counts(struct store *store);

/* Forget a question; what it taught may be kept all the same. */
void store_cancel(struct store_request **request);

/* Keep all that was asked, then close.  Every request must have been answered or cancelled.  Not to
 * be called from a done(). */
void store_free(struct store **store);

enum store_networks_task {
	STORE_NETWORKS_READ,
	STORE_NETWORKS_KEEP,
	STORE_NETWORKS_FORGET, /* only the domain of *networks is there */
};

/* One implementation.  Its own struct begins with a struct store, its requests with a struct
 * store_request. */
struct store_class {
	const char *scheme; /* what stands before the ":" of its names */
	struct store *(*open)(const char *rest, const struct store_options *options,
			      struct event_base *base, char why[static STORE_WHY_SIZE]);
	struct store_request *(*start)(struct store *store, const struct store_question *question,
				       store_done_fn *done, void *arg);
	struct store_request *(*start_networks)(struct store *store, enum store_networks_task task,
						const struct store_networks *networks,
						store_networks_done_fn *done, void *arg);
	struct store_request *(*start_errand)(struct store *store,
					      const struct store_errand *errand,
					      store_report_fn *done, void *arg);
	const struct store_counts *(*counts)(struct store *store);
	void (*cancel)(struct store_request *request);
	void (*free)(struct store *store);
};

struct store {
	const struct store_class *class;
};

struct store_request {
	struct store *store; /* borrowed */
};

extern const struct store_class sqlite_store_class;
