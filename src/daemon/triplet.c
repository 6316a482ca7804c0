/* SPDX-License-Identifier: BSD-2-Clause */
#include "triplet.h"

#include "rules/privacy.h"

#include <stdio.h>

static void triplet_hash(const struct privacy *privacy, char *text, size_t size)
{
	char hash[PRIVACY_TEXT_SIZE];

	privacy_hash(privacy, span_of(text), hash);
	snprintf(text, size, "%s", hash);
}

/* In the store stand hashes, when privacy asks for them. */
static void triplet_hash_keys(const struct privacy *privacy, struct store_question *question)
{
	for (size_t i = 0; i < question->who.count; i++) {
		struct identity *identity = &question->who.list[i];
		/* A farm's name is the admin's own and nobody's address. */
		if (!span_starts_with(span_of(identity->key), SPAN("farm:")))
			triplet_hash(privacy, identity->key, sizeof(identity->key));
		if (identity->client[0] != '\0')
			triplet_hash(privacy, identity->client, sizeof(identity->client));
	}
	triplet_hash(privacy, question->sender, sizeof(question->sender));
	triplet_hash(privacy, question->recipient, sizeof(question->recipient));
}

void triplet_ask(const struct triplet_source *source, int64_t now_s,
		 struct store_question *question)
{
	const struct config *config = source->config;
	struct span sender = request_get(source->request, REQUEST_SENDER);
	struct span recipient = request_get(source->request, REQUEST_RECIPIENT);
	struct network network =
		identity_network(source->client, (unsigned)config->greylist_ipv4_prefix,
				 (unsigned)config->greylist_ipv6_prefix);

	*question = (struct store_question){
		.limits = {.delay_s = config->greylist_delay_s,
			   .retry_window_s = config->greylist_retry_window_s,
			   .lifetime_s = config->greylist_lifetime_s,
			   .known_after = config->greylist_known_after},
		.now_s = now_s,
	};
	identities_collect(&question->who, &network, source->farm, sender);
	if (source->spf->result == SPF_PASS && source->spf->is_narrow)
		identities_add_domain(&question->who, source->spf->domain);
	sender_normalize(sender, recipient, question->sender);
	recipient_normalize(recipient, question->recipient);
	if (source->privacy != NULL)
		triplet_hash_keys(source->privacy, question);
}

struct verdict triplet_judge(const struct config *config, const struct greylist_decision *decision)
{
	bool dry = config->greylist == MODE_DRY;
	struct verdict verdict;

	switch (decision->outcome) {
	case GREYLIST_NEW:
		return verdict_greylist(decision->keep[0].entry_changed ? REASON_NEW
									: REASON_NEW_NOT_STORED,
					decision->wait_s, config->greylist_text, dry);
	case GREYLIST_EARLY:
		return verdict_greylist(REASON_EARLY_RETRY, decision->wait_s, config->greylist_text,
					dry);
	case GREYLIST_PASS:
		verdict = verdict_pass(REASON_TRIPLET_FOUND);
		verdict.delay_s = decision->delay_s;
		return verdict;
	case GREYLIST_KNOWN:
		break;
	}
	return verdict_pass(REASON_KNOWN);
}

struct verdict triplet_fail(const struct config *config, enum verdict_reason reason)
{
	if (config->on_store_failure == ON_FAILURE_DEFER)
		return verdict_defer(reason, config->greylist == MODE_DRY);
	return verdict_pass(reason);
}
