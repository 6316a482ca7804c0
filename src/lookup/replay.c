/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

#include "base/memory.h"
#include "dns.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

/* A row of the table whose answer is out. */
struct replay_question {
	struct replay *replay; /* borrowed */
	size_t row;
	struct dns_query *query; /* owned */
	TAILQ_ENTRY(replay_question) link;
};

TAILQ_HEAD(replay_queue, replay_question);

struct replay {
	struct dns *dns; /* borrowed */
	struct dns_table table;
	size_t asked;            /* rows from the first on that were looked up */
	size_t waits_for;        /* row; without meaning when run() has returned true */
	struct replay_queue out; /* owned */
	replay_run_fn *run;
	replay_done_fn *done;
	void *arg;
	struct event *on_finished; /* owned; NULL but when run() finished inside replay_start() */
};

static void on_replay_answer(const struct dns_answer *answer, void *arg);

static void replay_drop(struct replay_question *question)
{
	TAILQ_REMOVE(&question->replay->out, question, link);
	dns_cancel(&question->query);
	free(question);
}

static void replay_drop_all(struct replay *replay)
{
	while (!TAILQ_EMPTY(&replay->out))
		replay_drop(TAILQ_FIRST(&replay->out));
}

/* Look up the rows that are new. */
static void replay_ask(struct replay *replay)
{
	for (; replay->asked < replay->table.count; replay->asked++) {
		const struct dns_table_row *row = &replay->table.rows[replay->asked];
		struct replay_question *question = mem_alloc(sizeof(*question));
		question->replay = replay;
		question->row = replay->asked;
		TAILQ_INSERT_TAIL(&replay->out, question, link);
		question->query = dns_start(replay->dns, row->type, span_of(row->name),
					    on_replay_answer, question);
	}
}

/* True when the evaluation is finished; else it is waiting for something that is out. */
static bool replay_run(struct replay *replay)
{
	bool is_finished = replay->run(&replay->table, &replay->waits_for, replay->arg);

	if (is_finished) {
		replay_drop_all(replay);
		return true;
	}
	assert(replay->waits_for < replay->table.count &&
	       replay->table.rows[replay->waits_for].answer == NULL);
	replay_ask(replay);
	return false;
}

static void on_replay_answer(const struct dns_answer *answer, void *arg)
{
	struct replay_question *question = arg;
	struct replay *replay = question->replay;
	size_t row = question->row;

	question->query = NULL;
	replay_drop(question);
	dns_table_answer(&replay->table, row, answer);
	if (row == replay->waits_for && replay_run(replay))
		return replay->done(replay->arg);
}

static void on_replay_finished(evutil_socket_t fd, short events, void *arg)
{
	struct replay *replay = arg;

	(void)fd;
	(void)events;
	return replay->done(replay->arg);
}

struct replay *replay_start(struct dns *dns, size_t max_questions, replay_run_fn *run,
			    replay_done_fn *done, void *arg)
{
	struct replay *replay = mem_alloc(sizeof(*replay));

	replay->dns = dns;
	replay->run = run;
	replay->done = done;
	replay->arg = arg;
	TAILQ_INIT(&replay->out);
	dns_table_init(&replay->table, max_questions);
	if (replay_run(replay)) {
		replay->on_finished =
			event_new(dns_event_base(dns), -1, 0, on_replay_finished, replay);
		event_active(replay->on_finished, EV_TIMEOUT, 0);
	}
	return replay;
}

void replay_cancel(struct replay **replay)
{
	struct replay *cancelled = *replay;

	if (cancelled == NULL)
		return;
	*replay = NULL;
	replay_drop_all(cancelled);
	if (cancelled->on_finished != NULL)
		event_free(cancelled->on_finished);
	dns_table_clear(&cancelled->table);
	free(cancelled);
}
