/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include "base/clock.h"
#include "base/memory.h"
#include "explanation.h"
#include "farm_resolver.h"
#include "lookup/dns_name.h"
#include "lookup/evidence_cache.h"
#include "lookup/inquiry.h"
#include "ready_queue.h"
#include "rules/auth_results.h"
#include "rules/exempt.h"
#include "rules/flood.h"
#include "rules/gate.h"
#include "rules/instances.h"
#include "stats.h"
#include "triplet.h"
#include "verdict_log.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

/* A step of a check; each ends in a verdict, in the next step, or in waiting for something. */
typedef void check_step_fn(struct check *check);

struct check {
	struct checker *checker; /* borrowed */
	struct ruleset *rules;   /* held */
	struct request request;  /* its bytes are borrowed from the owner of the check */
	struct netaddr client;   /* from the attribute client_address */
	check_done_fn *done;     /* NULL once it was called */
	void *arg;
	struct explanation *explanation; /* borrowed; NULL: an ordinary check */
	int64_t started_us;              /* monotonic */
	bool is_starting; /* within check_start(): a verdict goes out later, from the loop */

	struct inquiry *inquiry; /* owned; what DNS says; NULL: who is exempt is not asked about */
	check_step_fn *step;     /* where it goes on when the inquiry has its answer */
	const struct farm *farm; /* of the rules' table; NULL: belongs to none */
	bool is_looking;         /* the store is asked to look only */
	struct verdict verdict;
	char key[IDENTITY_TEXT_SIZE]; /* for the log: what the triplet is stored under; or empty */

	struct store_request *asking; /* owned; not NULL exactly while the store is asked */
	struct event *deadline; /* owned; for the whole check; NULL when nothing is waited for */
	struct ready ready;     /* in checker->ready, while the verdict waits for the loop */
};

struct checker {
	struct checker_parts parts;
	struct inquiry_sources sources; /* of the parts; kept is owned */
	struct flood *flood;            /* owned */
	struct instances *instances;    /* owned; the messages that have their header */
	struct ready_queue *ready;      /* owned; verdicts that go out from the loop */
	size_t checks;                  /* that were started and not freed */
};

/* What is not asked about in a client that does not come to the gate is not told either. */
static bool check_is_gated(const struct check *check)
{
	const struct config *config = ruleset_config(check->rules);
	int family = check->client.bits == 32 ? FAMILY_IPV4 : FAMILY_IPV6;
	return config->gate != MODE_OFF && (config->gate_families & family) != 0;
}

/* Mail that passes gets a header, once a message, when there is anything to tell. */
static void check_add_header(struct check *check)
{
	static const struct evidence none;
	const struct config *config = ruleset_config(check->rules);
	struct checker *checker = check->checker;
	struct verdict *verdict = &check->verdict;
	const char *authserv_id =
		config->authserv_id[0] != '\0' ? config->authserv_id : checker->parts.hostname;
	char header[AUTH_RESULTS_SIZE];

	/* Neither evidence nor a delay to tell of. */
	if (!check_is_gated(check) && verdict->delay_s == 0)
		return;
	if (check->inquiry == NULL || !verdict_lets_pass(verdict) ||
	    !auth_results_format(header, span_of(authserv_id), &check->client,
				 check_is_gated(check) ? inquiry_evidence(check->inquiry) : &none,
				 /* Under dry nobody was made to wait. */
				 config->greylist == MODE_ENFORCE ? verdict->delay_s : 0) ||
	    /* Who asks why is shown the header of a message that has none yet. */
	    (check->explanation == NULL &&
	     !instances_add(checker->instances, request_get(&check->request, REQUEST_INSTANCE))))
		return;
	verdict_prepend(verdict, header);
}

static struct verdict_log_entry check_log_entry(const struct check *check)
{
	return (struct verdict_log_entry){
		.verdict = &check->verdict,
		.request = &check->request,
		.evidence = check->inquiry != NULL ? inquiry_evidence(check->inquiry) : NULL,
		.key = check->key,
		.privacy = check->checker->parts.privacy,
	};
}

/* Count what became of the request. */
static void check_count(const struct check *check, const struct verdict_log_entry *entry)
{
	const struct config *config = ruleset_config(check->rules);
	struct checker_parts *parts = &check->checker->parts;
	char shown[STATS_SENDER_NAME_SIZE];

	if (parts->stats == NULL)
		return;
	stats_senders_name(request_get(&check->request, REQUEST_SENDER), parts->privacy, shown);
	const struct stats_request counted = {
		.verdict = &check->verdict,
		.evidence = entry->evidence,
		.sender_domain = shown,
		/* Under dry nobody was made to wait. */
		.delay_s = config->greylist == MODE_ENFORCE ? check->verdict.delay_s : 0,
		.duration_us = clock_mono_us() - check->started_us,
	};
	stats_count_request(parts->stats, &counted);
}

/* The only place that gives a verdict to the owner, who may free the check in there. */
static void check_finish(struct check *check)
{
	check_done_fn *done = check->done;

	check->done = NULL;
	if (check->deadline != NULL)
		evtimer_del(check->deadline);
	check_add_header(check);
	struct verdict_log_entry entry = check_log_entry(check);
	if (check->explanation == NULL) {
		check_count(check, &entry);
		verdict_log(&entry);
	} else {
		explanation_note_verdict(check->explanation, &entry);
	}
	done(&check->verdict, check->arg);
}

static void on_check_ready(void *arg)
{
	struct check *check = arg;
	return check_finish(check);
}

/* A step has come to the verdict. */
static void check_conclude(struct check *check, struct verdict verdict)
{
	/* What the gate would have done in earnest goes with whatever is decided later. */
	if (check->verdict.gate_dry[0] != '\0') {
		memcpy(verdict.gate_dry, check->verdict.gate_dry, sizeof(verdict.gate_dry));
		verdict.gate_row = check->verdict.gate_row;
	}
	check->verdict = verdict;
	if (check->is_starting)
		return ready_queue_add(check->checker->ready, &check->ready, on_check_ready, check);
	return check_finish(check);
}

static void on_check_deadline(evutil_socket_t fd, short events, void *arg);

/* Something is waited for. */
static void check_start_deadline(struct check *check)
{
	struct event_base *base = check->checker->parts.base;
	struct timeval wait = {.tv_sec = ruleset_config(check->rules)->check_deadline_s};

	if (check->deadline != NULL)
		return;
	/* libevent keeps timers of one length in a queue, which costs less than its heap. */
	const struct timeval *common = event_base_init_common_timeout(base, &wait);
	check->deadline = evtimer_new(base, on_check_deadline, check);
	evtimer_add(check->deadline, common != NULL ? common : &wait);
}

static void on_check_inquiry(void *arg)
{
	struct check *check = arg;
	return check->step(check);
}

/* Whether evidence is there.  If not, it is asked for, and step runs again when it is. */
static bool check_has(struct check *check, enum inquiry_subject subject, check_step_fn *step)
{
	if (inquiry_has(check->inquiry, subject))
		return true;
	check->step = step;
	check_start_deadline(check);
	inquiry_start(check->inquiry, subject, on_check_inquiry, check);
	return false;
}

/* The entry for address in an access table; NULL when it has none, or one that says DUNNO.  noted
 * is where an explanation has that table, or NULL. */
static const struct access_entry *check_find_entry(const struct check *check,
						   const struct access_table *table,
						   struct span address,
						   struct explained_access *noted)
{
	const struct config *config = ruleset_config(check->rules);
	const struct access_entry *entry =
		access_find(table, address, span_of(config->recipient_delimiter));
	explanation_note_access(noted, table, entry);
	return entry != NULL && entry->action == ACCESS_DUNNO ? NULL : entry;
}

/* The name that smtpd has confirmed, or empty: client_name is that, or "unknown". */
static struct span check_client_name(const struct check *check)
{
	struct span name = request_get(&check->request, REQUEST_CLIENT_NAME);
	return span_equals_nocase(name, SPAN("unknown")) ? (struct span){"", 0} : name;
}

/* The client's forward-confirmed name, as far as is known yet, or empty. */
static struct span check_confirmed_name(const struct check *check)
{
	const struct iprev_evidence *iprev = &inquiry_evidence(check->inquiry)->iprev;
	return span_of(iprev->result == IPREV_PASS ? iprev->name : "");
}

static void check_prove_domain(struct check *check);

static void on_check_store_answer(const struct store_answer *answer, void *arg)
{
	struct check *check = arg;
	const struct config *config = ruleset_config(check->rules);
	const struct greylist_decision *decision = &answer->decision;

	check->asking = NULL;
	explanation_note_answer(check->explanation, answer);
	if (answer->status != STORE_ANSWERED)
		return check_conclude(check, triplet_fail(config, REASON_STORE_FAILURE));
	if (check->is_looking &&
	    (decision->outcome == GREYLIST_NEW || decision->outcome == GREYLIST_EARLY))
		return check_prove_domain(check);
	/* Also of mail that passes: who is known by his domain could bring it from everywhere. */
	if (decision->adds_entry && check->farm == NULL && check->explanation == NULL)
		flood_count(check->checker->flood, &check->client, clock_wall_s());
	return check_conclude(check, triplet_judge(config, decision));
}

static void on_check_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct check *check = arg;

	(void)fd;
	(void)events;
	/* The inquiry has a deadline of its own, before this one, so that it is the store that is
	 * waited for, and that failed. */
	store_cancel(&check->asking);
	return check_conclude(check,
			      triplet_fail(ruleset_config(check->rules), REASON_CHECK_DEADLINE));
}

/*
 * Ask the store about the triplet, under all identities that are known of the client.  look_only:
 * as long as SPF could prove one more, only whether it passes is of interest.
 */
static void check_ask_store(struct check *check, bool look_only)
{
	const struct config *config = ruleset_config(check->rules);
	struct checker *checker = check->checker;
	struct triplet_source source = {.config = config,
					.request = &check->request,
					.client = &check->client,
					.farm = check->farm,
					.spf = &inquiry_evidence(check->inquiry)->spf,
					.privacy = checker->parts.privacy};
	struct store_question question;

	triplet_ask(&source, clock_wall_s(), &question);
	question.mode = look_only ? STORE_LOOK : STORE_KEEP;
	check->is_looking = look_only;
	/* The admin knows a farm by name; however much it brings, it is no flood. */
	question.store_new =
		check->farm != NULL || !flood_is_over(checker->flood, &check->client,
						      config->max_new_per_client, question.now_s);
	memcpy(check->key, identities_strongest(&question.who)->key, sizeof(check->key));
	if (check->explanation != NULL) {
		question.mode = STORE_SHOW;
		explanation_note_question(check->explanation, config, &question);
	}
	check_start_deadline(check);
	check->asking = store_start(checker->parts.store, &question, on_check_store_answer, check);
}

/* The triplet does not pass under what the client shows by itself. */
static void check_prove_domain(struct check *check)
{
	if (check_has(check, INQUIRY_SPF, check_prove_domain))
		return check_ask_store(check, false);
}

static void check_greylist(struct check *check)
{
	const struct config *config = ruleset_config(check->rules);
	const struct farm_resolver *resolver = check->checker->parts.farm_resolver;
	struct farm_match match;

	check->farm = farm_find_match(ruleset_farms(check->rules),
				      resolver != NULL ? farm_resolver_networks(resolver) : NULL,
				      check_confirmed_name(check), &check->client, &match);
	explanation_note_farm(check->explanation, ruleset_table_path(config, RULESET_FARMS)->path,
			      check->farm, &match);
	if (config->greylist == MODE_OFF)
		return check_conclude(check, verdict_pass(REASON_GREYLIST_OFF));
	if (check->farm != NULL && check->farm->pass) {
		snprintf(check->key, sizeof(check->key), "farm:%s", check->farm->name);
		return check_conclude(check, verdict_pass(REASON_FARMS));
	}
	/* The network is looked up first, and needs no DNS, unless SPF is known already. */
	return check_ask_store(check, !inquiry_has(check->inquiry, INQUIRY_SPF));
}

/* Mail that it hands on fails SPF by no fault of the sender's. */
static bool check_is_trusted_forwarder(const struct check *check)
{
	bool is_one = hostlist_contains(&ruleset_config(check->rules)->trusted_forwarders,
					&check->client, check_confirmed_name(check));

	if (check->explanation != NULL)
		check->explanation->is_trusted_forwarder = is_one;
	return is_one;
}

static bool check_judge(struct check *check, struct gate_judgement *judgement)
{
	const struct config *config = ruleset_config(check->rules);
	struct gate_case about = {
		.profile = (enum gate_profile)config->gate_profile,
		.dns_failure_passes = config->on_dns_failure == ON_FAILURE_PASS,
		.is_trusted_forwarder = check_is_trusted_forwarder(check),
		.client = &check->client,
		.evidence = inquiry_evidence(check->inquiry),
	};
	return gate_judge(&about, judgement);
}

static void check_note_gate(struct check *check, const struct gate_judgement *judgement)
{
	return explanation_note_gate(check->explanation, ruleset_config(check->rules),
				     check_is_gated(check), judgement);
}

static void check_gate(struct check *check)
{
	bool enforce = ruleset_config(check->rules)->gate == MODE_ENFORCE;
	struct gate_judgement judgement;

	check_note_gate(check, NULL);
	if (!check_is_gated(check))
		return check_greylist(check);
	if (!check_has(check, INQUIRY_IPREV, check_gate))
		return;
	/* Who is refused for his host is not asked for his domain; where nobody is refused, the
	 * header tells all there is to know. */
	if (enforce && check_judge(check, &judgement)) {
		check_note_gate(check, &judgement);
		return check_conclude(check, verdict_gate(&judgement));
	}
	if (!check_has(check, INQUIRY_SPF, check_gate))
		return;
	if (check_judge(check, &judgement)) {
		check_note_gate(check, &judgement);
		if (enforce)
			return check_conclude(check, verdict_gate(&judgement));
		verdict_set_gate_dry(&check->verdict, &judgement);
	}
	return check_greylist(check);
}

static void check_sender_access(struct check *check);

enum check_answer { CHECK_YES, CHECK_NO, CHECK_LATER };

/* Whether an OK in sender_access counts for this client (sender_access_requires). */
static enum check_answer check_ok_counts(struct check *check)
{
	const struct evidence *evidence = inquiry_evidence(check->inquiry);

	switch ((enum config_requires)ruleset_config(check->rules)->sender_access_requires) {
	case REQUIRES_ANY:
		break;
	case REQUIRES_NOT_DISOWNED:
		if (!check_has(check, INQUIRY_SPF, check_sender_access))
			return CHECK_LATER;
		if ((evidence->spf.result == SPF_FAIL || evidence->spf.result == SPF_SOFTFAIL) &&
		    !evidence->spf.is_doubtful && !check_is_trusted_forwarder(check))
			return CHECK_NO;
		break;
	case REQUIRES_AUTHENTICATED:
		if (!check_has(check, INQUIRY_SPF, check_sender_access))
			return CHECK_LATER;
		/* What passes for anybody proves nothing. */
		if (evidence->spf.result == SPF_PASS && evidence->spf.is_narrow)
			break;
		if (!check_has(check, INQUIRY_IPREV, check_sender_access))
			return CHECK_LATER;
		if (evidence->spf.domain[0] == '\0' ||
		    !dns_name_is_within(check_confirmed_name(check), span_of(evidence->spf.domain)))
			return CHECK_NO;
		break;
	}
	return CHECK_YES;
}

static void check_sender_access(struct check *check)
{
	const struct access_entry *entry = check_find_entry(
		check, ruleset_sender_access(check->rules),
		request_get(&check->request, REQUEST_SENDER),
		check->explanation != NULL ? &check->explanation->sender_access : NULL);
	enum check_answer counts = CHECK_YES;

	if (entry == NULL)
		return check_gate(check);
	if (entry->action == ACCESS_OK)
		counts = check_ok_counts(check);
	explanation_note_requirement(check->explanation, ruleset_config(check->rules),
				     counts == CHECK_YES);
	switch (counts) {
	case CHECK_YES:
		return check_conclude(check, verdict_access(REASON_SENDER_ACCESS, entry));
	case CHECK_NO:
		return check_gate(check);
	case CHECK_LATER:
		return;
	}
}

/* From here on DNS may be asked about the client, within three quarters of the time: the last
 * quarter is the store's. */
static void check_open_inquiry(struct check *check)
{
	const struct config *config = ruleset_config(check->rules);
	struct spf_question about = {
		.client = check->client,
		.sender = request_get(&check->request, REQUEST_SENDER),
		.helo = request_get(&check->request, REQUEST_HELO_NAME),
		.limits = {.max_lookups = (unsigned)config->spf_max_lookups,
			   .max_void_lookups = (unsigned)config->spf_max_void_lookups},
	};
	check->inquiry =
		inquiry_new(&check->checker->sources, &about, check_client_name(check),
			    config->check_deadline_s * 1000 * 3 / 4,
			    check->explanation != NULL ? &check->explanation->report : NULL);
}

/* The steps, in the order of the contract, up to a verdict or to something that is waited for. */
static void check_run(struct check *check)
{
	const struct request *request = &check->request;
	const struct netlist *mynetworks = &ruleset_config(check->rules)->mynetworks;
	struct explanation *explanation = check->explanation;
	struct verdict verdict;

	explanation_note_request(explanation, request);
	if (!span_equals_nocase(request_get(request, REQUEST_PROTOCOL_STATE), SPAN("RCPT")))
		return check_conclude(check, verdict_pass(REASON_NOT_RCPT));
	if (!request_has(request, REQUEST_SENDER) || !request_has(request, REQUEST_RECIPIENT) ||
	    !netaddr_parse(request_get(request, REQUEST_CLIENT_ADDRESS), &check->client))
		return check_conclude(check, verdict_pass(REASON_MISSING_ATTRIBUTE));
	explanation_note_exempt(explanation, mynetworks, &check->client);
	if (exempt_judge(mynetworks, &check->client, request, &verdict))
		return check_conclude(check, verdict);
	const struct access_entry *entry =
		check_find_entry(check, ruleset_recipient_access(check->rules),
				 request_get(request, REQUEST_RECIPIENT),
				 explanation != NULL ? &explanation->recipient_access : NULL);
	if (entry != NULL)
		return check_conclude(check, verdict_access(REASON_RECIPIENT_ACCESS, entry));
	check_open_inquiry(check);
	return check_sender_access(check);
}

struct check *check_start_explaining(struct checker *checker, struct ruleset *rules,
				     const struct request *request, struct explanation *explanation,
				     check_done_fn *done, void *arg)
{
	struct check *check = mem_alloc(sizeof(*check));

	check->checker = checker;
	check->started_us = clock_mono_us();
	check->rules = ruleset_hold(rules);
	check->request = *request;
	check->done = done;
	check->arg = arg;
	check->explanation = explanation;
	checker->checks++;
	check->is_starting = true;
	check_run(check);
	check->is_starting = false;
	return check;
}

struct check *check_start(struct checker *checker, struct ruleset *rules,
			  const struct request *request, check_done_fn *done, void *arg)
{
	return check_start_explaining(checker, rules, request, NULL, done, arg);
}

void check_free(struct check **check)
{
	struct check *freed = *check;

	if (freed == NULL)
		return;
	*check = NULL;
	inquiry_free(&freed->inquiry);
	store_cancel(&freed->asking);
	if (freed->deadline != NULL)
		event_free(freed->deadline);
	ready_queue_remove(&freed->ready);
	ruleset_release(&freed->rules);
	freed->checker->checks--;
	free(freed);
}

struct checker *checker_new(const struct checker_parts *parts)
{
	struct checker *checker = mem_alloc(sizeof(*checker));

	checker->parts = *parts;
	checker->sources =
		(struct inquiry_sources){parts->base, parts->dns, parts->spf, evidence_cache_new()};
	checker->flood = flood_new();
	checker->instances = instances_new();
	checker->ready = ready_queue_new(parts->base);
	return checker;
}

bool checker_is_private(const struct checker *checker)
{
	return checker->parts.privacy != NULL;
}

void checker_free(struct checker **checker)
{
	struct checker *freed = *checker;

	if (freed == NULL)
		return;
	*checker = NULL;
	assert(freed->checks == 0);
	ready_queue_free(&freed->ready);
	evidence_cache_free(&freed->sources.kept);
	flood_free(&freed->flood);
	instances_free(&freed->instances);
	free(freed);
}
