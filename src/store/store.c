/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include "base/span.h"

#include <stdio.h>

static const struct store_class *const store_classes[] = {
	&sqlite_store_class,
};

struct store *store_open(const char *name, const struct store_options *options,
			 struct event_base *base, char why[static STORE_WHY_SIZE])
{
	struct span whole = span_of(name);
	size_t colon = span_find(whole, ':');

	for (size_t i = 0; i < sizeof(store_classes) / sizeof(store_classes[0]); i++)
		if (colon < whole.length &&
		    span_equals(span_first(whole, colon), span_of(store_classes[i]->scheme)))
			return store_classes[i]->open(name + colon + 1, options, base, why);
	snprintf(why, STORE_WHY_SIZE, "%s: there is no such kind of store", name);
	return NULL;
}

struct store_request *store_start(struct store *store, const struct store_question *question,
				  store_done_fn *done, void *arg)
{
	return store->class->start(store, question, done, arg);
}

struct store_request *store_start_networks_read(struct store *store, store_networks_done_fn *done,
						void *arg)
{
	return store->class->start_networks(store, STORE_NETWORKS_READ, NULL, done, arg);
}

struct store_request *store_start_networks_keep(struct store *store,
						const struct store_networks *networks,
						store_networks_done_fn *done, void *arg)
{
	return store->class->start_networks(store, STORE_NETWORKS_KEEP, networks, done, arg);
}

struct store_request *store_start_networks_forget(struct store *store, const char *domain,
						  store_networks_done_fn *done, void *arg)
{
	const struct store_networks networks = {.domain = domain};
	/* cppcheck-suppress returnDanglingLifetime ; it is copied */
	return store->class->start_networks(store, STORE_NETWORKS_FORGET, &networks, done, arg);
}

static const double store_batch_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};

const struct histogram_steps store_batch_steps = {
	store_batch_bounds,
	sizeof(store_batch_bounds) / sizeof(store_batch_bounds[0]),
};

struct store_request *store_start_errand(struct store *store, const struct store_errand *errand,
					 store_report_fn *done, void *arg)
{
	return store->class->start_errand(store, errand, done, arg);
}

const struct store_counts *store_counts(struct store *store)
{
	return store->class->counts(store);
}

void store_cancel(struct store_request **request)
{
	if (*request == NULL)
		return;
	struct store_request *cancelled = *request;
	*request = NULL;
	cancelled->store->class->cancel(cancelled);
}

void store_free(struct store **store)
{
	if (*store == NULL)
		return;
	struct store *freed = *store;
	*store = NULL;
	freed->class->free(freed);
}
