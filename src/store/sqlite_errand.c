/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_errand.h"

#include "base/memory.h"
#include "sqlite_file.h"
#include "sqlite_greylist.h"
#include "sqlite_statement.h"

#include <stdlib.h>
#include <string.h>

enum {
	SQLITE_ERRAND_SLICE = 5000, /* rows that are looked at in one transaction: some 5 ms */
	SQLITE_ERRAND_REMOVE = 25,  /* rows that are removed in one: some ms */
};

/* A row that is to be removed. */
struct sqlite_errand_victim {
	int64_t id; /* an entry: both have to be right, as ids are used again */
	int64_t hash;
	char *identity; /* owned; a client; else NULL */
};

struct sqlite_errand {
	struct store_errand asked;
	enum sqlite_errand_turn turn;
	bool is_at_end; /* all of the table has been looked at */
	int64_t before_id;
	char *after; /* owned; the client that was looked at last */

	/* Found; owned, and their texts. */
	struct store_entry *entries;
	struct store_client *clients;
	struct store_total *totals;
	size_t count, size;
	struct store_census census;
	int64_t removed;

	struct sqlite_errand_victim *victims; /* owned; room for a slice; NULL: removes nothing */
	size_t victim_count, victims_gone;
};

static void sqlite_errand_copy_totals(struct sqlite_errand *errand)
{
	const struct store_total *given = errand->asked.totals;
	size_t count = errand->asked.total_count;

	errand->totals = mem_alloc((count + 1) * sizeof(*errand->totals));
	for (size_t i = 0; i < count; i++)
		errand->totals[i] =
			(struct store_total){mem_copy_string(given[i].name), given[i].value};
	errand->count = count;
}

static void sqlite_errand_copy_client(struct sqlite_errand *errand)
{
	errand->clients = mem_alloc(sizeof(*errand->clients));
	*errand->clients = *errand->asked.client;
	errand->clients->identity = mem_copy_string(errand->asked.client->identity);
	errand->count = 1;
}

struct sqlite_errand *sqlite_errand_new(const struct store_errand *asked)
{
	struct sqlite_errand *errand = mem_alloc(sizeof(*errand));

	errand->asked = *asked;
	errand->before_id = asked->before_id > 0 ? asked->before_id : INT64_MAX;
	errand->after = mem_copy_string(asked->after != NULL ? asked->after : "");
	errand->turn = SQLITE_ERRAND_READER;
	if (asked->task == STORE_ENTRIES_FORGET || asked->task == STORE_CLIENTS_FORGET)
		errand->victims = mem_alloc(SQLITE_ERRAND_SLICE * sizeof(*errand->victims));
	if (asked->task == STORE_CLIENT_KEEP) {
		sqlite_errand_copy_client(errand);
		errand->turn = SQLITE_ERRAND_WRITER;
	} else if (asked->task == STORE_TOTALS_KEEP) {
		sqlite_errand_copy_totals(errand);
		errand->turn = SQLITE_ERRAND_WRITER;
	}
	return errand;
}

enum sqlite_errand_turn sqlite_errand_turn(const struct sqlite_errand *errand)
{
	return errand->turn;
}

bool sqlite_errand_is_lasting(const struct sqlite_errand *errand)
{
	return errand->asked.task == STORE_CLIENT_KEEP || errand->asked.task == STORE_TOTALS_KEEP;
}

/* Room for one row more in a list of rows of row_size bytes. */
static void *sqlite_errand_grow(struct sqlite_errand *errand, void *list, size_t row_size)
{
	if (errand->count < errand->size)
		return list;
	errand->size = errand->size > 0 ? 2 * errand->size : 64;
	return mem_resize(list, errand->size * row_size);
}

static void sqlite_errand_add_victim(struct sqlite_errand *errand, int64_t id, int64_t hash,
				     const char *identity)
{
	errand->victims[errand->victim_count++] = (struct sqlite_errand_victim){
		id, hash, identity != NULL ? mem_copy_string(identity) : NULL};
}

/* Take the entry that the scan stands on, if it is meant. */
static void sqlite_errand_take_entry(struct sqlite_errand *errand, struct sqlite_statements *sql)
{
	enum sqlite_statement scan = SQL_ENTRY_SCAN;
	int64_t passes = sqlite_statement_amount(sql, scan, 7);

	if (!entry_filter_matches(&errand->asked.filter, sqlite_statement_text(sql, scan, 2),
				  sqlite_statement_text(sql, scan, 3),
				  sqlite_statement_text(sql, scan, 4), passes))
		return;
	if (errand->asked.task == STORE_ENTRIES_FORGET)
		return sqlite_errand_add_victim(errand, sqlite_statement_number(sql, scan, 0),
						sqlite_statement_number(sql, scan, 1), NULL);
	errand->entries = sqlite_errand_grow(errand, errand->entries, sizeof(*errand->entries));
	errand->entries[errand->count++] = (struct store_entry){
		.id = sqlite_statement_number(sql, scan, 0),
		.identity = sqlite_statement_copy_text(sql, scan, 2),
		.sender = sqlite_statement_copy_text(sql, scan, 3),
		.recipient = sqlite_statement_copy_text(sql, scan, 4),
		.entry = {.first_seen_s = sqlite_statement_amount(sql, scan, 5),
			  .last_seen_s = sqlite_statement_amount(sql, scan, 6),
			  .passes = passes},
		.expires_s = sqlite_statement_amount(sql, scan, 8),
	};
}

/* Whether the page is full. */
static bool sqlite_errand_is_full(const struct sqlite_errand *errand)
{
	switch (errand->asked.task) {
	case STORE_ENTRIES_LIST:
	case STORE_CLIENTS_LIST:
		return errand->count >= errand->asked.limit;
	default:
		return false;
	}
}

static enum sqlite_db_status sqlite_errand_scan_entries(struct sqlite_errand *errand,
							struct sqlite_statements *sql)
{
	enum sqlite_db_status status;
	int looked_at = 0;
	bool has_row;

	sqlite_statement_bind_number(sql, SQL_ENTRY_SCAN, 1, errand->before_id);
	sqlite_statement_bind_number(sql, SQL_ENTRY_SCAN, 2, SQLITE_ERRAND_SLICE);
	while ((status = sqlite_statement_step(sql, SQL_ENTRY_SCAN, &has_row)) == SQLITE_DB_OK &&
	       has_row && !sqlite_errand_is_full(errand)) {
		sqlite_errand_take_entry(errand, sql);
		errand->before_id = sqlite_statement_number(sql, SQL_ENTRY_SCAN, 0);
		looked_at++;
	}
	sqlite_statement_finish(sql, SQL_ENTRY_SCAN);
	errand->is_at_end = status == SQLITE_DB_OK && !has_row && looked_at < SQLITE_ERRAND_SLICE;
	return status;
}

/* Take the client that the scan stands on, if it is meant. */
static void sqlite_errand_take_client(struct sqlite_errand *errand, struct sqlite_statements *sql)
{
	enum sqlite_statement scan = SQL_CLIENT_SCAN;
	const struct store_errand *asked = &errand->asked;
	const char *identity = sqlite_statement_text(sql, scan, 0);
	int64_t passes = sqlite_statement_amount(sql, scan, 3);

	if (asked->task == STORE_CENSUS) {
		errand->census.known += asked->known_after > 0 && passes >= asked->known_after;
		return;
	}
	if (!entry_filter_matches_client(&asked->filter, identity))
		return;
	if (asked->task == STORE_CLIENTS_FORGET)
		return sqlite_errand_add_victim(errand, 0, 0, identity);
	if (passes < asked->range.min_passes || passes > asked->range.max_passes)
		return;
	errand->clients = sqlite_errand_grow(errand, errand->clients, sizeof(*errand->clients));
	errand->clients[errand->count++] = (struct store_client){
		.identity = mem_copy_string(identity),
		.client = {.counted_s = sqlite_statement_amount(sql, scan, 1),
			   .last_seen_s = sqlite_statement_amount(sql, scan, 2),
			   .passes = passes},
		.expires_s = sqlite_statement_amount(sql, scan, 4),
	};
}

static enum sqlite_db_status sqlite_errand_scan_clients(struct sqlite_errand *errand,
							struct sqlite_statements *sql)
{
	enum sqlite_db_status status;
	int looked_at = 0;
	bool has_row;
	char *last = NULL;

	sqlite_statement_bind_text(sql, SQL_CLIENT_SCAN, 1, errand->after);
	sqlite_statement_bind_number(sql, SQL_CLIENT_SCAN, 2, SQLITE_ERRAND_SLICE);
	while ((status = sqlite_statement_step(sql, SQL_CLIENT_SCAN, &has_row)) == SQLITE_DB_OK &&
	       has_row && !sqlite_errand_is_full(errand)) {
		sqlite_errand_take_client(errand, sql);
		free(last);
		last = sqlite_statement_copy_text(sql, SQL_CLIENT_SCAN, 0);
		looked_at++;
	}
	sqlite_statement_finish(sql, SQL_CLIENT_SCAN);
	if (last != NULL) {
		free(errand->after);
		errand->after = last;
	}
	errand->is_at_end = status == SQLITE_DB_OK && !has_row && looked_at < SQLITE_ERRAND_SLICE;
	return status;
}

static enum sqlite_db_status sqlite_errand_read_totals(struct sqlite_errand *errand,
						       struct sqlite_statements *sql)
{
	enum sqlite_db_status status;
	bool has_row;

	while ((status = sqlite_statement_step(sql, SQL_TOTAL_READ, &has_row)) == SQLITE_DB_OK &&
	       has_row) {
		errand->totals =
			sqlite_errand_grow(errand, errand->totals, sizeof(*errand->totals));
		errand->totals[errand->count++] = (struct store_total){
			sqlite_statement_copy_text(sql, SQL_TOTAL_READ, 0),
			sqlite_statement_real(sql, SQL_TOTAL_READ, 1),
		};
	}
	sqlite_statement_finish(sql, SQL_TOTAL_READ);
	errand->is_at_end = true;
	return status;
}

/* What is counted already; the clients that are known are counted by looking at all. */
static enum sqlite_db_status sqlite_errand_take_census(struct sqlite_errand *errand,
						       struct sqlite_db *db)
{
	struct sqlite_counts counts = {0};
	enum sqlite_db_status status = sqlite_db_read_counts(db, &counts);

	errand->census.waiting = counts.waiting;
	errand->census.passed = counts.entries - counts.waiting;
	errand->census.clients = counts.clients;
	errand->census.size_bytes = sqlite_file_size(sqlite_db_path(db));
	/* Where nobody is known there is nobody to look for. */
	errand->is_at_end = errand->asked.known_after == 0;
	if (status == SQLITE_DB_OK && !errand->is_at_end)
		status = sqlite_errand_scan_clients(errand, sqlite_db_statements(db));
	return status;
}

static enum sqlite_db_status sqlite_errand_read(struct sqlite_errand *errand, struct sqlite_db *db)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	enum sqlite_db_status status = SQLITE_DB_OK;

	switch (errand->asked.task) {
	case STORE_ENTRIES_LIST:
	case STORE_ENTRIES_FORGET:
		status = sqlite_errand_scan_entries(errand, sql);
		break;
	case STORE_CLIENTS_LIST:
	case STORE_CLIENTS_FORGET:
		status = sqlite_errand_scan_clients(errand, sql);
		break;
	case STORE_CENSUS:
		status = sqlite_errand_take_census(errand, db);
		break;
	case STORE_TOTALS_READ:
		status = sqlite_errand_read_totals(errand, sql);
		break;
	case STORE_CLIENT_KEEP:
	case STORE_TOTALS_KEEP:
		abort();
	}
	if (status != SQLITE_DB_OK)
		return status;
	if (errand->victim_count > 0)
		errand->turn = SQLITE_ERRAND_WRITER;
	else if (errand->is_at_end || sqlite_errand_is_full(errand))
		errand->turn = SQLITE_ERRAND_DONE;
	return SQLITE_DB_OK;
}

/* Remove one row that was found; it may be gone already, or not be meant any more: an entry that
 * waited may have passed. */
static enum sqlite_db_status sqlite_errand_remove(struct sqlite_errand *errand,
						  struct sqlite_db *db,
						  const struct sqlite_errand_victim *victim)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_counts *counts = sqlite_db_counts(db);
	enum entry_state state = errand->asked.filter.state;
	enum sqlite_db_status status;
	bool has_row;

	if (victim->identity != NULL) {
		sqlite_statement_bind_text(sql, SQL_CLIENT_FORGET, 1, victim->identity);
		status = sqlite_statement_run(sql, SQL_CLIENT_FORGET);
		if (status == SQLITE_DB_OK && sqlite3_changes(sql->handle) > 0) {
			counts->clients--;
			errand->removed++;
		}
		return status;
	}
	sqlite_statement_bind_number(sql, SQL_ENTRY_FORGET, 1, victim->id);
	sqlite_statement_bind_number(sql, SQL_ENTRY_FORGET, 2, victim->hash);
	sqlite_statement_bind_number(sql, SQL_ENTRY_FORGET, 3, state == ENTRY_PASSED ? 1 : 0);
	sqlite_statement_bind_number(sql, SQL_ENTRY_FORGET, 4,
				     state == ENTRY_WAITING ? 0 : INT64_MAX);
	status = sqlite_statement_step(sql, SQL_ENTRY_FORGET, &has_row);
	if (status == SQLITE_DB_OK && has_row) {
		sqlite_greylist_note_removed(db, sqlite_statement_amount(sql, SQL_ENTRY_FORGET, 0),
					     (int32_t)victim->hash, victim->id);
		errand->removed++;
	}
	sqlite_statement_finish(sql, SQL_ENTRY_FORGET);
	return status;
}

static enum sqlite_db_status sqlite_errand_remove_some(struct sqlite_errand *errand,
						       struct sqlite_db *db)
{
	int64_t removed_before = errand->removed;
	size_t i = errand->victims_gone;

	for (int n = 0; n < SQLITE_ERRAND_REMOVE && i < errand->victim_count; n++, i++) {
		enum sqlite_db_status status =
			sqlite_errand_remove(errand, db, &errand->victims[i]);
		if (status != SQLITE_DB_OK) {
			errand->removed = removed_before;
			return status;
		}
	}
	errand->victims_gone = i;
	if (i < errand->victim_count)
		return SQLITE_DB_OK;
	for (i = 0; i < errand->victim_count; i++)
		free(errand->victims[i].identity);
	errand->victim_count = errand->victims_gone = 0;
	errand->turn = errand->is_at_end ? SQLITE_ERRAND_DONE : SQLITE_ERRAND_READER;
	return SQLITE_DB_OK;
}

static enum sqlite_db_status sqlite_errand_keep_client(struct sqlite_errand *errand,
						       struct sqlite_db *db)
{
	const struct store_client *client = errand->clients;
	struct greylist_finding finding = {0};
	enum sqlite_db_status status = sqlite_greylist_find_client(db, client->identity, &finding);

	if (status == SQLITE_DB_OK)
		status = sqlite_greylist_keep_client(db, client->identity, &client->client,
						     client->expires_s, !finding.has_client);
	if (status == SQLITE_DB_OK)
		errand->turn = SQLITE_ERRAND_DONE;
	return status;
}

static enum sqlite_db_status sqlite_errand_keep_totals(struct sqlite_errand *errand,
						       struct sqlite_db *db)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	enum sqlite_db_status status = SQLITE_DB_OK;

	for (size_t i = 0; i < errand->count && status == SQLITE_DB_OK; i++) {
		sqlite_statement_bind_text(sql, SQL_TOTAL_KEEP, 1, errand->totals[i].name);
		sqlite_statement_bind_real(sql, SQL_TOTAL_KEEP, 2, errand->totals[i].value);
		status = sqlite_statement_run(sql, SQL_TOTAL_KEEP);
	}
	if (status == SQLITE_DB_OK)
		errand->turn = SQLITE_ERRAND_DONE;
	return status;
}

enum sqlite_db_status sqlite_errand_step(struct sqlite_errand *errand, struct sqlite_db *db)
{
	if (errand->turn == SQLITE_ERRAND_READER)
		return sqlite_errand_read(errand, db);
	if (errand->asked.task == STORE_CLIENT_KEEP)
		return sqlite_errand_keep_client(errand, db);
	if (errand->asked.task == STORE_TOTALS_KEEP)
		return sqlite_errand_keep_totals(errand, db);
	return sqlite_errand_remove_some(errand, db);
}

struct store_census *sqlite_errand_census(struct sqlite_errand *errand)
{
	return errand->asked.task == STORE_CENSUS ? &errand->census : NULL;
}

void sqlite_errand_report(struct sqlite_errand *errand, struct store_report *report)
{
	bool is_page = sqlite_errand_is_full(errand);

	*report = (struct store_report){
		.entries = errand->entries,
		.clients = errand->clients,
		.totals = errand->totals,
		.count = errand->count,
		.next_id = is_page && errand->count > 0 && errand->entries != NULL
				   ? errand->entries[errand->count - 1].id
				   : 0,
		.has_more = is_page,
		.removed = errand->removed,
		.census = sqlite_errand_census(errand),
	};
}

void sqlite_errand_free(struct sqlite_errand **errand)
{
	struct sqlite_errand *freed = *errand;

	if (freed == NULL)
		return;
	*errand = NULL;
	for (size_t i = 0; i < freed->count; i++) {
		if (freed->entries != NULL) {
			free((void *)freed->entries[i].identity);
			free((void *)freed->entries[i].sender);
			free((void *)freed->entries[i].recipient);
		}
		if (freed->clients != NULL)
			free((void *)freed->clients[i].identity);
		if (freed->totals != NULL)
			free((void *)freed->totals[i].name);
	}
	for (size_t i = 0; i < freed->victim_count; i++)
		free(freed->victims[i].identity);
	free(freed->victims);
	free(freed->entries);
	free(freed->clients);
	free(freed->totals);
	free(freed->after);
	free(freed);
}
