/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_networks.h"

#include "base/memory.h"
#include "base/printable.h"
#include "replay.h"
#include "spf_record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Networks of this size or wider are a mistake, or somebody's try to be everybody. */
	SPF_NETWORKS_WIDE_V4 = 8,
	SPF_NETWORKS_WIDE_V6 = 16,
	/* All networks of a family cover no more than one of this size would: two of the above. */
	SPF_NETWORKS_ALL_V4 = 7,
	SPF_NETWORKS_ALL_V6 = 15,
	/* Of a name: what is more is a permanent error (RFC 7208 4.6.4). */
	SPF_NETWORKS_HOSTS_MAX = 10,
	/*
	 * Of a run, so that it takes no longer than a moment (2 ms): nothing else is answered in
	 * the meantime, and every answer that was missing is another run.  A term and a record of
	 * DNS are a step each, whatever comes of them; a name in a term, which is compared with
	 * those before it, and a question, which is looked up in the table, are several.
	 */
	SPF_NETWORKS_STEPS_MAX = 10000,
	SPF_NETWORKS_STEPS_NAME = 10,
	SPF_NETWORKS_STEPS_QUESTION = 10,
	SPF_NETWORKS_BYTES_MAX = 256 * 1024,
};

/* A name that the records lead to: of a domain whose record counts as well (include, redirect), of
 * one whose MX hosts count (mx), or of hosts (a, and each of the MX hosts). */
struct spf_visit {
	enum spf_mechanism mechanism;
	uint8_t prefix_v4, prefix_v6; /* 0 for a domain */
	char name[DNS_NAME_SIZE];     /* folded */
};

/* One run. */
struct spf_flattening {
	struct dns_table *table;
	struct spf_networks *result;
	bool is_over;    /* refused, or failed: nothing more is to be found */
	bool is_waiting; /* some answers are not there yet: the result will not count */
	/* In the order in which they were met.  Each is there once, which is enough for a union,
	 * and ends every loop of includes. */
	struct spf_visit *visits; /* owned */
	size_t visit_count, visits_size;
	size_t domain_count; /* of them: includes, redirects and the first one */
	size_t list_size;
	size_t steps, bytes;
	bool is_left_full; /* result->left ends in "..." */
};

static void spf_networks_end(struct spf_flattening *run, enum spf_networks_status status,
			     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The first one to say that it is over, and why, has said it. */
static void spf_networks_end(struct spf_flattening *run, enum spf_networks_status status,
			     const char *format, ...)
{
	va_list arguments;

	if (run->is_over)
		return;
	run->is_over = true;
	run->result->status = status;
	va_start(arguments, format);
	vsnprintf(run->result->why, sizeof(run->result->why), format, arguments);
	va_end(arguments);
}

/* False when the run is over: by now, or for longer. */
static bool spf_networks_spend(struct spf_flattening *run, size_t steps)
{
	run->steps += steps;
	if (run->steps > SPF_NETWORKS_STEPS_MAX)
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "takes more than %d steps to follow",
				 SPF_NETWORKS_STEPS_MAX);
	return !run->is_over;
}

/* The answer to a question; NULL when it is not there, or ended the run. */
static const struct dns_answer *spf_networks_ask(struct spf_flattening *run, enum dns_type type,
						 struct span name)
{
	if (!spf_networks_spend(run, SPF_NETWORKS_STEPS_QUESTION))
		return NULL;
	const struct dns_answer *answer = dns_table_ask(run->table, type, name);
	if (answer == NULL) {
		run->is_waiting = true;
	} else if (answer == run->table->failed) {
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "needs more than %d questions to DNS",
				 SPF_NETWORKS_QUESTIONS_MAX);
	} else if (dns_answer_status(answer) == DNS_FAILED) {
		spf_networks_end(run, SPF_NETWORKS_FAILED, "DNS does not answer for %.*s",
				 (int)name.length, name.text);
	} else if (spf_networks_spend(run, dns_answer_count(answer))) {
		if (dns_answer_ttl_s(answer) < run->result->ttl_s)
			run->result->ttl_s = dns_answer_ttl_s(answer);
		return answer;
	}
	return NULL;
}

static bool spf_networks_is_known(const struct spf_flattening *run, const struct spf_visit *visit)
{
	for (size_t i = 0; i < run->visit_count; i++) {
		const struct spf_visit *known = &run->visits[i];
		if (known->mechanism == visit->mechanism && known->prefix_v4 == visit->prefix_v4 &&
		    known->prefix_v6 == visit->prefix_v6 && strcmp(known->name, visit->name) == 0)
			return true;
	}
	return false;
}

static void spf_networks_visit(struct spf_flattening *run, const struct spf_visit *visit)
{
	if (!spf_networks_spend(run, SPF_NETWORKS_STEPS_NAME) || spf_networks_is_known(run, visit))
		return;
	if (run->visit_count == run->visits_size) {
		run->visits_size = run->visits_size > 0 ? 2 * run->visits_size : 32;
		run->visits = mem_resize(run->visits, run->visits_size * sizeof(*run->visits));
	}
	run->visits[run->visit_count++] = *visit;
}

/* domain's record counts as well. */
static void spf_networks_visit_domain(struct spf_flattening *run, struct span domain)
{
	struct spf_visit visit = {.mechanism = SPF_MECHANISM_INCLUDE};
	size_t before = run->visit_count;

	if (!dns_name_fold(domain, visit.name)) {
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "leads to \"%.*s\", which is no domain",
				 (int)(domain.length < 80 ? domain.length : 80), domain.text);
		return;
	}
	spf_networks_visit(run, &visit);
	run->domain_count += run->visit_count - before;
	if (run->domain_count > SPF_NETWORKS_QUESTIONS_MAX)
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "leads to more than %d domains",
				 SPF_NETWORKS_QUESTIONS_MAX);
}

/* The hosts of name count (a), or those of its MX (mx).  A name that cannot be asked about has
 * none. */
static void spf_networks_visit_hosts(struct spf_flattening *run, enum spf_mechanism mechanism,
				     uint8_t prefix_v4, uint8_t prefix_v6, struct span name)
{
	struct spf_visit visit = {mechanism, prefix_v4, prefix_v6, ""};

	if (dns_name_fold_question(name, visit.name))
		spf_networks_visit(run, &visit);
}

/* A term that is not followed. */
static void spf_networks_leave(struct spf_flattening *run, const char *before, struct span text)
{
	static const char more[] = " ...";
	struct spf_networks *result = run->result;
	char term[128]; /* enough to know it by */

	if (run->is_left_full)
		return;
	printable_line(term, sizeof(term), text);
	size_t used = strlen(result->left), room = sizeof(result->left) - used;
	run->is_left_full = strlen(term) + strlen(before) + 1 + sizeof(more) > room;
	if (run->is_left_full)
		snprintf(result->left + used, room, "%s", more);
	else
		snprintf(result->left + used, room, "%s%s%s", used > 0 ? " " : "", before, term);
}

/* IPv6 networks of addresses that are IPv4 ones: no client is in them (netaddr.h). */
static bool spf_networks_is_mapped(const struct network *network)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	return network->addr.bits == 128 && network->prefix >= 96 &&
	       memcmp(network->addr.bytes, mapped, sizeof(mapped)) == 0;
}

static void spf_networks_add(struct spf_flattening *run, const struct network *network)
{
	struct spf_networks *result = run->result;
	char text[NETWORK_TEXT_SIZE];

	if (spf_networks_is_mapped(network))
		return;
	if (network->prefix <=
	    (network->addr.bits == 32 ? SPF_NETWORKS_WIDE_V4 : SPF_NETWORKS_WIDE_V6)) {
		network_format(network, text);
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "has the network %s, which is too wide",
				 text);
		return;
	}
	if (result->count == SPF_NETWORKS_MAX) {
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "has more than %d networks",
				 SPF_NETWORKS_MAX);
		return;
	}
	if (result->count == run->list_size) {
		run->list_size = run->list_size > 0 ? 2 * run->list_size : 64;
		result->list = mem_resize(result->list, run->list_size * sizeof(*result->list));
	}
	result->list[result->count++] = *network;
}

/* The addresses of a host, of both families, each with the network around it. */
static void spf_networks_add_host(struct spf_flattening *run, const struct spf_visit *visit)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA};

	for (size_t i = 0; i < 2; i++) {
		const struct dns_answer *answer =
			spf_networks_ask(run, types[i], span_of(visit->name));
		size_t count = answer != NULL ? dns_answer_count(answer) : 0;
		for (size_t k = 0; k < count && !run->is_over; k++) {
			const struct netaddr *addr = dns_answer_address(answer, k);
			struct network network = network_of(
				addr, addr->bits == 32 ? visit->prefix_v4 : visit->prefix_v6);
			spf_networks_add(run, &network);
		}
	}
}

static void spf_networks_add_mx(struct spf_flattening *run, const struct spf_visit *visit)
{
	const struct dns_answer *answer = spf_networks_ask(run, DNS_MX, span_of(visit->name));
	size_t count = answer != NULL ? dns_answer_count(answer) : 0;

	if (count > SPF_NETWORKS_HOSTS_MAX) {
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "%s has more than %d MX hosts",
				 visit->name, SPF_NETWORKS_HOSTS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++)
		spf_networks_visit_hosts(run, SPF_MECHANISM_A, visit->prefix_v4, visit->prefix_v6,
					 dns_answer_text(answer, i));
}

/* One directive but all, of domain's record. */
static void spf_networks_add_term(struct spf_flattening *run, const struct spf_term *term,
				  struct span domain)
{
	struct span name = term->domain.length > 0 ? term->domain : domain;

	if (term->qualifier != '+' || term->has_macros) {
		spf_networks_leave(run, "", term->text);
		return;
	}
	switch (term->mechanism) {
	case SPF_MECHANISM_INCLUDE:
		spf_networks_visit_domain(run, name);
		break;
	case SPF_MECHANISM_A:
	case SPF_MECHANISM_MX:
		spf_networks_visit_hosts(run, term->mechanism, term->prefix_v4, term->prefix_v6,
					 name);
		break;
	case SPF_MECHANISM_IP4:
	case SPF_MECHANISM_IP6:
		spf_networks_add(run, &term->network);
		break;
	case SPF_MECHANISM_PTR:
	case SPF_MECHANISM_EXISTS:
		spf_networks_leave(run, "", term->text);
		break;
	case SPF_MECHANISM_ALL:
	case SPF_MECHANISM_COUNT:
		break;
	}
}

static void spf_networks_add_record(struct spf_flattening *run, const struct spf_record *record,
				    struct span domain)
{
	for (size_t i = 0; i < record->count && !run->is_over; i++) {
		const struct spf_term *term = &record->terms[i];
		if (term->mechanism != SPF_MECHANISM_ALL) {
			spf_networks_add_term(run, term, domain);
			continue;
		}
		if (term->qualifier == '+')
			spf_networks_end(run, SPF_NETWORKS_REFUSED, "%.*s passes everybody (+all)",
					 (int)domain.length, domain.text);
		/* Nothing behind it counts, and no redirect either (RFC 7208 5.1). */
		return;
	}
	if (record->redirect_has_macros)
		spf_networks_leave(run, "redirect=", record->redirect);
	else if (record->redirect.length > 0)
		spf_networks_visit_domain(run, record->redirect);
}

/* Spend what reading the TXT records takes, SPF or not, from their first byte to their last: before
 * they are, since a term may be as short as two bytes.  False when that ended the run. */
static bool spf_networks_spend_texts(struct spf_flattening *run, const struct dns_answer *answer)
{
	size_t terms = 0;

	for (size_t i = 0; i < dns_answer_count(answer); i++) {
		struct span text = dns_answer_text(answer, i);
		run->bytes += text.length;
		for (size_t k = 0; k < text.length; k++)
			terms += text.text[k] == ' ';
	}
	if (run->bytes > SPF_NETWORKS_BYTES_MAX)
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "has more than %d bytes of records",
				 SPF_NETWORKS_BYTES_MAX);
	return spf_networks_spend(run, terms);
}

static void spf_networks_add_domain(struct spf_flattening *run, struct span domain)
{
	const struct dns_answer *answer = spf_networks_ask(run, DNS_TXT, domain);
	struct spf_record record = {0};
	struct span problem;

	if (answer == NULL || !spf_networks_spend_texts(run, answer))
		return;
	enum spf_record_status status = dns_answer_status(answer) == DNS_FOUND
						? spf_record_parse(&record, answer, &problem)
						: SPF_RECORD_NONE;
	switch (status) {
	case SPF_RECORD_FOUND:
		spf_networks_add_record(run, &record, domain);
		break;
	case SPF_RECORD_NONE:
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "%.*s has no SPF record",
				 (int)domain.length, domain.text);
		break;
	case SPF_RECORD_SEVERAL:
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "%.*s has several SPF records",
				 (int)domain.length, domain.text);
		break;
	case SPF_RECORD_LONG:
		spf_networks_end(run, SPF_NETWORKS_REFUSED,
				 "%.*s has an SPF record of more than 16 KB", (int)domain.length,
				 domain.text);
		break;
	case SPF_RECORD_LONG_TERM:
		spf_networks_end(run, SPF_NETWORKS_REFUSED,
				 "%.*s has a term of more than 512 bytes in its SPF record",
				 (int)domain.length, domain.text);
		break;
	case SPF_RECORD_INVALID:
		spf_networks_end(run, SPF_NETWORKS_REFUSED, "%.*s: a syntax error in \"%.*s\"",
				 (int)domain.length, domain.text,
				 (int)(problem.length < 80 ? problem.length : 80), problem.text);
		break;
	}
	spf_record_clear(&record);
}

/* Whatever a record leads to is visited in turn, so that nothing here calls itself. */
static void spf_networks_follow(struct spf_flattening *run, const struct spf_visit *visit)
{
	if (visit->mechanism == SPF_MECHANISM_INCLUDE)
		spf_networks_add_domain(run, span_of(visit->name));
	else if (visit->mechanism == SPF_MECHANISM_MX)
		spf_networks_add_mx(run, visit);
	else
		spf_networks_add_host(run, visit);
}

static int spf_networks_compare(const void *left, const void *right)
{
	const struct network *a = left, *b = right;
	int order = netaddr_compare(&a->addr, &b->addr);
	return order != 0 ? order : (int)a->prefix - (int)b->prefix;
}

/* Each network once, in an order that does not depend on that of the answers. */
static void spf_networks_tidy(struct spf_networks *networks)
{
	size_t kept = 0;

	if (networks->count == 0)
		return;
	qsort(networks->list, networks->count, sizeof(*networks->list), spf_networks_compare);
	for (size_t i = 1; i < networks->count; i++)
		if (spf_networks_compare(&networks->list[kept], &networks->list[i]) != 0)
			networks->list[++kept] = networks->list[i];
	networks->count = kept + 1;
}

/*
 * Many networks that are each not too wide may be too wide together.  Those within others count,
 * too: nobody needs them.  Counted are addresses, in IPv6 networks of /64; smaller ones are at most
 * SPF_NETWORKS_MAX, and count as one each.
 */
static void spf_networks_check_total(struct spf_flattening *run)
{
	const struct spf_networks *networks = run->result;
	uint64_t v4 = 0, v6 = 0;

	for (size_t i = 0; i < networks->count; i++) {
		unsigned prefix = networks->list[i].prefix;
		if (networks->list[i].addr.bits == 32)
			v4 += UINT64_C(1) << (32 - prefix);
		else
			v6 += UINT64_C(1) << (prefix < 64 ? 64 - prefix : 0);
	}
	if (v4 > UINT64_C(1) << (32 - SPF_NETWORKS_ALL_V4))
		spf_networks_end(run, SPF_NETWORKS_REFUSED,
				 "has IPv4 networks that are together wider than a /%d",
				 SPF_NETWORKS_ALL_V4);
	if (v6 > UINT64_C(1) << (64 - SPF_NETWORKS_ALL_V6))
		spf_networks_end(run, SPF_NETWORKS_REFUSED,
				 "has IPv6 networks that are together wider than a /%d",
				 SPF_NETWORKS_ALL_V6);
}

bool spf_networks_flatten(struct span domain, struct dns_table *table, size_t *waits_for,
			  struct spf_networks *networks)
{
	struct spf_flattening run = {
		.table = table,
		.result = networks,
	};

	spf_networks_clear(networks);
	networks->ttl_s = SPF_NETWORKS_TTL_MAX_S;
	spf_networks_visit_domain(&run, domain);
	/* Also when an answer is missing: so all that is known to be needed is asked at once. */
	for (size_t i = 0; i < run.visit_count && !run.is_over; i++) {
		struct spf_visit visit = run.visits[i]; /* they may move */
		spf_networks_follow(&run, &visit);
	}
	free(run.visits);

	if (run.is_waiting && !run.is_over) {
		*waits_for = 0;
		while (table->rows[*waits_for].answer != NULL)
			++*waits_for;
		return false;
	}
	spf_networks_tidy(networks);
	spf_networks_check_total(&run);
	if (networks->count == 0)
		spf_networks_end(&run, SPF_NETWORKS_REFUSED, "names no network");
	if (run.is_over) {
		free(networks->list);
		networks->list = NULL;
		networks->count = 0;
	}
	if (networks->ttl_s < SPF_NETWORKS_TTL_MIN_S)
		networks->ttl_s = SPF_NETWORKS_TTL_MIN_S;
	return true;
}

void spf_networks_clear(struct spf_networks *networks)
{
	free(networks->list);
	*networks = (struct spf_networks){0};
}

struct spf_networks_query {
	char *domain;          /* owned */
	struct replay *replay; /* owned */
	struct spf_networks networks;
	spf_networks_done_fn *done;
	void *arg;
};

static void spf_networks_free_query(struct spf_networks_query *query)
{
	replay_cancel(&query->replay);
	spf_networks_clear(&query->networks);
	free(query->domain);
	free(query);
}

static bool spf_networks_run(struct dns_table *table, size_t *waits_for, void *arg)
{
	struct spf_networks_query *query = arg;
	return spf_networks_flatten(span_of(query->domain), table, waits_for, &query->networks);
}

static void on_spf_networks_done(void *arg)
{
	struct spf_networks_query *query = arg;
	struct spf_networks networks = query->networks;
	spf_networks_done_fn *done = query->done;
	void *done_arg = query->arg;

	query->networks = (struct spf_networks){0};
	spf_networks_free_query(query);
	done(&networks, done_arg);
	spf_networks_clear(&networks);
}

struct spf_networks_query *spf_networks_start(struct dns *dns, struct span domain,
					      spf_networks_done_fn *done, void *arg)
{
	struct spf_networks_query *query = mem_alloc(sizeof(*query));

	query->domain = mem_copy_text(domain.text, domain.length);
	query->done = done;
	query->arg = arg;
	query->replay = replay_start(dns, SPF_NETWORKS_QUESTIONS_MAX, spf_networks_run,
				     on_spf_networks_done, query);
	return query;
}

void spf_networks_cancel(struct spf_networks_query **query)
{
	if (*query == NULL)
		return;
	spf_networks_free_query(*query);
	*query = NULL;
}
