/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_script.h"

#include "base/memory.h"
#include "input.h"
#include "store/sqlite_errand.h"
#include "store/sqlite_greylist.h"
#include "store/sqlite_networks.h"
#include "store/sqlite_statement.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	STEPS_MAX = 50,
	SLICES_MAX = 20, /* of one errand: a damaged table may have no end */
	ARGUMENTS_MAX = 4,
	PAGE = 3,
};

/* The arguments of a step, with a NUL behind each; owned. */
struct arguments {
	char *text[ARGUMENTS_MAX];
};

static struct arguments arguments_take(struct span line)
{
	struct arguments arguments;

	for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
		struct span text = input_take(&line, '\t');
		arguments.text[i] = mem_copy_text(text.text, text.length);
	}
	return arguments;
}

static void arguments_free(struct arguments *arguments)
{
	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		free(arguments->text[i]);
}

static int64_t arguments_number(const struct arguments *arguments, size_t i)
{
	return input_number(span_of(arguments->text[i]));
}

/* What a clock may show. */
static int64_t arguments_clock(const struct arguments *arguments, size_t i)
{
	int64_t now_s = arguments_number(arguments, i);

	return now_s >= 0 && now_s < STORE_AMOUNT_MAX ? now_s : 0;
}

static enum sqlite_db_status script_ask(struct sqlite_db *db, const struct arguments *arguments,
					char kind)
{
	struct store_question question = {
		.who.count = 2,
		.limits = {.delay_s = 300,
			   .retry_window_s = 172800,
			   .lifetime_s = 3024000,
			   .known_after = 2},
		.store_new = true,
		.mode = kind == '?' ? STORE_SHOW : STORE_KEEP,
		.now_s = arguments_clock(arguments, 3),
	};
	struct store_answer answer;

	snprintf(question.who.list[0].key, IDENTITY_TEXT_SIZE, "%s", arguments->text[0]);
	snprintf(question.who.list[1].key, IDENTITY_TEXT_SIZE, "farm:google");
	if (kind == '+')
		for (size_t i = 0; i < 2; i++)
			memcpy(question.who.list[i].client, question.who.list[i].key,
			       IDENTITY_TEXT_SIZE);
	snprintf(question.sender, SENDER_KEY_SIZE, "%s", arguments->text[1]);
	snprintf(question.recipient, SENDER_KEY_SIZE, "%s", arguments->text[2]);
	enum sqlite_db_status status = sqlite_greylist_ask(db, &question, &answer);
	if (status == SQLITE_DB_OK) {
		const struct greylist_decision *decision = &answer.decision;
		assert(decision->wait_s >= 0 && decision->wait_s <= question.limits.delay_s);
		assert(decision->delay_s >= 0);
	}
	return status;
}

/* An errand, to its end, slice by slice; each a transaction of its own. */
static enum sqlite_db_status script_errand(struct sqlite_db *db, const struct store_errand *asked)
{
	struct sqlite_errand *errand = sqlite_errand_new(asked);
	enum sqlite_db_status status = SQLITE_DB_OK;
	struct store_report report;

	for (int slice = 0; slice < SLICES_MAX && status == SQLITE_DB_OK &&
			    sqlite_errand_turn(errand) != SQLITE_ERRAND_DONE;
	     slice++) {
		if (slice > 0)
			status = sqlite_db_commit(db);
		if (slice > 0 && status == SQLITE_DB_OK)
			status = sqlite_db_begin(db, false);
		if (status == SQLITE_DB_OK)
			status = sqlite_errand_step(errand, db);
	}
	sqlite_errand_report(errand, &report);
	assert(asked->limit == 0 || report.count <= asked->limit);
	for (size_t i = 0; report.entries != NULL && i < report.count; i++)
		assert(entry_filter_matches(&asked->filter, report.entries[i].identity,
					    report.entries[i].sender, report.entries[i].recipient,
					    report.entries[i].entry.passes));
	for (size_t i = 0; report.clients != NULL && i < report.count; i++)
		assert(entry_filter_matches_client(&asked->filter, report.clients[i].identity));
	/* As with what was read at the start of the daemon. */
	struct store_errand keep = {
		.task = STORE_TOTALS_KEEP, .totals = report.totals, .total_count = report.count};
	if (status == SQLITE_DB_OK && asked->task == STORE_TOTALS_READ)
		status = script_errand(db, &keep);
	sqlite_errand_free(&errand);
	return status;
}

static enum sqlite_db_status script_entries(struct sqlite_db *db, const struct arguments *arguments,
					    enum store_task task)
{
	struct store_errand errand = {.task = task, .limit = task == STORE_ENTRIES_LIST ? PAGE : 0};

	if (arguments->text[0][0] != '\0')
		entry_filter_set_client(&errand.filter, span_of(arguments->text[0]), 24, 64, NULL);
	if (arguments->text[1][0] != '\0')
		entry_filter_set_sender(&errand.filter, span_of(arguments->text[1]), NULL);
	if (arguments->text[2][0] != '\0')
		entry_filter_set_recipient(&errand.filter, span_of(arguments->text[2]), NULL);
	return script_errand(db, &errand);
}

static enum sqlite_db_status script_clients(struct sqlite_db *db, const struct arguments *arguments,
					    enum store_task task)
{
	struct store_errand errand = {.task = task,
				      .range = {0, INT64_MAX},
				      .limit = task == STORE_CLIENTS_LIST ? PAGE : 0};

	if (arguments->text[0][0] != '\0')
		entry_filter_set_client(&errand.filter, span_of(arguments->text[0]), 24, 64, NULL);
	return script_errand(db, &errand);
}

static enum sqlite_db_status script_allow(struct sqlite_db *db, const struct arguments *arguments)
{
	struct store_client client = {.identity = arguments->text[0],
				      .client.passes = GREYLIST_ALLOWED_PASSES};
	struct store_errand errand = {.task = STORE_CLIENT_KEEP, .client = &client};

	return script_errand(db, &errand);
}

static enum sqlite_db_status script_networks(struct sqlite_db *db)
{
	struct sqlite_networks networks = {0};
	enum sqlite_db_status status = sqlite_networks_read(db, &networks);

	for (size_t i = 0; i < networks.count && status == SQLITE_DB_OK; i++) {
		status = sqlite_networks_keep(db, &networks.rows[i]);
		if (status == SQLITE_DB_OK && i % 2 == 1)
			status = sqlite_networks_forget(db, networks.rows[i].domain);
	}
	sqlite_networks_clear(&networks);
	return status;
}

static enum sqlite_db_status script_set(struct sqlite_db *db, const struct arguments *arguments)
{
	static const char *const changes[] = {
		"UPDATE entry SET first_seen = ?1, last_seen = ?2, passes = ?3, expires = ?4",
		"UPDATE client SET counted = ?1, last_seen = ?2, passes = ?3, expires = ?4",
	};
	sqlite3 *handle = sqlite_db_statements(db)->handle;
	int code = SQLITE_DONE;

	for (size_t i = 0; i < 2 && code == SQLITE_DONE; i++) {
		sqlite3_stmt *statement;
		if (sqlite3_prepare_v2(handle, changes[i], -1, &statement, NULL) != SQLITE_OK)
			return SQLITE_DB_FAILED;
		for (int j = 0; j < ARGUMENTS_MAX; j++)
			sqlite3_bind_int64(statement, j + 1,
					   arguments_number(arguments, (size_t)j));
		code = sqlite3_step(statement);
		sqlite3_finalize(statement);
	}
	return code == SQLITE_DONE ? SQLITE_DB_OK : SQLITE_DB_FAILED;
}

static enum sqlite_db_status script_step(struct sqlite_db *db, struct span name,
					 const struct arguments *arguments)
{
	struct store_errand errand = {.known_after = arguments_number(arguments, 0)};
	int removed;

	if (span_starts_with(name, SPAN("ask")))
		return script_ask(db, arguments, name.text[name.length - 1]);
	if (span_equals(name, SPAN("list")))
		return script_entries(db, arguments, STORE_ENTRIES_LIST);
	if (span_equals(name, SPAN("forget")))
		return script_entries(db, arguments, STORE_ENTRIES_FORGET);
	if (span_equals(name, SPAN("clients")))
		return script_clients(db, arguments, STORE_CLIENTS_LIST);
	if (span_equals(name, SPAN("disown")))
		return script_clients(db, arguments, STORE_CLIENTS_FORGET);
	if (span_equals(name, SPAN("allow")))
		return script_allow(db, arguments);
	if (span_equals(name, SPAN("expire")))
		return sqlite_greylist_expire(db, arguments_number(arguments, 0), 3, &removed);
	if (span_equals(name, SPAN("set")))
		return script_set(db, arguments);
	if (span_equals(name, SPAN("networks")))
		return script_networks(db);
	if (span_equals(name, SPAN("totals")))
		errand.task = STORE_TOTALS_READ;
	else if (span_equals(name, SPAN("census")))
		errand.task = STORE_CENSUS;
	else
		return SQLITE_DB_OK;
	return script_errand(db, &errand);
}

enum sqlite_db_status store_script_run(struct sqlite_db *db, struct span script)
{
	for (int steps = 0; steps < STEPS_MAX && script.length > 0; steps++) {
		struct span line = input_line(&script);
		struct span name = input_take(&line, '\t');
		struct arguments arguments = arguments_take(line);
		enum sqlite_db_status status = sqlite_db_begin(db, false);
		if (status == SQLITE_DB_OK)
			status = script_step(db, name, &arguments);
		if (status == SQLITE_DB_OK)
			status = sqlite_db_commit(db);
		if (status != SQLITE_DB_OK)
			sqlite_db_rollback(db);
		arguments_free(&arguments);
		if (status == SQLITE_DB_DAMAGED)
			return status;
	}
	return SQLITE_DB_OK;
}
