/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted, and where: here what the daemon itself sees; DNS and the store count for
 * themselves, and are asked (struct stats_sources).  What there is, and how it is called, says one
 * table (stats_table.c), from which /stats, /metrics, the manual and the totals of earlier runs are
 * made.
 *
 * All of it belongs to the event loop's thread.
 */
#pragma once

#include "base/histogram.h"
#include "rules/evidence.h"
#include "rules/verdict.h"
#include "stats_minute.h"
#include "stats_senders.h"

#include <stdbool.h>
#include <stdint.h>

struct dns;
struct store;
struct store_census;

/* Whether what was decided was done. */
enum stats_mode { STATS_ENFORCE, STATS_DRY, STATS_MODE_COUNT };

/* What was rejected, and why. */
enum stats_bound {
	STATS_MAX_CONNECTIONS,
	STATS_MAX_REQUEST_SIZE,
	STATS_IDLE_TIMEOUT,
	STATS_CHECK_DEADLINE, /* the rest of a request did not come */
	STATS_PROTOCOL,
	STATS_OUT_OF_FILES,
	STATS_NOT_READ, /* the peer does not take its answers */
	STATS_BOUND_COUNT,
};

struct stats {
	int64_t started_s; /* Unix time */
	uint64_t requests[VERDICT_ACTION_COUNT][REASON_COUNT][STATS_MODE_COUNT];
	uint64_t gate[GATE_ROW_COUNT][STATS_MODE_COUNT];
	uint64_t iprev[IPREV_RESULT_COUNT];
	uint64_t spf[SPF_RESULT_COUNT];
	struct histogram came_back_s; /* by stats_came_back_steps */
	struct histogram duration_s;  /* by histogram_latency_s */
	uint64_t connections_accepted, connections_closed;
	uint64_t rejected[STATS_BOUND_COUNT];
	struct stats_minute minute;
	struct stats_senders *senders; /* owned */
};

extern const struct histogram_steps stats_came_back_steps;

/* One request that has its verdict. */
struct stats_request {
	const struct verdict *verdict;
	const struct evidence *evidence; /* NULL: nothing was asked */
	const char *sender_domain;       /* as it may be shown */
	int64_t delay_s; /* for how long a mail that passes now was deferred; 0: not */
	int64_t duration_us;
};

/* Where else there are numbers.  Borrowed. */
struct stats_sources {
	const struct dns *dns;
	struct store *store;
	const struct store_census *census; /* NULL: the store did not answer */
};

struct stats *stats_new(void);

/* stats NULL: nothing is counted; so in all functions that count. */
void stats_count_request(struct stats *stats, const struct stats_request *request);

void stats_count_rejected(struct stats *stats, enum stats_bound bound);

/* A connection was accepted, or closed. */
void stats_count_connection(struct stats *stats, bool is_new);

const char *stats_bound_word(enum stats_bound bound);

void stats_free(struct stats **stats);
