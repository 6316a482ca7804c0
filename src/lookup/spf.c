/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf.h"

#include "base/memory.h"
#include "dns.h"
#include "replay.h"

#include <stdlib.h>

struct spf {
	struct dns *dns;                 /* borrowed */
	struct spf_evaluator *evaluator; /* owned; an evaluation keeps nothing in it */
};

struct spf_request {
	struct spf *spf;              /* borrowed; outlives the request */
	struct replay *replay;        /* owned */
	struct spf_question question; /* its spans are borrowed from the caller */
	struct spf_outcome outcome;
	spf_done_fn *done;
	void *arg;
};

struct spf *spf_new(struct dns *dns)
{
	struct spf *spf = mem_alloc(sizeof(*spf));

	spf->dns = dns;
	spf->evaluator = spf_evaluator_new();
	return spf;
}

/* Answer the rows from *asked on as far as their answers are kept. */
static void spf_answer_kept(struct spf *spf, struct dns_table *table, size_t *asked)
{
	for (; *asked < table->count; (*asked)++) {
		const struct dns_table_row *row = &table->rows[*asked];
		const struct dns_answer *kept =
			dns_find_kept(spf->dns, row->type, span_of(row->name));
		if (kept != NULL)
			dns_table_answer(table, *asked, kept);
	}
}

bool spf_find_kept(struct spf *spf, const struct spf_question *question,
		   struct spf_outcome *outcome)
{
	struct dns_table table;
	size_t waits_for = 0, asked = 0;
	bool is_finished, goes_on = true;

	dns_table_init(&table, SPF_QUESTIONS_MAX);
	do {
		is_finished = spf_evaluate(spf->evaluator, question, &table, &waits_for, outcome);
		if (!is_finished) {
			spf_answer_kept(spf, &table, &asked);
			goes_on = table.rows[waits_for].answer != NULL;
		}
	} while (!is_finished && goes_on);
	dns_table_clear(&table);
	return is_finished;
}

static bool on_spf_run(struct dns_table *table, size_t *waits_for, void *arg)
{
	struct spf_request *request = arg;

	return spf_evaluate(request->spf->evaluator, &request->question, table, waits_for,
			    &request->outcome);
}

static void on_spf_done(void *arg)
{
	struct spf_request *request = arg;
	struct spf_outcome outcome = request->outcome;
	spf_done_fn *done = request->done;
	void *done_arg = request->arg;

	spf_cancel(&request);
	return done(&outcome, done_arg);
}

struct spf_request *spf_start(struct spf *spf, const struct spf_question *question,
			      spf_done_fn *done, void *arg)
{
	struct spf_request *request = mem_alloc(sizeof(*request));

	*request =
		(struct spf_request){.spf = spf, .question = *question, .done = done, .arg = arg};
	request->replay =
		replay_start(spf->dns, SPF_QUESTIONS_MAX, on_spf_run, on_spf_done, request);
	return request;
}

void spf_cancel(struct spf_request **request)
{
	if (*request == NULL)
		return;
	replay_cancel(&(*request)->replay);
	free(*request);
	*request = NULL;
}

void spf_free(struct spf **spf)
{
	if (*spf == NULL)
		return;
	spf_evaluator_free(&(*spf)->evaluator);
	free(*spf);
	*spf = NULL;
}
