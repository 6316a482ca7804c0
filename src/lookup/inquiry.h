/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DNS says of the client and sender of one request: iprev and SPF, each asked at most once,
 * and only when it is wanted, all under one deadline.
 */
#pragma once

#include "fcrdns.h"
#include "spf_evaluate.h"

#include <stdbool.h>
#include <stdint.h>

struct dns;
struct event_base;
struct evidence_cache;
struct inquiry;
struct spf;

/* Borrowed; they outlive every inquiry. */
struct inquiry_sources {
	struct event_base *base;
	struct dns *dns;
	struct spf *spf;
	struct evidence_cache *kept; /* NULL: nothing is kept from one inquiry for the next */
};

/* What the results rest on, for people who ask why.  A plain value. */
struct inquiry_report {
	bool iprev_asked; /* by us: false when smtpd had confirmed the name, or nobody wanted it */
	struct fcrdns_report iprev;
	bool is_over;                     /* the deadline came before all was known */
	char spf_detail[SPF_DETAIL_SIZE]; /* as in struct spf_outcome; empty while SPF has none */
};

enum inquiry_subject { INQUIRY_IPREV, INQUIRY_SPF };

typedef void inquiry_done_fn(void *arg);

/*
 * Nothing is asked yet.  The bytes that about borrows outlive the inquiry.  confirmed_name is the
 * client's name if smtpd has confirmed it, which answers INQUIRY_IPREV without a question, else
 * empty. deadline_ms from now all of it must be known: what is out then is temperror.  *report
 * (borrowed, zeroed by the caller, outlives the inquiry; NULL: not wanted) is filled in as answers
 * come.
 */
struct inquiry *inquiry_new(const struct inquiry_sources *sources, const struct spf_question *about,
			    struct span confirmed_name, int64_t deadline_ms,
			    struct inquiry_report *report);

/* Whether the result is there, from an inquiry before too, or, the deadline having passed, can only
 * be temperror now. */
bool inquiry_has(struct inquiry *inquiry, enum inquiry_subject subject);

/*
 * Find out about subject, of which there is no result yet, while nothing else is out.  done() runs
 * exactly once, from the event loop, never from inside this call, when inquiry_has(); after
 * inquiry_free() it never runs.
 */
void inquiry_start(struct inquiry *inquiry, enum inquiry_subject subject, inquiry_done_fn *done,
		   void *arg);

/* What is known so far. */
const struct evidence *inquiry_evidence(const struct inquiry *inquiry);

/* Cancels what is out. */
void inquiry_free(struct inquiry **inquiry);
