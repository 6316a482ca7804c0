/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was found out about a client and its sender, as long as the DNS answers that it rests on are
 * good: the next recipient and the next mail need no evaluation, nor a turn of the loop.
 *
 * Nothing is kept longer than its answers are (RFC 1035 3.2.1), and nothing that could not be told.
 * In fixed memory, as strangers choose what is asked: in a set, what is good for the least time
 * makes room.
 */
#pragma once

#include "base/netaddr.h"
#include "rules/evidence.h"
#include "spf_evaluate.h"

#include <stdbool.h>
#include <stdint.h>

struct evidence_cache;

struct evidence_cache *evidence_cache_new(void);

/* What is kept of iprev for client at now_ms (monotonic); false: nothing. */
bool evidence_cache_find_iprev(const struct evidence_cache *cache, const struct netaddr *client,
			       int64_t now_ms, struct iprev_evidence *iprev);

/* Keep it until good_until_ms (monotonic). */
void evidence_cache_keep_iprev(struct evidence_cache *cache, const struct netaddr *client,
			       const struct iprev_evidence *iprev, int64_t good_until_ms);

/* The same for SPF of what is asked in question. */
bool evidence_cache_find_spf(const struct evidence_cache *cache,
			     const struct spf_question *question, int64_t now_ms,
			     struct spf_evidence *spf);

/* Keep an outcome, unless it rests on more of the request than client and domain. */
void evidence_cache_keep_spf(struct evidence_cache *cache, const struct spf_question *question,
			     const struct spf_outcome *outcome);

void evidence_cache_free(struct evidence_cache **cache);
