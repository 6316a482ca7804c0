/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question that is out is a job, with all who asked it.  The job has an errand at the transport,
 * which cannot forget: when the job ends first, by its timeout or because the transport is
 * replaced, the errand comes back without a job and is thrown away.
 *
 * Nothing here calls out but on_dns_ready().
 */
#include "dns.h"

#include "base/clock.h"
#include "base/file_look.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns_ares.h"
#include "dns_cache.h"
#include "dns_silence.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	DNS_BUCKETS = 8192,             /* of jobs; a power of two */
	DNS_WARN_MS = 60 * 1000,        /* between warnings that too much is out */
	DNS_RESOLV_CONF_LOOK_MS = 1000, /* between looks at the file */
	DNS_READY_MS = 2,               /* of one round of the loop, for answers that are there */
	DNS_FAILURE_KEPT_S = 5,         /* RFC 9520 3.2: 1 s to 5 min */
};

#define DNS_RESOLV_CONF "/etc/resolv.conf"

/* Where an answer comes from.  Each kind has a queue of its own, and they take turns: who needs
 * only what is known does not wait behind a thousand others whose answers have just come. */
enum dns_ready { DNS_READY_KEPT, DNS_READY_FRESH, DNS_READY_COUNT };

/* One who asked. */
struct dns_query {
	struct dns *dns;                 /* borrowed */
	struct dns_job *job;             /* borrowed; is in its waiters.  NULL: is in dns->ready */
	enum dns_ready ready;            /* in which of them */
	const struct dns_answer *answer; /* held; NULL while there is a job */
	dns_done_fn *done;
	void *arg;
	TAILQ_ENTRY(dns_query) link;
};

TAILQ_HEAD(dns_query_queue, dns_query);

/* A question that is out. */
struct dns_job {
	struct dns *dns; /* borrowed */
	LIST_ENTRY(dns_job) in_bucket;
	TAILQ_ENTRY(dns_job) link; /* in dns->jobs */
	struct dns_errand *errand; /* borrowed from the transport; NULL: none yet, or it is back */
	struct event *timeout;     /* owned */
	struct dns_query_queue waiters; /* may be empty: the answer is kept all the same */
	int64_t asked_us;               /* monotonic */
	enum dns_type type;
	char name[]; /* folded, with a NUL */
};

LIST_HEAD(dns_job_bucket, dns_job);
TAILQ_HEAD(dns_job_queue, dns_job);

/* What the transport brings back. */
struct dns_errand {
	struct dns *dns;     /* borrowed */
	struct dns_job *job; /* borrowed; NULL: nobody wants the answer any more */
};

struct dns {
	struct event_base *base;         /* borrowed */
	struct dns_transport *transport; /* owned */
	bool is_over;                    /* transport is the caller's choice, and stays */
	char *servers;                   /* owned; empty: from resolv_conf */
	char *resolv_conf;               /* owned */
	int64_t timeout_s;
	struct file_look resolv_conf_seen;
	int64_t resolv_conf_look_ms; /* monotonic: of the last look */
	struct dns_cache *cache;     /* owned */
	bool keeps;                  /* the cache has room for anything */
	/* Held: answers to what is not asked. */
	const struct dns_answer *no_name, *failed;
	struct dns_job_queue jobs;
	struct dns_job_bucket buckets[DNS_BUCKETS];
	size_t errands;    /* at the transport */
	int64_t warned_ms; /* monotonic: that there are too many; 0: never */
	struct dns_silence silence;
	/* Those who have their answer, which goes out from the loop. */
	struct dns_query_queue ready[DNS_READY_COUNT];
	enum dns_ready turn; /* whose turn it was */
	size_t ready_count;
	bool is_delivering;     /* on_ready runs */
	struct event *on_ready; /* owned; while there are any, active or due in the next round */
	size_t queries;         /* that were neither answered nor cancelled */
	struct dns_counts counts;
};

struct event_base *dns_event_base(const struct dns *dns)
{
	return dns->base;
}

/* The answer goes out from the loop. */
static void dns_set_ready(struct dns_query *query, const struct dns_answer *answer,
			  enum dns_ready ready)
{
	struct dns *dns = query->dns;

	query->job = NULL;
	query->answer = dns_answer_hold(answer);
	query->ready = ready;
	TAILQ_INSERT_TAIL(&dns->ready[ready], query, link);
	if (dns->ready_count++ == 0 && !dns->is_delivering)
		event_active(dns->on_ready, EV_TIMEOUT, 0);
}

static void dns_unset_ready(struct dns_query *query)
{
	query->dns->ready_count--;
	TAILQ_REMOVE(&query->dns->ready[query->ready], query, link);
}

/* The only place that answers. */
static void dns_finish(struct dns_query *query)
{
	const struct dns_answer *answer = query->answer;
	dns_done_fn *done = query->done;
	void *arg = query->arg;

	query->dns->queries--;
	free(query);
	done(answer, arg);
	dns_answer_release(&answer);
}

/* The next of those who are ready; there is one. */
static struct dns_query *dns_next_ready(struct dns *dns)
{
	dns->turn = dns->turn == DNS_READY_KEPT ? DNS_READY_FRESH : DNS_READY_KEPT;
	if (TAILQ_EMPTY(&dns->ready[dns->turn]))
		dns->turn = dns->turn == DNS_READY_KEPT ? DNS_READY_FRESH : DNS_READY_KEPT;
	return TAILQ_FIRST(&dns->ready[dns->turn]);
}

static void on_dns_ready(evutil_socket_t fd, short events, void *arg)
{
	/* What is activated from here would run before the loop looks at the sockets again. */
	static const struct timeval next_round;
	int64_t until_ms = clock_mono_ms() + DNS_READY_MS;
	struct dns *dns = arg;

	(void)fd;
	(void)events;
	/* What an answer leads to takes its time, up to a run of SPF with ten new questions. */
	dns->is_delivering = true;
	for (size_t turns = dns->ready_count; turns > 0 && dns->ready_count > 0; turns--) {
		struct dns_query *query = dns_next_ready(dns);
		dns_unset_ready(query);
		dns_finish(query);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	dns->is_delivering = false;
	if (dns->ready_count > 0)
		evtimer_add(dns->on_ready, &next_round);
}

static struct dns_job_bucket *dns_bucket(struct dns *dns, enum dns_type type, const char *name)
{
	return &dns->buckets[dns_cache_hash(type, name) & (DNS_BUCKETS - 1)];
}

static struct dns_job *dns_find_job(struct dns *dns, enum dns_type type, const char *name)
{
	struct dns_job *job;

	LIST_FOREACH (job, dns_bucket(dns, type, name), in_bucket)
		if (job->type == type && strcmp(job->name, name) == 0)
			return job;
	return NULL;
}

/* Does all of DNS fail, or one domain only?  Who sees many mails wait wants to know. */
static void dns_note_failure(struct dns *dns, const struct dns_job *job)
{
	int64_t now_ms = clock_mono_ms();

	/* No names: they are what privacy = yes keeps out of the log. */
	if (dns_silence_note_failure(&dns->silence, job->name, now_ms))
		log_warning("dns: nothing that was asked in the last %lld seconds was answered; is "
			    "the name server there? (dns_servers, resolv.conf)",
			    (long long)((now_ms - dns->silence.failing_ms) / 1000));
}

static void dns_note_answer(struct dns *dns)
{
	if (dns_silence_note_answer(&dns->silence))
		log_info("dns: there are answers again");
}

/* Take the job's errand from it, if it has one out. */
static void dns_job_detach(struct dns_job *job)
{
	if (job->errand != NULL)
		job->errand->job = NULL;
	job->errand = NULL;
}

/* A question that went out has come to its end. */
static void dns_job_count(const struct dns_job *job, enum dns_status status)
{
	struct dns_counts *counts = &job->dns->counts;

	counts->answered[status]++;
	histogram_add(&counts->latency_s, &histogram_latency_s,
		      (double)(clock_mono_us() - job->asked_us) / 1e6);
}

/* All who wait for the job have their answer, and it is gone. */
static void dns_job_finish(struct dns_job *job, const struct dns_answer *answer)
{
	struct dns_query *query;

	while ((query = TAILQ_FIRST(&job->waiters)) != NULL) {
		TAILQ_REMOVE(&job->waiters, query, link);
		dns_set_ready(query, answer, DNS_READY_FRESH);
	}
	dns_job_detach(job);
	LIST_REMOVE(job, in_bucket);
	TAILQ_REMOVE(&job->dns->jobs, job, link);
	event_free(job->timeout);
	free(job);
}

/*
 * It could not be told.  For a moment that is kept like an answer: the recipients of one message do
 * not each wait for the same silent server (RFC 9520).
 */
static void dns_job_fail(struct dns_job *job)
{
	struct dns *dns = job->dns;

	dns_job_count(job, DNS_FAILED);
	dns_note_failure(dns, job);
	dns_cache_add(dns->cache, job->type, job->name, dns->failed, clock_mono_ms());
	return dns_job_finish(job, dns->failed);
}

static void on_dns_job_timeout(evutil_socket_t fd, short events, void *arg)
{
	struct dns_job *job = arg;

	(void)fd;
	(void)events;
	return dns_job_fail(job);
}

/* The transport answers; perhaps still inside its ask(). */
static void on_dns_errand(const struct dns_answer *answer, void *asked)
{
	struct dns_errand *errand = asked;
	struct dns *dns = errand->dns;
	struct dns_job *job = errand->job;

	dns->errands--;
	free(errand);
	if (job == NULL)
		return;
	job->errand = NULL;
	if (dns_answer_status(answer) == DNS_FAILED)
		return dns_job_fail(job);
	dns_job_count(job, dns_answer_status(answer));
	dns_note_answer(dns);
	int64_t now_ms = clock_mono_ms();
	/* Where nothing is kept, nothing that is made of it is kept either. */
	if (dns->keeps)
		dns_answer_date(answer, now_ms);
	dns_cache_add(dns->cache, job->type, job->name, answer, now_ms);
	dns_job_finish(job, answer);
}

static void dns_warn_full(struct dns *dns)
{
	int64_t now_ms = clock_mono_ms();

	if (dns->warned_ms != 0 && now_ms - dns->warned_ms < DNS_WARN_MS)
		return;
	dns->warned_ms = now_ms;
	log_warning("dns: %d questions are waiting for the name server; more are not asked, and "
		    "count as failed",
		    DNS_OUTSTANDING_MAX);
}

/* The job may be gone after it. */
static void dns_job_ask(struct dns_job *job)
{
	struct dns *dns = job->dns;

	if (dns->errands >= DNS_OUTSTANDING_MAX) {
		dns_warn_full(dns);
		dns->counts.refused++;
		return dns_job_finish(job, dns->failed);
	}
	struct dns_errand *errand = mem_alloc(sizeof(*errand));
	errand->dns = dns;
	errand->job = job;
	job->errand = errand;
	dns->errands++;
	dns->transport->class->ask(dns->transport, job->type, job->name, on_dns_errand, errand);
}

static void dns_job_start_timeout(struct dns_job *job)
{
	struct timeval wait = {.tv_sec = job->dns->timeout_s};
	/* libevent keeps timers of one length in a queue, which costs less than its heap. */
	const struct timeval *common = event_base_init_common_timeout(job->dns->base, &wait);

	job->timeout = evtimer_new(job->dns->base, on_dns_job_timeout, job);
	evtimer_add(job->timeout, common != NULL ? common : &wait);
}

static struct dns_job *dns_job_new(struct dns *dns, enum dns_type type, const char *name)
{
	size_t name_size = strlen(name) + 1;
	struct dns_job *job = mem_alloc(sizeof(*job) + name_size);

	job->dns = dns;
	job->asked_us = clock_mono_us();
	job->type = type;
	memcpy(job->name, name, name_size);
	TAILQ_INIT(&job->waiters);
	TAILQ_INSERT_TAIL(&dns->jobs, job, link);
	LIST_INSERT_HEAD(dns_bucket(dns, type, name), job, in_bucket);
	dns_job_start_timeout(job);
	return job;
}

/* A transport by the options.  The look at the file comes first: what is written to it while it is
 * read will be seen. */
static struct dns_transport *dns_make_transport(struct dns *dns)
{
	dns->resolv_conf_look_ms = clock_mono_ms();
	dns->resolv_conf_seen = file_look_at(dns->resolv_conf);
	return dns_ares_new(dns->base, dns->servers, dns->resolv_conf, 1000 * dns->timeout_s);
}

/* Another transport takes over what is out. */
static void dns_replace_transport(struct dns *dns)
{
	struct dns_transport *old = dns->transport;
	struct dns_job_queue again = TAILQ_HEAD_INITIALIZER(again);
	struct dns_job *job;

	TAILQ_FOREACH (job, &dns->jobs, link)
		dns_job_detach(job);
	old->class->free(old);
	dns->transport = dns_make_transport(dns);
	TAILQ_CONCAT(&again, &dns->jobs, link);
	while ((job = TAILQ_FIRST(&again)) != NULL) {
		TAILQ_REMOVE(&again, job, link);
		TAILQ_INSERT_TAIL(&dns->jobs, job, link);
		dns_job_ask(job);
	}
}

/* Its servers are other ones when resolv.conf was written. */
static void dns_watch_resolv_conf(struct dns *dns, int64_t now_ms)
{
	if (dns->is_over || dns->servers[0] != '\0' ||
	    now_ms - dns->resolv_conf_look_ms < DNS_RESOLV_CONF_LOOK_MS)
		return;
	dns->resolv_conf_look_ms = now_ms;
	struct file_look look = file_look_at(dns->resolv_conf);
	if (file_look_is_same(&look, &dns->resolv_conf_seen))
		return;
	log_info("dns: %s has changed, and is read again", dns->resolv_conf);
	dns_replace_transport(dns);
}

struct dns_query *dns_start(struct dns *dns, enum dns_type type, struct span name,
			    dns_done_fn *done, void *arg)
{
	struct dns_query *query = mem_alloc(sizeof(*query));
	int64_t now_ms = clock_mono_ms();
	char folded[DNS_NAME_SIZE];

	query->dns = dns;
	query->done = done;
	query->arg = arg;
	dns->queries++;
	dns_watch_resolv_conf(dns, now_ms);
	bool is_name = dns_name_fold_question(name, folded);
	const struct dns_answer *known =
		is_name ? dns_cache_find(dns->cache, type, folded, now_ms) : dns->no_name;
	if (known != NULL) {
		/* What is no name needs no answer. */
		dns->counts.kept += is_name;
		dns_set_ready(query, known, DNS_READY_KEPT);
		return query;
	}
	struct dns_job *job = dns_find_job(dns, type, folded);
	bool is_new = job == NULL;
	dns->counts.shared += !is_new;
	if (is_new)
		job = dns_job_new(dns, type, folded);
	query->job = job;
	TAILQ_INSERT_TAIL(&job->waiters, query, link);
	if (is_new)
		dns_job_ask(job);
	return query;
}

const struct dns_answer *dns_find_kept(struct dns *dns, enum dns_type type, struct span name)
{
	char folded[DNS_NAME_SIZE];

	if (!dns_name_fold_question(name, folded))
		return dns->no_name;
	const struct dns_answer *kept = dns_cache_find(dns->cache, type, folded, clock_mono_ms());
	dns->counts.kept += kept != NULL;
	return kept;
}

const struct dns_counts *dns_counts(const struct dns *dns)
{
	return &dns->counts;
}

bool dns_is_silent(const struct dns *dns)
{
	return dns->silence.is_silent;
}

size_t dns_kept_bytes(const struct dns *dns)
{
	return dns_cache_size_bytes(dns->cache);
}

void dns_cancel(struct dns_query **query)
{
	struct dns_query *cancelled = *query;

	if (cancelled == NULL)
		return;
	*query = NULL;
	if (cancelled->job != NULL)
		TAILQ_REMOVE(&cancelled->job->waiters, cancelled, link);
	else
		dns_unset_ready(cancelled);
	cancelled->dns->queries--;
	dns_answer_release(&cancelled->answer);
	free(cancelled);
}

/* Take the options over; true when they want another transport. */
static bool dns_set_options(struct dns *dns, const struct dns_options *options)
{
	const char *resolv_conf =
		options->resolv_conf != NULL ? options->resolv_conf : DNS_RESOLV_CONF;
	bool is_same = dns->servers != NULL && strcmp(dns->servers, options->servers) == 0 &&
		       strcmp(dns->resolv_conf, resolv_conf) == 0 &&
		       dns->timeout_s == options->timeout_s;

	if (!is_same) {
		free(dns->servers);
		free(dns->resolv_conf);
		dns->servers = mem_copy_string(options->servers);
		dns->resolv_conf = mem_copy_string(resolv_conf);
		dns->timeout_s = options->timeout_s;
	}
	dns_cache_set_max(dns->cache, options->cache_bytes);
	dns->keeps = options->cache_bytes > 0;
	return !is_same && !dns->is_over;
}

void dns_configure(struct dns *dns, const struct dns_options *options)
{
	if (dns_set_options(dns, options))
		dns_replace_transport(dns);
}

struct dns *dns_new_over(struct event_base *base, struct dns_transport *transport,
			 const struct dns_options *options)
{
	struct dns *dns = mem_alloc(sizeof(*dns));

	dns->base = base;
	dns->cache = dns_cache_new(options->cache_bytes);
	dns->no_name = dns_answer_new(DNS_NO_NAME, 0);
	dns->failed = dns_answer_new(DNS_FAILED, DNS_FAILURE_KEPT_S);
	dns->on_ready = event_new(base, -1, 0, on_dns_ready, dns);
	TAILQ_INIT(&dns->jobs);
	for (size_t i = 0; i < DNS_READY_COUNT; i++)
		TAILQ_INIT(&dns->ready[i]);
	dns_set_options(dns, options);
	dns->is_over = transport != NULL;
	dns->transport = dns->is_over ? transport : dns_make_transport(dns);
	return dns;
}

struct dns *dns_new(struct event_base *base, const struct dns_options *options)
{
	return dns_new_over(base, NULL, options);
}

void dns_free(struct dns **dns)
{
	struct dns *freed = *dns;
	struct dns_job *job;

	if (freed == NULL)
		return;
	*dns = NULL;
	assert(freed->queries == 0);
	while ((job = TAILQ_FIRST(&freed->jobs)) != NULL)
		dns_job_finish(job, freed->failed);
	freed->transport->class->free(freed->transport);
	assert(freed->errands == 0);
	event_free(freed->on_ready);
	dns_cache_free(&freed->cache);
	dns_answer_release(&freed->no_name);
	dns_answer_release(&freed->failed);
	free(freed->servers);
	free(freed->resolv_conf);
	free(freed);
}
