/* SPDX-License-Identifier: BSD-2-Clause */
#include "greylist.h"

#include <string.h>

enum {
	/* What is seen again within the hour is not written again: known mail costs a read.  With a
	 * short greylist_lifetime the hour is a tenth of that. */
	GREYLIST_REFRESH_S = 3600,
	GREYLIST_REFRESH_PART = 10,
	/* At most one pass an hour makes a client better known (postgrey's rule). */
	GREYLIST_COUNT_EVERY_S = 3600,
};

int64_t greylist_entry_expires(const struct greylist_limits *limits,
			       const struct greylist_entry *entry)
{
	if (entry->passes > 0)
		return entry->last_seen_s + limits->lifetime_s;
	return entry->first_seen_s + limits->retry_window_s;
}

int64_t greylist_client_expires(const struct greylist_limits *limits,
				const struct greylist_client *client)
{
	return client->last_seen_s + limits->lifetime_s;
}

/* Whether then_s is longer ago than span_s, or, the clock having jumped back, not yet. */
static bool greylist_is_due(int64_t then_s, int64_t span_s, int64_t now_s)
{
	return then_s > now_s || now_s - then_s > span_s;
}

/* What is seen again within so many seconds is not written again. */
static int64_t greylist_refresh_s(const struct greylist_limits *limits)
{
	int64_t part_s = limits->lifetime_s / GREYLIST_REFRESH_PART;
	return part_s < GREYLIST_REFRESH_S ? part_s : GREYLIST_REFRESH_S;
}

/* Whether what was last seen at then_s is to be written again: on the hour, as a client's pass is
 * counted. */
static bool greylist_is_stale(const struct greylist_limits *limits, int64_t then_s, int64_t now_s)
{
	return greylist_is_due(then_s, greylist_refresh_s(limits) - 1, now_s);
}

static bool greylist_entry_is_valid(const struct greylist_limits *limits,
				    const struct greylist_finding *finding, int64_t now_s)
{
	return finding->has_entry && now_s <= greylist_entry_expires(limits, &finding->entry);
}

static bool greylist_client_is_valid(const struct greylist_limits *limits,
				     const struct greylist_finding *finding, int64_t now_s)
{
	return finding->has_client && now_s <= greylist_client_expires(limits, &finding->client);
}

/*
 * When an entry was first seen.  A time in the future comes from a clock that has been set back
 * since; to wait for it to come would be to wait for ever, so that the delay begins again.
 */
static int64_t greylist_first_seen(const struct greylist_entry *entry, int64_t now_s)
{
	return entry->first_seen_s > now_s ? now_s : entry->first_seen_s;
}

static bool greylist_is_known(const struct greylist_limits *limits, const struct identities *who,
			      const struct greylist_finding *findings, int64_t now_s,
			      struct greylist_decision *decision)
{
	bool known = false;

	if (limits->known_after == 0)
		return false;
	for (size_t i = 0; i < who->count; i++) {
		const struct greylist_finding *finding = &findings[i];
		if (!greylist_client_is_valid(limits, finding, now_s) ||
		    finding->client.passes < limits->known_after)
			continue;
		known = true;
		if (greylist_is_stale(limits, finding->client.last_seen_s, now_s)) {
			decision->keep[i].client_changed = true;
			decision->keep[i].client = finding->client;
			decision->keep[i].client.last_seen_s = now_s;
		}
	}
	return known;
}

/* Whether to keep what was learned under an identity: where nothing is kept yet, only if new
 * entries may be. */
static bool greylist_may_keep(bool is_valid, bool store_new, struct greylist_decision *decision)
{
	if (is_valid)
		return true;
	decision->adds_entry = store_new;
	return store_new;
}

/* Keep the time at which the triplet was first seen under every identity that does not know it. */
static void greylist_keep_waiting(const struct greylist_limits *limits,
				  const struct identities *who,
				  const struct greylist_finding *findings, int64_t first_seen_s,
				  bool store_new, int64_t now_s, struct greylist_decision *decision)
{
	for (size_t i = 0; i < who->count; i++) {
		bool valid = greylist_entry_is_valid(limits, &findings[i], now_s);
		if ((valid && findings[i].entry.first_seen_s == first_seen_s) ||
		    !greylist_may_keep(valid, store_new, decision))
			continue;
		decision->keep[i].entry_changed = true;
		decision->keep[i].entry = (struct greylist_entry){
			.first_seen_s = first_seen_s,
			.last_seen_s = first_seen_s,
		};
	}
}

static void greylist_count_pass(const struct greylist_limits *limits,
				const struct greylist_finding *finding, int64_t now_s,
				struct greylist_client *client, bool *changed)
{
	*client = (struct greylist_client){0};
	if (greylist_client_is_valid(limits, finding, now_s)) {
		*client = finding->client;
		if (!greylist_is_due(client->counted_s, GREYLIST_COUNT_EVERY_S - 1, now_s)) {
			/* Not counted, but seen: with a short greylist_lifetime that counts too. */
			if (!greylist_is_stale(limits, client->last_seen_s, now_s))
				return;
			client->last_seen_s = now_s;
			*changed = true;
			return;
		}
	}
	client->passes++;
	client->counted_s = now_s;
	client->last_seen_s = now_s;
	*changed = true;
}

/*
 * When an entry that passes now counts as seen.  A client's passes count once an hour, and are not
 * looked at before the entry is due again: so that is when the client's next one counts.
 */
static int64_t greylist_seen(const struct greylist_limits *limits, const struct identity *identity,
			     const struct greylist_finding *finding, int64_t now_s)
{
	bool counts_later =
		limits->known_after > 0 && identity->client[0] != '\0' &&
		greylist_client_is_valid(limits, finding, now_s) &&
		!greylist_is_due(finding->client.counted_s, greylist_refresh_s(limits) - 1, now_s);

	return counts_later ? finding->client.counted_s : now_s;
}

/* What was learned by a pass is learned for every identity. */
static void greylist_keep_passed(const struct greylist_limits *limits, const struct identities *who,
				 const struct greylist_finding *findings, int64_t first_seen_s,
				 bool store_new, int64_t now_s, struct greylist_decision *decision)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct greylist_finding *finding = &findings[i];
		bool valid = greylist_entry_is_valid(limits, finding, now_s);
		if (!greylist_may_keep(valid, store_new, decision))
			continue;
		if (!valid || finding->entry.passes == 0 ||
		    greylist_is_stale(limits, finding->entry.last_seen_s, now_s)) {
			decision->keep[i].entry_changed = true;
			decision->keep[i].entry = (struct greylist_entry){
				.first_seen_s = valid ? greylist_first_seen(&finding->entry, now_s)
						      : first_seen_s,
				.last_seen_s = greylist_seen(limits, &who->list[i], finding, now_s),
				.passes = valid ? finding->entry.passes + 1 : 1,
			};
		}
		if (limits->known_after > 0 && who->list[i].client[0] != '\0')
			greylist_count_pass(limits, finding, now_s, &decision->keep[i].client,
					    &decision->keep[i].client_changed);
	}
}

bool greylist_is_settled(const struct greylist_limits *limits, const struct identities *who,
			 const struct greylist_finding findings[static IDENTITY_MAX], int64_t now_s)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct greylist_entry *entry = &findings[i].entry;
		if (!greylist_entry_is_valid(limits, &findings[i], now_s) || entry->passes == 0 ||
		    greylist_is_stale(limits, entry->last_seen_s, now_s))
			return false;
	}
	return true;
}

void greylist_decide(const struct greylist_limits *limits, const struct identities *who,
		     const struct greylist_finding findings[static IDENTITY_MAX], bool store_new,
		     int64_t now_s, struct greylist_decision *decision)
{
	bool has_passed = false, is_waiting = false;
	int64_t first_seen_s = now_s;

	memset(decision, 0, sizeof(*decision));
	if (greylist_is_settled(limits, who, findings, now_s)) {
		decision->outcome = GREYLIST_PASS;
		return;
	}
	if (greylist_is_known(limits, who, findings, now_s, decision)) {
		decision->outcome = GREYLIST_KNOWN;
		return;
	}
	for (size_t i = 0; i < who->count; i++) {
		if (!greylist_entry_is_valid(limits, &findings[i], now_s))
			continue;
		has_passed = has_passed || findings[i].entry.passes > 0;
		is_waiting = true;
		int64_t seen_s = greylist_first_seen(&findings[i].entry, now_s);
		if (seen_s < first_seen_s)
			first_seen_s = seen_s;
	}

	int64_t waited_s = now_s - first_seen_s;
	if (has_passed || (is_waiting && waited_s >= limits->delay_s)) {
		decision->outcome = GREYLIST_PASS;
		decision->delay_s = has_passed ? 0 : waited_s;
		greylist_keep_passed(limits, who, findings, first_seen_s, store_new, now_s,
				     decision);
		return;
	}
	decision->outcome = is_waiting ? GREYLIST_EARLY : GREYLIST_NEW;
	decision->wait_s = limits->delay_s - waited_s;
	greylist_keep_waiting(limits, who, findings, first_seen_s, store_new, now_s, decision);
}
