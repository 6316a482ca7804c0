/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to DNS, asked without waiting.
 *
 * Equal questions that are out share one query.  Answers, negative ones too, are kept as long as
 * their TTL says, in a cache that is bounded by bytes; "could not tell" is not kept.  The resolver
 * behind it is a full one (the machine's own, say): CNAMEs are followed within its answer.
 */
#pragma once

#include "base/histogram.h"
#include "dns_answer.h"
#include "dns_name.h"
#include "dns_transport.h"

#include <stdbool.h>
#include <stdint.h>

struct dns;
struct dns_query;
struct event_base;

/* Questions that may be out at the transport; those beyond are DNS_FAILED.  c-ares can tell 65536
 * apart (dns_ares.h), and a source port has no more ids. */
enum { DNS_OUTSTANDING_MAX = 30000 };

struct dns_options {
	const char *servers; /* "192.0.2.1 [2001:db8::1]:5353 ..."; empty: from resolv.conf, which
			      * is read again when it changes */
	const char *resolv_conf; /* its path; NULL: /etc/resolv.conf */
	int64_t timeout_s;       /* for one question with its retries; then it is DNS_FAILED */
	size_t cache_bytes;
};

enum { DNS_STATUS_COUNT = DNS_FAILED + 1 };

/* What was counted since the start. */
struct dns_counts {
	uint64_t kept;                       /* questions whose answer was there already */
	uint64_t shared;                     /* that waited for the answer to an equal one */
	uint64_t refused;                    /* that were not asked, as too many were out */
	uint64_t answered[DNS_STATUS_COUNT]; /* that went out, by what came of them */
	struct histogram latency_s;          /* of these, by histogram_latency_s */
};

/* The answer belongs to dns and dies when the function returns, unless it is held. */
typedef void dns_done_fn(const struct dns_answer *answer, void *arg);

/* The strings of options are copied. */
struct dns *dns_new(struct event_base *base, const struct dns_options *options);

/* The same over a transport of the caller's, which is taken over, and stays when the options
 * change. */
struct dns *dns_new_over(struct event_base *base, struct dns_transport *transport,
			 const struct dns_options *options);

/* Other options, after a reload.  What is out is answered all the same, over the new servers if
 * they changed. */
void dns_configure(struct dns *dns, const struct dns_options *options);

/*
 * Ask.  done() runs exactly once, from the event loop, never from inside this call, on errors and
 * from the cache too; after dns_cancel() it never runs.  The query is gone when done() runs.  Name
 * is any text: one that is no name (dns_name_fold_question()) is answered with DNS_NO_NAME.
 */
struct dns_query *dns_start(struct dns *dns, enum dns_type type, struct span name,
			    dns_done_fn *done, void *arg);

/* The answer that is kept to a question, or NULL: nothing is asked.  Valid until the next call. */
const struct dns_answer *dns_find_kept(struct dns *dns, enum dns_type type, struct span name);

/* The loop that it runs on, for those who have to answer from there too. */
struct event_base *dns_event_base(const struct dns *dns);

/* Valid until the caller returns to the loop. */
const struct dns_counts *dns_counts(const struct dns *dns);

/* Whether nothing that was asked lately was answered, as it says in the log. */
bool dns_is_silent(const struct dns *dns);

/* What the answers that are kept take, in bytes. */
size_t dns_kept_bytes(const struct dns *dns);

/* Forget the question; others who asked the same get their answer. */
void dns_cancel(struct dns_query **query);

/* Every query must have been answered or cancelled. */
void dns_free(struct dns **dns);
