/* SPDX-License-Identifier: BSD-2-Clause */
#include "farm_resolver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "lookup/dns.h"
#include "lookup/spf_networks.h"
#include "store/store.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	FARM_RESOLVER_OUT_MAX = 3,      /* domains that are looked up at the same time */
	FARM_RESOLVER_RETRY_MIN_S = 60, /* after the first failure; then twice as long each time */
	FARM_RESOLVER_RETRY_MAX_S = 3600,
	FARM_RESOLVER_JITTER_PART = 10, /* of a delay, at most so much is added to it */
	FARM_RESOLVER_SAID_SIZE = 2 * SPF_NETWORKS_TEXT_SIZE + 256,
};

struct farm_domain {
	TAILQ_ENTRY(farm_domain) link;
	struct farm_resolver *resolver; /* borrowed: its owner */
	char *name;                     /* owned */
	bool is_wanted;                 /* while farms are set: the table has it */

	/* What is in force: nothing while networks is NULL. */
	struct network *list; /* owned */
	size_t count;
	char *networks;        /* owned; the same as text, as the store has it */
	int64_t resolved_s;    /* Unix time: when DNS said so */
	int64_t fresh_until_s; /* Unix time */

	int64_t due_ms;                     /* farm_resolver_now_ms(): when it is to be looked up */
	unsigned failures;                  /* in a row */
	struct spf_networks_query *query;   /* owned; not NULL exactly while that is out */
	struct store_request *keeping;      /* owned; the same */
	char said[FARM_RESOLVER_SAID_SIZE]; /* what the log knows */
};

TAILQ_HEAD(farm_domains, farm_domain);

/* A domain that is gone, on its way out of the store. */
struct farm_forgetting {
	TAILQ_ENTRY(farm_forgetting) link;
	struct farm_resolver *resolver; /* borrowed: its owner */
	struct store_request *request;  /* owned */
};

TAILQ_HEAD(farm_forgettings, farm_forgetting);

struct farm_resolver {
	struct dns *dns;                    /* borrowed */
	struct store *store;                /* borrowed */
	struct farm_networks *networks;     /* owned; never NULL */
	struct farm_domains domains;        /* owned */
	struct farm_forgettings forgetting; /* owned */
	struct event *timer;                /* owned; for the domain that is due next */
	bool has_begun;                     /* the store was asked */
	struct store_request *reading;      /* owned; not NULL exactly while that is out */
	size_t out;                         /* domains that are looked up now */
	int64_t skipped_ms;                 /* farm_resolver_skip_for_test() */
};

static int64_t farm_resolver_now_ms(const struct farm_resolver *resolver)
{
	return clock_mono_ms() + resolver->skipped_ms;
}

/* The domain is to be looked up in delay_s or a little later, so that not all come at once. */
static void farm_domain_set_due(struct farm_domain *domain, int64_t delay_s)
{
	uint32_t jitter_ms = (uint32_t)(delay_s * 1000 / FARM_RESOLVER_JITTER_PART);
	domain->due_ms = farm_resolver_now_ms(domain->resolver) + delay_s * 1000 +
			 (jitter_ms > 0 ? randombytes_uniform(jitter_ms) : 0);
}

/* Whether text is news about the domain, which the log does not know yet. */
static bool farm_domain_has_news(struct farm_domain *domain, const char *text)
{
	if (strcmp(domain->said, text) == 0)
		return false;
	snprintf(domain->said, sizeof(domain->said), "%s", text);
	return true;
}

static void farm_domain_describe(const struct farm_domain *domain, const char *left,
				 char said[static FARM_RESOLVER_SAID_SIZE])
{
	bool is_left = left[0] != '\0';
	snprintf(said, FARM_RESOLVER_SAID_SIZE, "%zu %s%s%s%s", domain->count,
		 domain->count == 1 ? "network" : "networks",
		 is_left ? "; left to ptr:, as it " : "",
		 is_left ? "cannot be resolved ahead: " : "", left);
}

/* Resolved, with something that can be used. */
static void farm_domain_log_found(struct farm_domain *domain, const char *left)
{
	char said[FARM_RESOLVER_SAID_SIZE];

	farm_domain_describe(domain, left, said);
	if (farm_domain_has_news(domain, said))
		log_info("farms: spf:%s: %s", domain->name, said);
}

/* Nothing that can be used.  Mail is not treated differently as long as there is something older.
 */
static void farm_domain_log_trouble(struct farm_domain *domain, const struct spf_networks *result)
{
	char said[FARM_RESOLVER_SAID_SIZE], stays[64] = "nobody is recognised by it";
	bool is_left = result->left[0] != '\0';

	if (domain->networks != NULL)
		snprintf(stays, sizeof(stays), "what was known before stays in force, %zu %s",
			 domain->count, domain->count == 1 ? "network" : "networks");
	snprintf(said, sizeof(said), "%s%s%s%s; %s",
		 result->status == SPF_NETWORKS_REFUSED ? "is not used: " : "", result->why,
		 is_left ? "; left to ptr:, as it cannot be resolved ahead: " : "", result->left,
		 stays);
	if (!farm_domain_has_news(domain, said))
		return;
	if (domain->networks != NULL)
		log_info("farms: spf:%s: %s", domain->name, said);
	else
		log_warning("farms: spf:%s: %s", domain->name, said);
}

/* Networks as one text, separated by blanks; owned by the caller. */
static char *farm_domain_format_list(const struct network *list, size_t count)
{
	char *text = mem_alloc(count * NETWORK_TEXT_SIZE + 1), *at = text;

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*at++ = ' ';
		network_format(&list[i], at);
		at += strlen(at);
	}
	return text;
}

/* The way back.  NULL when text has anything else in it, or nothing; owned by the caller. */
static struct network *farm_domain_parse_list(const char *text, size_t *count)
{
	struct span rest = span_of(text);
	struct network *list = NULL;
	size_t size = 0;

	*count = 0;
	for (struct span word = span_next_word(&rest, " "); word.length > 0;
	     word = span_next_word(&rest, " ")) {
		if (*count == size) {
			size = size > 0 ? 2 * size : 64;
			list = mem_resize(list, size * sizeof(*list));
		}
		if (network_parse(word, &list[(*count)++]) != NULL) {
			free(list);
			return NULL;
		}
	}
	return list;
}

/* Another table, from what is in force for each domain. */
static void farm_resolver_rebuild(struct farm_resolver *resolver)
{
	struct farm_domain *domain;

	farm_networks_free(&resolver->networks);
	resolver->networks = farm_networks_new();
	TAILQ_FOREACH (domain, &resolver->domains, link)
		if (domain->networks != NULL)
			farm_networks_add(resolver->networks, span_of(domain->name), domain->list,
					  domain->count);
	farm_networks_sort(resolver->networks);
}

/* Takes list and text over. */
static void farm_domain_set_networks(struct farm_domain *domain, struct network *list, size_t count,
				     char *text)
{
	free(domain->list);
	free(domain->networks);
	domain->list = list;
	domain->count = count;
	domain->networks = text;
}

static void on_farm_domain_kept(const struct store_networks_answer *answer, void *arg)
{
	struct farm_domain *domain = arg;

	/* When that failed, the store said so, and the next refresh writes again. */
	(void)answer;
	domain->keeping = NULL;
}

static void farm_domain_keep(struct farm_domain *domain)
{
	const struct store_networks networks = {
		.domain = domain->name,
		.networks = domain->networks,
		.resolved_s = domain->resolved_s,
		.fresh_until_s = domain->fresh_until_s,
	};

	store_cancel(&domain->keeping);
	domain->keeping = store_start_networks_keep(domain->resolver->store, &networks,
						    on_farm_domain_kept, domain);
}

static void farm_domain_take_found(struct farm_domain *domain, const struct spf_networks *result)
{
	char *text = farm_domain_format_list(result->list, result->count);
	int64_t fresh_until_s = clock_wall_s() + result->ttl_s;
	bool has_changed = domain->networks == NULL || strcmp(domain->networks, text) != 0;
	bool is_to_keep = has_changed || domain->fresh_until_s != fresh_until_s;

	domain->failures = 0;
	domain->resolved_s = clock_wall_s();
	domain->fresh_until_s = fresh_until_s;
	farm_domain_set_due(domain, result->ttl_s);
	if (has_changed) {
		struct network *list = mem_resize(NULL, result->count * sizeof(*list));
		memcpy(list, result->list, result->count * sizeof(*list));
		farm_domain_set_networks(domain, list, result->count, text);
		farm_resolver_rebuild(domain->resolver);
	} else {
		free(text);
	}
	farm_domain_log_found(domain, result->left);
	if (is_to_keep)
		farm_domain_keep(domain);
}

static void farm_domain_take_trouble(struct farm_domain *domain, const struct spf_networks *result)
{
	int64_t delay_s = FARM_RESOLVER_RETRY_MIN_S;

	for (unsigned i = 0; i < domain->failures && delay_s < FARM_RESOLVER_RETRY_MAX_S; i++)
		delay_s *= 2;
	domain->failures++;
	farm_domain_set_due(
		domain, delay_s < FARM_RESOLVER_RETRY_MAX_S ? delay_s : FARM_RESOLVER_RETRY_MAX_S);
	farm_domain_log_trouble(domain, result);
}

static void farm_resolver_turn(struct farm_resolver *resolver);

static void on_farm_domain_resolved(const struct spf_networks *result, void *arg)
{
	struct farm_domain *domain = arg;

	domain->query = NULL;
	domain->resolver->out--;
	switch (result->status) {
	case SPF_NETWORKS_FOUND:
		farm_domain_take_found(domain, result);
		break;
	case SPF_NETWORKS_REFUSED:
	case SPF_NETWORKS_FAILED:
		farm_domain_take_trouble(domain, result);
		break;
	}
	farm_resolver_turn(domain->resolver);
}

/* The domain that is due first, of those that are not looked up now; or NULL. */
static struct farm_domain *farm_resolver_find_next(struct farm_resolver *resolver)
{
	struct farm_domain *domain, *next = NULL;

	TAILQ_FOREACH (domain, &resolver->domains, link)
		if (domain->query == NULL && (next == NULL || domain->due_ms < next->due_ms))
			next = domain;
	return next;
}

/* Look up what is due, and wait for what is due next. */
static void farm_resolver_turn(struct farm_resolver *resolver)
{
	int64_t now_ms = farm_resolver_now_ms(resolver);

	evtimer_del(resolver->timer);
	if (resolver->reading != NULL)
		return;
	while (resolver->out < FARM_RESOLVER_OUT_MAX) {
		struct farm_domain *domain = farm_resolver_find_next(resolver);
		if (domain == NULL)
			return;
		if (domain->due_ms > now_ms) {
			int64_t delay_ms = domain->due_ms - now_ms;
			struct timeval delay = {.tv_sec = delay_ms / 1000,
						.tv_usec = delay_ms % 1000 * 1000};
			evtimer_add(resolver->timer, &delay);
			return;
		}
		resolver->out++;
		domain->query = spf_networks_start(resolver->dns, span_of(domain->name),
						   on_farm_domain_resolved, domain);
	}
}

static void on_farm_resolver_timer(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	farm_resolver_turn(arg);
}

static void farm_forgetting_free(struct farm_forgetting *forgetting)
{
	TAILQ_REMOVE(&forgetting->resolver->forgetting, forgetting, link);
	store_cancel(&forgetting->request);
	free(forgetting);
}

static void on_farm_forgotten(const struct store_networks_answer *answer, void *arg)
{
	struct farm_forgetting *forgetting = arg;

	/* When that failed, the next start finds the row, and forgets it. */
	(void)answer;
	forgetting->request = NULL;
	farm_forgetting_free(forgetting);
}

static void farm_resolver_forget(struct farm_resolver *resolver, const char *name)
{
	struct farm_forgetting *forgetting = mem_alloc(sizeof(*forgetting));

	forgetting->resolver = resolver;
	TAILQ_INSERT_TAIL(&resolver->forgetting, forgetting, link);
	forgetting->request =
		store_start_networks_forget(resolver->store, name, on_farm_forgotten, forgetting);
}

static struct farm_domain *farm_resolver_find_domain(struct farm_resolver *resolver,
						     const char *name)
{
	struct farm_domain *domain;

	TAILQ_FOREACH (domain, &resolver->domains, link)
		if (strcmp(domain->name, name) == 0)
			return domain;
	return NULL;
}

/* What the store knows of a domain, from before the start. */
static void farm_domain_take_row(struct farm_domain *domain, const struct store_networks *row)
{
	size_t count;
	struct network *list = farm_domain_parse_list(row->networks, &count);
	int64_t fresh_s = row->fresh_until_s - clock_wall_s();

	if (list == NULL) {
		log_warning("farms: spf:%s: what the store has is no list of networks",
			    row->domain);
		return;
	}
	farm_domain_set_networks(domain, list, count, mem_copy_string(row->networks));
	domain->resolved_s = row->resolved_s;
	domain->fresh_until_s = row->fresh_until_s;
	/* A clock that was set back does not make it fresh for longer than it can be. */
	if (fresh_s > 0 && fresh_s <= SPF_NETWORKS_TTL_MAX_S)
		farm_domain_set_due(domain, fresh_s);
	/* That the next lookup finds the same is no news. */
	farm_domain_describe(domain, "", domain->said);
}

static void on_farm_resolver_read(const struct store_networks_answer *answer, void *arg)
{
	struct farm_resolver *resolver = arg;
	size_t known = 0;

	resolver->reading = NULL;
	for (size_t i = 0; i < answer->count; i++) {
		const struct store_networks *row = &answer->rows[i];
		struct farm_domain *domain = farm_resolver_find_domain(resolver, row->domain);
		if (domain == NULL) {
			farm_resolver_forget(resolver, row->domain);
			continue;
		}
		farm_domain_take_row(domain, row);
		known += domain->networks != NULL;
	}
	if (known > 0) {
		log_info("farms: the networks of %zu SPF %s known from before", known,
			 known == 1 ? "domain are" : "domains are");
		farm_resolver_rebuild(resolver);
	}
	farm_resolver_turn(resolver);
}

static void farm_resolver_add_domain(struct farm_resolver *resolver, const char *name)
{
	struct farm_domain *domain = mem_alloc(sizeof(*domain));

	domain->resolver = resolver;
	domain->name = mem_copy_string(name);
	domain->is_wanted = true;
	domain->due_ms = farm_resolver_now_ms(resolver);
	TAILQ_INSERT_TAIL(&resolver->domains, domain, link);
}

static void farm_domain_free(struct farm_domain *domain)
{
	TAILQ_REMOVE(&domain->resolver->domains, domain, link);
	if (domain->query != NULL)
		domain->resolver->out--;
	spf_networks_cancel(&domain->query);
	store_cancel(&domain->keeping);
	farm_domain_set_networks(domain, NULL, 0, NULL);
	free(domain->name);
	free(domain);
}

/* Drop the domains that the table does not have; whether there were any. */
static bool farm_resolver_drop_unwanted(struct farm_resolver *resolver)
{
	struct farm_domain *domain, *next;
	bool has_dropped = false;

	for (domain = TAILQ_FIRST(&resolver->domains); domain != NULL; domain = next) {
		next = TAILQ_NEXT(domain, link);
		if (domain->is_wanted)
			continue;
		/* While the store is read, what it has of this domain is forgotten then. */
		if (resolver->reading == NULL)
			farm_resolver_forget(resolver, domain->name);
		farm_domain_free(domain);
		has_dropped = true;
	}
	return has_dropped;
}

void farm_resolver_set_farms(struct farm_resolver *resolver, const struct farm_table *table)
{
	struct farm_domain *domain;

	TAILQ_FOREACH (domain, &resolver->domains, link)
		domain->is_wanted = false;
	for (size_t i = 0; i < farm_spf_count(table); i++) {
		const char *name = farm_spf_domain(table, i);
		domain = farm_resolver_find_domain(resolver, name);
		if (domain == NULL) {
			farm_resolver_add_domain(resolver, name);
			continue;
		}
		domain->is_wanted = true;
		/* Who reloads may just have mended DNS.  A lookup that is out, or an answer that is
		 * kept for some seconds, may still be from before: then it is tried again in a
		 * minute, and not in an hour. */
		if (domain->failures > 0) {
			domain->failures = 0;
			domain->due_ms = farm_resolver_now_ms(resolver);
		}
	}
	if (farm_resolver_drop_unwanted(resolver))
		farm_resolver_rebuild(resolver);
	if (!resolver->has_begun) {
		resolver->has_begun = true;
		resolver->reading =
			store_start_networks_read(resolver->store, on_farm_resolver_read, resolver);
	}
	farm_resolver_turn(resolver);
}

const struct farm_networks *farm_resolver_networks(const struct farm_resolver *resolver)
{
	return resolver->networks;
}

void farm_resolver_each_domain(const struct farm_resolver *resolver, farm_resolver_domain_fn *fn,
			       void *arg)
{
	const struct farm_domain *domain;

	TAILQ_FOREACH (domain, &resolver->domains, link) {
		const struct farm_resolver_domain told = {
			domain->name, domain->count, domain->resolved_s, domain->fresh_until_s};
		fn(&told, arg);
	}
}

void farm_resolver_skip_for_test(struct farm_resolver *resolver, int64_t seconds)
{
	resolver->skipped_ms += seconds * 1000;
	farm_resolver_turn(resolver);
}

struct farm_resolver *farm_resolver_new(struct event_base *base, struct dns *dns,
					struct store *store)
{
	struct farm_resolver *resolver = mem_alloc(sizeof(*resolver));

	resolver->dns = dns;
	resolver->store = store;
	resolver->networks = farm_networks_new();
	TAILQ_INIT(&resolver->domains);
	TAILQ_INIT(&resolver->forgetting);
	resolver->timer = evtimer_new(base, on_farm_resolver_timer, resolver);
	return resolver;
}

void farm_resolver_free(struct farm_resolver **resolver)
{
	struct farm_resolver *freed = *resolver;

	if (freed == NULL)
		return;
	*resolver = NULL;
	while (!TAILQ_EMPTY(&freed->domains))
		farm_domain_free(TAILQ_FIRST(&freed->domains));
	while (!TAILQ_EMPTY(&freed->forgetting))
		farm_forgetting_free(TAILQ_FIRST(&freed->forgetting));
	store_cancel(&freed->reading);
	event_free(freed->timer);
	farm_networks_free(&freed->networks);
	free(freed);
}
