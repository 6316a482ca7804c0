/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/printable.h"
#include "rules/flood.h"
#include "rules/privacy.h"
#include "store/store.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

struct check {
	struct checker *checker; /* borrowed */
	struct ruleset *rules;   /* held */
	struct request request;  /* its bytes are borrowed from the owner of the check */
	struct netaddr client;   /* from the attribute client_address */
	bool is_farm;            /* the client belongs to one */
	check_done_fn *done;     /* NULL once it was called */
	void *arg;

	struct verdict verdict;
	char key[IDENTITY_TEXT_SIZE]; /* for the log: what the triplet is stored under; or empty */

	struct store_request *asking; /* owned; not NULL exactly while the store is asked */
	struct event *deadline;  /* owned; for the whole check; NULL when nothing is waited for */
	bool is_ready;           /* is in checker->ready */
	TAILQ_ENTRY(check) link; /* in checker->ready */
};

TAILQ_HEAD(check_queue, check);

struct checker {
	struct event_base *base;       /* borrowed */
	struct store *store;           /* borrowed */
	const struct privacy *privacy; /* borrowed; NULL: off */
	struct flood *flood;           /* owned */
	struct check_queue ready;      /* have their verdict, which goes out from the loop */
	size_t ready_count;
	struct event *on_ready; /* owned; active while ready is not empty */
	size_t checks;          /* that were started and not freed */
};

/* One field of the log line that comes from outside. */
static const char *check_log_field(const struct check *check, struct span value, char *out,
				   size_t size)
{
	if (check->checker->privacy != NULL && value.length > 0) {
		char hash[PRIVACY_TEXT_SIZE];
		privacy_hash(check->checker->privacy, value, hash);
		snprintf(out, size, "%s", hash);
	} else {
		printable_field(out, size, value);
	}
	return out;
}

static void check_log(const struct check *check)
{
	enum { FIELD_SIZE = 640 };
	const struct verdict *verdict = &check->verdict;
	const struct request *request = &check->request;
	char reason[VERDICT_REASON_SIZE], name[FIELD_SIZE], address[FIELD_SIZE], sender[FIELD_SIZE],
		recipient[FIELD_SIZE];

	if (verdict->reason == REASON_NOT_RCPT)
		return;
	verdict_reason_words(verdict, reason);
	log_info(
		"action=%s, reason=%s, client_name=%s, client_address=%s, sender=%s, "
		"recipient=%s%s%s, "
		"delay=%lld%s",
		verdict_action_word(verdict), reason,
		check_log_field(check, request_get(request, REQUEST_CLIENT_NAME), name, FIELD_SIZE),
		check_log_field(check, request_get(request, REQUEST_CLIENT_ADDRESS), address,
				FIELD_SIZE),
		check_log_field(check, request_get(request, REQUEST_SENDER), sender, FIELD_SIZE),
		check_log_field(check, request_get(request, REQUEST_RECIPIENT), recipient,
				FIELD_SIZE),
		check->key[0] != '\0' ? ", key=" : "", check->key, (long long)verdict->delay_s,
		verdict->is_dry ? ", greylist=dry" : "");
}

/* The only place that gives a verdict to the owner, who may free the check in there. */
static void check_finish(struct check *check)
{
	check_done_fn *done = check->done;

	check->done = NULL;
	if (check->deadline != NULL)
		evtimer_del(check->deadline);
	check_log(check);
	done(&check->verdict, check->arg);
}

/* The verdict stands; it goes out from the loop. */
static void check_set_ready(struct check *check, struct verdict verdict)
{
	struct checker *checker = check->checker;

	check->verdict = verdict;
	check->is_ready = true;
	if (checker->ready_count++ == 0)
		event_active(checker->on_ready, EV_TIMEOUT, 0);
	TAILQ_INSERT_TAIL(&checker->ready, check, link);
}

static void check_unset_ready(struct check *check)
{
	if (!check->is_ready)
		return;
	check->is_ready = false;
	check->checker->ready_count--;
	TAILQ_REMOVE(&check->checker->ready, check, link);
}

static void on_checks_ready(evutil_socket_t fd, short events, void *arg)
{
	struct checker *checker = arg;

	(void)fd;
	(void)events;
	/* Each may start another check, which becomes ready behind the last: those get their turn
	 * in the next round of the loop, after the sockets. */
	for (size_t turns = checker->ready_count; turns > 0 && checker->ready_count > 0; turns--) {
		struct check *check = TAILQ_FIRST(&checker->ready);
		check_unset_ready(check);
		check_finish(check);
	}
	if (checker->ready_count > 0)
		event_active(checker->on_ready, EV_TIMEOUT, 0);
}

static bool check_is_postmaster(struct span recipient)
{
	/* RFC 5321 4.5.1 and RFC 2142: who cannot reach these cannot ask what is wrong. */
	struct span local = address_local_part(recipient);
	return span_equals_nocase(local, SPAN("postmaster")) ||
	       span_equals_nocase(local, SPAN("abuse"));
}

/* Clients that are never checked, and recipients whom everybody must be able to reach. */
static bool check_is_exempt(struct check *check, struct verdict *verdict)
{
	const struct config *config = ruleset_config(check->rules);
	const struct request *request = &check->request;
	struct span recipient = request_get(request, REQUEST_RECIPIENT);
	enum verdict_reason reason;

	if (netlist_contains(&config->mynetworks, &check->client))
		reason = REASON_MYNETWORKS;
	else if (request_get(request, REQUEST_SASL_USERNAME).length > 0)
		reason = REASON_SASL_USERNAME;
	else if (request_get(request, REQUEST_CCERT_SUBJECT).length > 0)
		/* smtpd sends the subject only of a certificate that it could verify; the
		 * fingerprint it sends of any. */
		reason = REASON_CCERT_SUBJECT;
	else if (check_is_postmaster(recipient))
		reason = REASON_POSTMASTER;
	else
		return false;
	*verdict = verdict_pass(reason);
	return true;
}

/* What an access table says of address; false when it has nothing to say or says DUNNO. */
static bool check_table(const struct check *check, const struct access_table *table,
			struct span address, enum verdict_reason reason, struct verdict *verdict)
{
	const struct config *config = ruleset_config(check->rules);
	const struct access_entry *entry =
		access_find(table, address, span_of(config->recipient_delimiter));

	if (entry == NULL || entry->action == ACCESS_DUNNO)
		return false;
	*verdict = verdict_access(reason, entry);
	return true;
}

/* The forward-confirmed name of the client: smtpd's client_name is that, or "unknown". */
static struct span check_confirmed_name(const struct check *check)
{
	struct span name = request_get(&check->request, REQUEST_CLIENT_NAME);
	return span_equals_nocase(name, SPAN("unknown")) ? (struct span){"", 0} : name;
}

/* In the store stand hashes, when privacy asks for them. */
static void check_hash_keys(const struct check *check, struct store_question *question)
{
	const struct privacy *privacy = check->checker->privacy;
	char hash[PRIVACY_TEXT_SIZE];

	if (privacy == NULL)
		return;
	for (size_t i = 0; i < question->who.count; i++) {
		struct identity *identity = &question->who.list[i];
		/* A farm's name is the admin's own and nobody's address. */
		if (strncmp(identity->key, "farm:", 5) != 0) {
			privacy_hash(privacy, span_of(identity->key), hash);
			snprintf(identity->key, sizeof(identity->key), "%s", hash);
		}
		if (identity->client[0] != '\0') {
			privacy_hash(privacy, span_of(identity->client), hash);
			snprintf(identity->client, sizeof(identity->client), "%s", hash);
		}
	}
	privacy_hash(privacy, span_of(question->sender), hash);
	snprintf(question->sender, sizeof(question->sender), "%s", hash);
	privacy_hash(privacy, span_of(question->recipient), hash);
	snprintf(question->recipient, sizeof(question->recipient), "%s", hash);
}

static struct verdict check_store_failure(const struct check *check, enum verdict_reason reason)
{
	const struct config *config = ruleset_config(check->rules);
	if (config->on_store_failure == ON_FAILURE_DEFER)
		return verdict_defer(reason, config->greylist == MODE_DRY);
	return verdict_pass(reason);
}

/* What the store's decision means to the mail. */
static struct verdict check_greylist_verdict(struct check *check,
					     const struct greylist_decision *decision)
{
	const struct config *config = ruleset_config(check->rules);
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

static void on_check_store_answer(const struct store_answer *answer, void *arg)
{
	struct check *check = arg;

	check->asking = NULL;
	if (answer->status != STORE_ANSWERED) {
		check->verdict = check_store_failure(check, REASON_STORE_FAILURE);
		return check_finish(check);
	}
	check->verdict = check_greylist_verdict(check, &answer->decision);
	if (check->verdict.reason == REASON_NEW && !check->is_farm)
		flood_count(check->checker->flood, &check->client, clock_wall_s());
	return check_finish(check);
}

static void on_check_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct check *check = arg;

	(void)fd;
	(void)events;
	/* Only the store can be waited for, so that it is the store that failed. */
	store_cancel(&check->asking);
	check->verdict = check_store_failure(check, REASON_CHECK_DEADLINE);
	return check_finish(check);
}

static void check_start_deadline(struct check *check)
{
	struct timeval wait = {.tv_sec = ruleset_config(check->rules)->check_deadline_s};
	/* libevent keeps timers of one length in a queue, which costs less than its heap. */
	const struct timeval *common = event_base_init_common_timeout(check->checker->base, &wait);

	check->deadline = evtimer_new(check->checker->base, on_check_deadline, check);
	evtimer_add(check->deadline, common != NULL ? common : &wait);
}

/* Ask the store about the triplet. */
static void check_start_greylist(struct check *check, const struct network *network,
				 const struct farm *farm)
{
	const struct config *config = ruleset_config(check->rules);
	struct checker *checker = check->checker;
	struct span sender = request_get(&check->request, REQUEST_SENDER);
	struct span recipient = request_get(&check->request, REQUEST_RECIPIENT);
	struct store_question question = {
		.limits = {.delay_s = config->greylist_delay_s,
			   .retry_window_s = config->greylist_retry_window_s,
			   .lifetime_s = config->greylist_lifetime_s,
			   .known_after = config->greylist_known_after},
		.now_s = clock_wall_s(),
	};

	identities_collect(&question.who, network, farm, sender);
	sender_normalize(sender, recipient, question.sender);
	recipient_normalize(recipient, question.recipient);
	/* The admin knows a farm by name; however much it brings, it is no flood. */
	check->is_farm = farm != NULL;
	question.store_new =
		check->is_farm || !flood_is_over(checker->flood, &check->client,
						 config->max_new_per_client, question.now_s);
	check_hash_keys(check, &question);
	snprintf(check->key, sizeof(check->key), "%s", identities_strongest(&question.who)->key);
	check_start_deadline(check);
	check->asking = store_start(checker->store, &question, on_check_store_answer, check);
}

/* The steps, in the order of the contract; a verdict, or the store is asked. */
static void check_run(struct check *check)
{
	const struct config *config = ruleset_config(check->rules);
	const struct request *request = &check->request;
	struct verdict verdict;

	if (!span_equals_nocase(request_get(request, REQUEST_PROTOCOL_STATE), SPAN("RCPT")))
		return check_set_ready(check, verdict_pass(REASON_NOT_RCPT));
	if (!request_has(request, REQUEST_SENDER) || !request_has(request, REQUEST_RECIPIENT) ||
	    !netaddr_parse(request_get(request, REQUEST_CLIENT_ADDRESS), &check->client))
		return check_set_ready(check, verdict_pass(REASON_MISSING_ATTRIBUTE));
	if (check_is_exempt(check, &verdict) ||
	    check_table(check, ruleset_recipient_access(check->rules),
			request_get(request, REQUEST_RECIPIENT), REASON_RECIPIENT_ACCESS,
			&verdict) ||
	    check_table(check, ruleset_sender_access(check->rules),
			request_get(request, REQUEST_SENDER), REASON_SENDER_ACCESS, &verdict))
		return check_set_ready(check, verdict);

	struct network network =
		identity_network(&check->client, (unsigned)config->greylist_ipv4_prefix,
				 (unsigned)config->greylist_ipv6_prefix);
	const struct farm *farm = farm_find(ruleset_farms(check->rules), NULL,
					    check_confirmed_name(check), &check->client);
	if (config->greylist == MODE_OFF)
		return check_set_ready(check, verdict_pass(REASON_GREYLIST_OFF));
	if (farm != NULL && farm->pass) {
		snprintf(check->key, sizeof(check->key), "farm:%s", farm->name);
		return check_set_ready(check, verdict_pass(REASON_FARMS));
	}
	check_start_greylist(check, &network, farm);
}

struct check *check_start(struct checker *checker, struct ruleset *rules,
			  const struct request *request, check_done_fn *done, void *arg)
{
	struct check *check = mem_alloc(sizeof(*check));

	check->checker = checker;
	check->rules = ruleset_hold(rules);
	check->request = *request;
	check->done = done;
	check->arg = arg;
	checker->checks++;
	check_run(check);
	return check;
}

void check_free(struct check **check)
{
	struct check *freed = *check;

	if (freed == NULL)
		return;
	*check = NULL;
	store_cancel(&freed->asking);
	if (freed->deadline != NULL)
		event_free(freed->deadline);
	check_unset_ready(freed);
	ruleset_release(&freed->rules);
	freed->checker->checks--;
	free(freed);
}

struct checker *checker_new(struct event_base *base, struct store *store,
			    const struct privacy *privacy)
{
	struct checker *checker = mem_alloc(sizeof(*checker));

	checker->base = base;
	checker->store = store;
	checker->privacy = privacy;
	checker->flood = flood_new();
	checker->on_ready = event_new(base, -1, 0, on_checks_ready, checker);
	TAILQ_INIT(&checker->ready);
	return checker;
}

bool checker_is_private(const struct checker *checker)
{
	return checker->privacy != NULL;
}

void checker_free(struct checker **checker)
{
	struct checker *freed = *checker;

	if (freed == NULL)
		return;
	*checker = NULL;
	assert(freed->checks == 0);
	event_free(freed->on_ready);
	flood_free(&freed->flood);
	free(freed);
}
