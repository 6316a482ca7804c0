/* SPDX-License-Identifier: BSD-2-Clause */
#include "inquiry.h"

#include "base/clock.h"
#include "base/memory.h"
#include "dns_name.h"
#include "evidence_cache.h"
#include "spf.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

struct inquiry {
	const struct inquiry_sources *sources; /* borrowed */
	struct spf_question about;             /* its bytes are borrowed */
	int64_t deadline_ms;                   /* monotonic: for all of it */
	struct evidence evidence;
	struct inquiry_report *report; /* borrowed; NULL: not wanted */
	inquiry_done_fn *done;         /* not NULL exactly while subject is out */
	void *arg;
	enum inquiry_subject subject;
	bool is_over;            /* the deadline has passed */
	bool is_recalled;        /* what is kept in DNS was tried, and was not enough */
	struct fcrdns *fcrdns;   /* owned; not NULL exactly while it is out */
	struct spf_request *spf; /* owned; not NULL exactly while it is out */
	struct event *deadline;  /* owned; NULL before the first start */
};

/* The only place that calls back. */
static void inquiry_finish(struct inquiry *inquiry)
{
	inquiry_done_fn *done = inquiry->done;

	inquiry->done = NULL;
	done(inquiry->arg);
}

static void on_inquiry_iprev(const struct iprev_evidence *evidence, int64_t good_until_ms,
			     void *arg)
{
	struct inquiry *inquiry = arg;
	struct evidence_cache *kept = inquiry->sources->kept;

	inquiry->fcrdns = NULL;
	if (kept != NULL)
		evidence_cache_keep_iprev(kept, &inquiry->about.client, evidence, good_until_ms);
	inquiry->evidence.iprev = *evidence;
	return inquiry_finish(inquiry);
}

static void on_inquiry_spf(const struct spf_outcome *outcome, void *arg)
{
	struct inquiry *inquiry = arg;

	inquiry->spf = NULL;
	if (inquiry->sources->kept != NULL)
		evidence_cache_keep_spf(inquiry->sources->kept, &inquiry->about, outcome);
	inquiry->evidence.spf = outcome->evidence;
	if (inquiry->report != NULL)
		snprintf(inquiry->report->spf_detail, sizeof(inquiry->report->spf_detail), "%s",
			 outcome->detail);
	return inquiry_finish(inquiry);
}

/* It could not be told in time. */
static void inquiry_give_up(struct inquiry *inquiry, enum inquiry_subject subject)
{
	switch (subject) {
	case INQUIRY_IPREV:
		inquiry->evidence.iprev.result = IPREV_TEMPERROR;
		break;
	case INQUIRY_SPF:
		spf_question_identity(&inquiry->about, &inquiry->evidence.spf);
		inquiry->evidence.spf.result = SPF_TEMPERROR;
		break;
	}
}

static void on_inquiry_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct inquiry *inquiry = arg;

	(void)fd;
	(void)events;
	inquiry->is_over = true;
	if (inquiry->report != NULL)
		inquiry->report->is_over = true;
	fcrdns_cancel(&inquiry->fcrdns);
	spf_cancel(&inquiry->spf);
	if (inquiry->done == NULL)
		return;
	inquiry_give_up(inquiry, inquiry->subject);
	return inquiry_finish(inquiry);
}

struct inquiry *inquiry_new(const struct inquiry_sources *sources, const struct spf_question *about,
			    struct span confirmed_name, int64_t deadline_ms,
			    struct inquiry_report *report)
{
	struct inquiry *inquiry = mem_alloc(sizeof(*inquiry));

	inquiry->sources = sources;
	inquiry->about = *about;
	inquiry->report = report;
	inquiry->deadline_ms = clock_mono_ms() + deadline_ms;
	if (confirmed_name.length > 0) {
		inquiry->evidence.iprev.result = IPREV_PASS;
		/* A name of smtpd's hosts file may be none to DNS; it is confirmed all the same. */
		(void)dns_name_fold(confirmed_name, inquiry->evidence.iprev.name);
	}
	return inquiry;
}

static bool inquiry_is_known(const struct inquiry *inquiry, enum inquiry_subject subject)
{
	return subject == INQUIRY_IPREV ? inquiry->evidence.iprev.result != IPREV_NOT_ASKED
					: inquiry->evidence.spf.result != SPF_NOT_ASKED;
}

/* What DNS said lately may be enough. */
static void inquiry_recall_spf(struct inquiry *inquiry)
{
	struct spf_outcome outcome;

	if (inquiry->is_recalled ||
	    !spf_find_kept(inquiry->sources->spf, &inquiry->about, &outcome)) {
		inquiry->is_recalled = true;
		return;
	}
	evidence_cache_keep_spf(inquiry->sources->kept, &inquiry->about, &outcome);
	inquiry->evidence.spf = outcome.evidence;
}

/* Whoever wants a report wants to know how it was found out, and that is not kept. */
static void inquiry_recall(struct inquiry *inquiry, enum inquiry_subject subject)
{
	const struct evidence_cache *kept = inquiry->sources->kept;

	if (kept == NULL || inquiry->report != NULL || inquiry_is_known(inquiry, subject))
		return;
	switch (subject) {
	case INQUIRY_IPREV:
		(void)evidence_cache_find_iprev(kept, &inquiry->about.client, clock_mono_ms(),
						&inquiry->evidence.iprev);
		break;
	case INQUIRY_SPF:
		if (!evidence_cache_find_spf(kept, &inquiry->about, clock_mono_ms(),
					     &inquiry->evidence.spf))
			inquiry_recall_spf(inquiry);
		break;
	}
}

bool inquiry_has(struct inquiry *inquiry, enum inquiry_subject subject)
{
	inquiry_recall(inquiry, subject);
	if (inquiry->is_over && !inquiry_is_known(inquiry, subject))
		inquiry_give_up(inquiry, subject);
	return inquiry_is_known(inquiry, subject);
}

static void inquiry_start_deadline(struct inquiry *inquiry)
{
	struct event_base *base = inquiry->sources->base;
	int64_t left_ms = inquiry->deadline_ms - clock_mono_ms();
	struct timeval wait = {.tv_usec = 0};

	if (left_ms > 0)
		wait = (struct timeval){.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
	inquiry->deadline = evtimer_new(base, on_inquiry_deadline, inquiry);
	evtimer_add(inquiry->deadline, &wait);
}

void inquiry_start(struct inquiry *inquiry, enum inquiry_subject subject, inquiry_done_fn *done,
		   void *arg)
{
	const struct inquiry_sources *sources = inquiry->sources;

	assert(inquiry->done == NULL && !inquiry_has(inquiry, subject));
	inquiry->subject = subject;
	inquiry->done = done;
	inquiry->arg = arg;
	if (inquiry->deadline == NULL)
		inquiry_start_deadline(inquiry);
	switch (subject) {
	case INQUIRY_IPREV:
		if (inquiry->report != NULL)
			inquiry->report->iprev_asked = true;
		inquiry->fcrdns =
			fcrdns_start(sources->dns, &inquiry->about.client,
				     inquiry->report != NULL ? &inquiry->report->iprev : NULL,
				     on_inquiry_iprev, inquiry);
		break;
	case INQUIRY_SPF:
		inquiry->spf = spf_start(sources->spf, &inquiry->about, on_inquiry_spf, inquiry);
		break;
	}
}

const struct evidence *inquiry_evidence(const struct inquiry *inquiry)
{
	return &inquiry->evidence;
}

void inquiry_free(struct inquiry **inquiry)
{
	struct inquiry *freed = *inquiry;

	if (freed == NULL)
		return;
	*inquiry = NULL;
	fcrdns_cancel(&freed->fcrdns);
	spf_cancel(&freed->spf);
	if (freed->deadline != NULL)
		event_free(freed->deadline);
	free(freed);
}
