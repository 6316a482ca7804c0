/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fill a database as if mail had come for a while: the triplets of a population, each of which has
 * waited and passed, and then a flood of others from everywhere, which wait.  It asks the store
 * what the daemon would have asked it, in order of number, and only the times are made up.
 */
#include "base/clock.h"
#include "population.h"
#include "rules/farm.h"
#include "store/store.h"

#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	OUTSTANDING_MAX = 4096, /* questions at a time */
	DAY_S = 24 * 3600,
	DELAY_S = 5 * 60,
	IPV4_PREFIX = 24,
	IPV6_PREFIX = 64,
	CAPACITY = 100 * 1000 * 1000,
};

/* Odd, so that different numbers have different products, over all of 32 bits. */
static const uint32_t SPREAD = 2654435761;

struct filler {
	struct event_base *base;
	struct store *store;
	struct farm farm; /* with a name: the mail comes from this provider */
	/* Of the population, so many of them expired; and of the flood. */
	uint32_t entries, expired, flood;
	uint64_t asked, answered, questions;
	int64_t now_s;
	bool has_failed;
};

/* How many questions all but the flood take. */
static uint64_t filler_flood_from(const struct filler *filler)
{
	return 2 * (uint64_t)filler->entries - filler->expired;
}

/* Question number n: first all triplets come for the first time, then those that pass again, then
 * the flood. */
static void filler_question(const struct filler *filler, uint64_t n,
			    struct store_question *question)
{
	bool is_flood = n >= filler_flood_from(filler);
	bool is_retry = !is_flood && n >= filler->entries;
	uint32_t number = (uint32_t)(n - (is_flood   ? filler_flood_from(filler)
					  : is_retry ? filler->entries
						     : 0));
	bool is_farm = filler->farm.name[0] != '\0';
	enum population_mix mix = is_farm ? POPULATION_FARM : POPULATION_KNOWN;
	struct population_mail mail;
	struct netaddr client;

	population_mail(is_flood ? POPULATION_FLOOD_IPV4 : mix, number,
			is_flood ? number * SPREAD : number, &mail);
	netaddr_parse(span_of(mail.client_address), &client);
	struct network network = identity_network(&client, IPV4_PREFIX, IPV6_PREFIX);
	*question = (struct store_question){
		.limits = {.delay_s = DELAY_S,
			   .retry_window_s = 2 * DAY_S,
			   .lifetime_s = 35 * DAY_S,
			   .known_after = 5},
		.store_new = true,
		.mode = STORE_KEEP,
		.now_s = filler->now_s - (is_retry ? 0 : DELAY_S),
	};
	/* What has never come again within the window is of no use any more. */
	if (!is_flood && number >= filler->entries - filler->expired)
		question->now_s = filler->now_s - 3 * DAY_S;
	identities_collect(&question->who, &network, is_farm ? &filler->farm : NULL,
			   span_of(mail.sender));
	sender_normalize(span_of(mail.sender), span_of(mail.recipient), question->sender);
	recipient_normalize(span_of(mail.recipient), question->recipient);
}

static void on_answer(const struct store_answer *answer, void *arg);

static void filler_ask(struct filler *filler)
{
	struct store_question question;

	while (filler->asked < filler->questions &&
	       filler->asked - filler->answered < OUTSTANDING_MAX) {
		/* Whoever comes again comes behind all that came before him. */
		if (filler->asked == filler->entries && filler->answered < filler->entries)
			return;
		filler_question(filler, filler->asked++, &question);
		store_start(filler->store, &question, on_answer, filler);
	}
}

static void on_answer(const struct store_answer *answer, void *arg)
{
	struct filler *filler = arg;

	if (answer->status != STORE_ANSWERED)
		filler->has_failed = true;
	filler->answered++;
	if (filler->answered == filler->questions || filler->has_failed)
		event_base_loopbreak(filler->base);
	else
		filler_ask(filler);
}

static int usage(void)
{
	fprintf(stderr, "usage: fill-store --store sqlite:PATH --entries N [--expired N]"
			" [--farm NAME] [--flood N]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"store", required_argument, NULL, 's'},
		{"entries", required_argument, NULL, 'e'},
		{"expired", required_argument, NULL, 'x'},
		{"farm", required_argument, NULL, 'f'},
		{"flood", required_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	struct filler filler = {.base = event_base_new(), .now_s = clock_wall_s()};
	const char *name = NULL;
	char why[STORE_WHY_SIZE];

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			name = optarg;
		else if (option == 'e')
			filler.entries = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'x')
			filler.expired = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'l')
			filler.flood = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 'f')
			snprintf(filler.farm.name, sizeof(filler.farm.name), "%s", optarg);
		else
			return usage();
	}
	if (name == NULL || filler.entries == 0 || filler.expired > filler.entries)
		return usage();
	filler.questions = filler_flood_from(&filler) + filler.flood;
	/* Nothing is cleaned up while it is written. */
	clock_set_for_test(filler.now_s - 4 * DAY_S);
	filler.store = store_open(
		name, &(struct store_options){.sync_full = false, .max_entries = CAPACITY},
		filler.base, why);
	if (filler.store == NULL) {
		fprintf(stderr, "fill-store: %s\n", why);
		return 1;
	}
	filler_ask(&filler);
	event_base_dispatch(filler.base);
	store_free(&filler.store);
	event_base_free(filler.base);
	return filler.has_failed ? 1 : 0;
}
