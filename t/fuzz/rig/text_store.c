/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_store.h"

#include "base/memory.h"
#include "input.h"
#include "store/store_errand.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MAX = 64, NUMBERS_MAX = 6 };

struct text_store {
	struct store base;
	struct event_base *loop; /* borrowed */
	struct span text, rest;  /* all of it, and where the next question about mail is */
	size_t questions;        /* about mail, since the text began */
	struct store_counts counts;
};

enum text_request_kind { TEXT_MAIL, TEXT_NETWORKS, TEXT_ERRAND };

struct text_request {
	struct store_request base;
	enum text_request_kind kind;
	struct event *later; /* owned */
	void *arg;
	union {
		struct {
			struct store_question question;
			store_done_fn *done;
		} mail;
		store_networks_done_fn *networks_done;
		struct {
			struct store_errand asked;
			store_report_fn *done;
		} errand;
	};
};

/* A line taken apart: so many numbers, then texts, each owned. */
struct text_row {
	int64_t numbers[NUMBERS_MAX];
	char *texts[3];
};

/* The rows of one kind. */
struct text_rows {
	struct text_row rows[ROWS_MAX];
	size_t count;
};

/* As the contract of stores has it. */
static int64_t text_amount(struct span text)
{
	int64_t number = input_number(text);

	if (number < 0)
		return 0;
	return number < STORE_AMOUNT_MAX ? number : STORE_AMOUNT_MAX;
}

static void text_rows_read(struct text_rows *rows, struct span text, const char *kind,
			   size_t number_count)
{
	rows->count = 0;
	while (text.length > 0 && rows->count < ROWS_MAX) {
		struct span line = input_line(&text);
		struct text_row *row = &rows->rows[rows->count];
		if (!span_equals(input_take(&line, '\t'), span_of(kind)))
			continue;
		for (size_t i = 0; i < number_count; i++)
			row->numbers[i] = text_amount(input_take(&line, '\t'));
		for (size_t i = 0; i < 3; i++) {
			struct span field = input_take(&line, '\t');
			row->texts[i] = mem_copy_text(field.text, field.length);
		}
		rows->count++;
	}
}

static void text_rows_clear(struct text_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		for (size_t j = 0; j < 3; j++)
			free(rows->rows[i].texts[j]);
	rows->count = 0;
}

static bool text_store_fails(const struct text_store *store)
{
	struct text_rows rows;

	text_rows_read(&rows, store->text, "fails", 0);
	bool fails = rows.count > 0;
	text_rows_clear(&rows);
	return fails;
}

static void text_findings_read(struct span line, struct greylist_finding *findings, size_t count)
{
	for (size_t i = 0; i < count && line.length > 0; i++) {
		int64_t numbers[6];
		for (size_t j = 0; j < 6; j++)
			numbers[j] = text_amount(input_take(&line, '\t'));
		findings[i].has_entry = true;
		findings[i].entry = (struct greylist_entry){numbers[0], numbers[1], numbers[2]};
		findings[i].has_client = numbers[5] > 0;
		findings[i].client = (struct greylist_client){numbers[3], numbers[4], numbers[5]};
	}
}

static void text_answer_mail(struct text_store *store, struct text_request *request)
{
	const struct store_question *question = &request->mail.question;
	struct store_answer answer = {.status = STORE_ANSWERED};

	while (store->rest.length > 0) {
		struct span line = input_line(&store->rest);
		struct span word = input_take(&line, '\t');
		if (span_equals(word, SPAN("q!")))
			answer.status = STORE_FAILED;
		else if (span_equals(word, SPAN("q")))
			text_findings_read(line, answer.findings, question->who.count);
		else
			continue;
		break;
	}
	greylist_decide(&question->limits, &question->who, answer.findings, question->store_new,
			question->now_s, &answer.decision);
	request->mail.done(&answer, request->arg);
}

static void text_answer_networks(struct text_store *store, struct text_request *request)
{
	struct store_networks list[ROWS_MAX];
	struct store_networks_answer answer = {.status = STORE_FAILED};
	struct text_rows rows;

	text_rows_read(&rows, store->text, "networks", 2);
	for (size_t i = 0; i < rows.count; i++)
		list[i] = (struct store_networks){rows.rows[i].texts[0], rows.rows[i].texts[1],
						  rows.rows[i].numbers[0], rows.rows[i].numbers[1]};
	if (!text_store_fails(store))
		answer = (struct store_networks_answer){STORE_ANSWERED, list, rows.count};
	request->networks_done(&answer, request->arg);
	text_rows_clear(&rows);
}

/* Of the rows, those that are meant; all of them. */
static size_t text_fill_entries(const struct store_errand *asked, const struct text_rows *rows,
				struct store_entry *list)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const int64_t *numbers = rows->rows[i].numbers;
		char *const *texts = rows->rows[i].texts;
		if (entry_filter_matches(&asked->filter, texts[0], texts[1], texts[2], numbers[3]))
			list[count++] = (struct store_entry){numbers[0],
							     texts[0],
							     texts[1],
							     texts[2],
							     {numbers[1], numbers[2], numbers[3]},
							     numbers[4]};
	}
	return count;
}

static size_t text_fill_clients(const struct store_errand *asked, const struct text_rows *rows,
				struct store_client *list)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const int64_t *numbers = rows->rows[i].numbers;
		const char *identity = rows->rows[i].texts[0];
		if (entry_filter_matches_client(&asked->filter, identity))
			list[count++] = (struct store_client){
				identity, {numbers[0], numbers[1], numbers[2]}, numbers[3]};
	}
	return count;
}

static size_t text_fill_totals(const struct text_rows *rows, struct store_total *list)
{
	for (size_t i = 0; i < rows->count; i++)
		list[i] = (struct store_total){rows->rows[i].texts[0],
					       (double)rows->rows[i].numbers[0]};
	return rows->count;
}

static void text_fill_census(const struct text_rows *rows, struct store_census *census)
{
	if (rows->count == 0)
		return;
	const int64_t *numbers = rows->rows[0].numbers;
	const char *why = rows->rows[0].texts[0];
	*census = (struct store_census){numbers[0], numbers[1], numbers[2],
					numbers[3], numbers[4], .is_failing = why[0] != '\0'};
	snprintf(census->why, sizeof(census->why), "%s", why);
}

static void text_answer_errand(struct text_store *store, struct text_request *request)
{
	const struct store_errand *asked = &request->errand.asked;
	struct store_report report = {.status = STORE_ANSWERED};
	struct store_entry entries[ROWS_MAX];
	struct store_client clients[ROWS_MAX];
	struct store_total totals[ROWS_MAX];
	struct store_census census = {0};
	struct text_rows rows = {.count = 0};

	switch (asked->task) {
	case STORE_ENTRIES_LIST:
	case STORE_ENTRIES_FORGET:
		text_rows_read(&rows, store->text, "entry", 5);
		report.removed = (int64_t)text_fill_entries(asked, &rows, entries);
		report.entries = entries;
		break;
	case STORE_CLIENTS_LIST:
	case STORE_CLIENTS_FORGET:
		text_rows_read(&rows, store->text, "client", 4);
		report.removed = (int64_t)text_fill_clients(asked, &rows, clients);
		report.clients = clients;
		break;
	case STORE_TOTALS_READ:
		text_rows_read(&rows, store->text, "total", 1);
		report.count = text_fill_totals(&rows, totals);
		report.totals = totals;
		break;
	case STORE_CENSUS:
		text_rows_read(&rows, store->text, "census", 5);
		text_fill_census(&rows, &census);
		report.census = &census;
		break;
	case STORE_CLIENT_KEEP:
	case STORE_TOTALS_KEEP:
		break;
	}
	if (asked->task == STORE_ENTRIES_LIST || asked->task == STORE_CLIENTS_LIST) {
		report.count = (size_t)report.removed < asked->limit ? (size_t)report.removed
								     : asked->limit;
		report.has_more = report.count == asked->limit;
		report.next_id = report.has_more && asked->task == STORE_ENTRIES_LIST
					 ? entries[report.count - 1].id
					 : 0;
	}
	if (text_store_fails(store))
		report = (struct store_report){.status = STORE_FAILED};
	request->errand.done(&report, request->arg);
	text_rows_clear(&rows);
}

static void text_request_free(struct text_request *request)
{
	event_free(request->later);
	free(request);
}

static void on_text_request(evutil_socket_t fd, short events, void *arg)
{
	struct text_request *request = arg;
	struct text_store *store = (struct text_store *)request->base.store;

	(void)fd;
	(void)events;
	switch (request->kind) {
	case TEXT_MAIL:
		text_answer_mail(store, request);
		break;
	case TEXT_NETWORKS:
		text_answer_networks(store, request);
		break;
	case TEXT_ERRAND:
		text_answer_errand(store, request);
		break;
	}
	text_request_free(request);
}

static struct text_request *text_request_new(struct store *base, enum text_request_kind kind,
					     void *arg)
{
	struct text_store *store = (struct text_store *)base;
	struct text_request *request = mem_alloc(sizeof(*request));

	request->base.store = base;
	request->kind = kind;
	request->arg = arg;
	request->later = event_new(store->loop, -1, 0, on_text_request, request);
	event_active(request->later, EV_TIMEOUT, 0);
	return request;
}

static struct store_request *text_start(struct store *base, const struct store_question *question,
					store_done_fn *done, void *arg)
{
	struct text_request *request = text_request_new(base, TEXT_MAIL, arg);

	((struct text_store *)base)->questions++;
	request->mail.question = *question;
	request->mail.done = done;
	return &request->base;
}

static struct store_request *text_start_networks(struct store *base, enum store_networks_task task,
						 const struct store_networks *networks,
						 store_networks_done_fn *done, void *arg)
{
	struct text_request *request = text_request_new(base, TEXT_NETWORKS, arg);

	(void)task;
	(void)networks;
	request->networks_done = done;
	return &request->base;
}

static struct store_request *text_start_errand(struct store *base, const struct store_errand *asked,
					       store_report_fn *done, void *arg)
{
	struct text_request *request = text_request_new(base, TEXT_ERRAND, arg);

	request->errand.asked = *asked;
	request->errand.done = done;
	return &request->base;
}

static const struct store_counts *text_counts(struct store *base)
{
	return &((struct text_store *)base)->counts;
}

static void text_cancel(struct store_request *base)
{
	text_request_free((struct text_request *)base);
}

static void text_free(struct store *base)
{
	free(base);
}

static const struct store_class text_class = {
	.scheme = "text",
	.start = text_start,
	.start_networks = text_start_networks,
	.start_errand = text_start_errand,
	.counts = text_counts,
	.cancel = text_cancel,
	.free = text_free,
};

struct store *text_store_new(struct event_base *base)
{
	struct text_store *store = mem_alloc(sizeof(*store));

	store->base.class = &text_class;
	store->loop = base;
	return &store->base;
}

void text_store_begin(struct store *base, struct span text)
{
	struct text_store *store = (struct text_store *)base;

	store->text = store->rest = text;
	store->questions = 0;
}

size_t text_store_questions(const struct store *base)
{
	return ((const struct text_store *)base)->questions;
}
