/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One policy request through all steps to its verdict, in a world where client, sender, DNS and
 * store are hostile.
 *
 * The input is a line of two characters (rules, privacy "p"), the request's lines, behind a line
 * "--" what the store has (rig/text_store.h), and behind another what DNS says (rig/answers.h).  It
 * is asked twice, the second time by somebody who wants to know why.  Both have to be answered the
 * same, with an answer that Postfix takes, and the explanation has to be valid JSON.
 */
#include "daemon/check.h"

#include "base/memory.h"
#include "base/printable.h"
#include "daemon/explanation_json.h"
#include "daemon/stats_text.h"
#include "rig/answers.h"
#include "rig/input.h"
#include "rig/rules.h"
#include "rig/text_store.h"
#include "rig/world.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUNDS_MAX = 10000 };

static void on_verdict(const struct verdict *verdict, void *arg)
{
	*(struct verdict *)arg = *verdict;
}

/* explanation NULL: in earnest. */
static void check_ask(struct world *world, struct ruleset *rules, const struct request *request,
		      struct explanation *explanation, struct verdict *verdict)
{
	verdict->answer[0] = '\0';
	struct check *check = check_start_explaining(world->checker, rules, request, explanation,
						     on_verdict, verdict);
	assert(verdict->answer[0] == '\0');
	for (int i = 0; i < ROUNDS_MAX && verdict->answer[0] == '\0'; i++)
		event_base_loop(world_loop(), EVLOOP_ONCE);
	check_free(&check);
}

static void check_answer(const struct verdict *verdict)
{
	static const char *const begins[] = {"DUNNO",
					     "PREPEND Authentication-Results: ",
					     "DEFER_IF_PERMIT",
					     "DEFER",
					     "REJECT",
					     "4",
					     "5"};
	struct span answer = span_of(verdict->answer);
	bool is_known = false;

	assert(printable_is_clean(answer));
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		is_known = is_known || span_starts_with(answer, span_of(begins[i]));
	assert(is_known && answer.length < VERDICT_ANSWER_SIZE - 1);
}

static void check_explanation(const struct explanation *explanation, const struct verdict *verdict)
{
	json_t *json = explanation_json(explanation, verdict, WORLD_NOW_S);
	char *text = json != NULL ? json_dumps(json, 0) : NULL;

	assert(text != NULL);
	json_t *again = json_loads(text, 0, NULL);
	assert(again != NULL && json_object_get(again, "verdict") != NULL);
	json_decref(again);
	json_decref(json);
	free(text);
}

/* What was counted of it. */
static void check_numbers(const struct world *world)
{
	const struct stats_sources sources = {.dns = world->dns, .store = world->store};
	struct evbuffer *text = evbuffer_new();
	json_t *minute = stats_minute_json(world->stats);

	assert(minute != NULL);
	stats_write_metrics(world->stats, &sources, text);
	size_t length = evbuffer_get_length(text);
	char *metrics = (char *)evbuffer_pullup(text, -1);
	for (struct span rest = {metrics, length}; rest.length > 0;)
		assert(printable_is_clean(input_line(&rest)));
	json_decref(minute);
	evbuffer_free(text);
}

static void check_request(const struct request *request, struct ruleset *rules,
			  const struct privacy *privacy, struct span stored)
{
	struct explanation *explanation = explanation_new();
	struct verdict verdict, explained;
	struct world world;

	world_open(&world, rules, privacy, stored);
	check_ask(&world, rules, request, NULL, &verdict);
	size_t questions = text_store_questions(world.store);
	text_store_begin(world.store, stored);
	check_ask(&world, rules, request, explanation, &explained);
	check_answer(&verdict);
	/* What was found out before is not asked again in earnest; who asks this store once more is
	 * told something else. */
	if (questions == text_store_questions(world.store)) {
		assert(strcmp(verdict.answer, explained.answer) == 0);
		assert(verdict.reason == explained.reason && verdict.action == explained.action);
	}
	check_explanation(explanation, &explained);
	check_numbers(&world);
	explanation_free(&explanation);
	world_close(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span choice = input_line(&rest), text = input_part(&rest),
		    stored = input_part(&rest);
	struct request request;
	struct netaddr client = {.bits = 32};

	/* With an empty line behind it, as request_find_end() would find it. */
	char *bytes = mem_alloc(text.length + 2);
	memcpy(bytes, text.text, text.length);
	bytes[text.length] = bytes[text.length + 1] = '\n';
	if (request_parse(&request, (struct span){bytes, text.length + 2}) == NULL) {
		netaddr_parse(request_get(&request, REQUEST_CLIENT_ADDRESS), &client);
		answers_begin(rest, &client);
		check_request(&request, rules_choose(input_byte(&choice)),
			      input_byte(&choice) == 'p' ? rules_privacy() : NULL, stored);
		answers_end();
	}
	free(bytes);
	return 0;
}
