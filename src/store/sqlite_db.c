/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_db.h"

#include "base/hash.h"
#include "base/memory.h"
#include "sqlite_file.h"
#include "sqlite_index.h"
#include "sqlite_schema.h"
#include "sqlite_statement.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SQLITE_DB_BUSY_MS = 2000,   /* how long to wait for an admin with sqlite3(1) */
	SQLITE_DB_BUSY_STEP_MS = 2, /* between looks whether he has finished */
	SQLITE_DB_CACHE_KIB = 8192,
	SQLITE_DB_WAITING_PART = 4, /* of max_entries, one in so many is for those who wait */
	SQLITE_DB_LOG_BYTES =
		16 * 1024 * 1024, /* what the write-ahead log keeps of a large one's room */
};

struct sqlite_db {
	struct sqlite_statements sql;
	struct sqlite_index *index; /* owned */
	uint8_t hash_key[HASH_KEY_SIZE];
	int64_t max_entries;
	int64_t waits_until_s; /* Unix time: what waits expires no later, as far as it came since
				* the database was opened */
	struct sqlite_counts counts; /* this transaction's changes included */
	struct sqlite_counts stored; /* the same as they stand in meta */
	bool waits;                  /* when another process is writing */
	bool wrote;                  /* the last commit had something to write */
	bool must_write;             /* the next one has */
	int changes;                 /* rows changed in all, at the last commit */
	int wal_pages;
	char *path;      /* owned */
	ino_t log_inode; /* of the write-ahead log, which is there as long as the database is open
			  */
};

/* A row of the table entry as far as it is needed to rewrite it. */
struct sqlite_db_row {
	int64_t id;
	int32_t hash;
};

/* Remember why a call failed, and tell what kind of failure it is. */
static enum sqlite_db_status sqlite_db_failed(struct sqlite_db *db, int code)
{
	return sqlite_schema_failed(db->sql.handle, code, db->sql.why);
}

static enum sqlite_db_status sqlite_db_exec(struct sqlite_db *db, const char *sql)
{
	int code = sqlite3_exec(db->sql.handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? SQLITE_DB_OK : sqlite_db_failed(db, code);
}

/* In place of sqlite3_busy_timeout(), whose steps of 100 ms lose the race against a busy writer. */
static int sqlite_db_on_busy(void *arg, int times)
{
	const struct timespec step = {.tv_nsec = SQLITE_DB_BUSY_STEP_MS * 1000000};
	const struct sqlite_db *db = arg;
	if (!db->waits || times >= SQLITE_DB_BUSY_MS / SQLITE_DB_BUSY_STEP_MS)
		return 0;
	nanosleep(&step, NULL);
	return 1;
}

static int sqlite_db_on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct sqlite_db *db = arg;
	(void)handle;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* A number in meta; one that is missing leaves *number alone. */
static enum sqlite_db_status sqlite_db_get_number(struct sqlite_db *db, const char *name,
						  int64_t *number)
{
	bool has_row;

	sqlite_statement_bind_text(&db->sql, SQL_META_GET, 1, name);
	enum sqlite_db_status status = sqlite_statement_step(&db->sql, SQL_META_GET, &has_row);
	if (status == SQLITE_DB_OK && has_row)
		*number = sqlite_statement_amount(&db->sql, SQL_META_GET, 0);
	sqlite_statement_finish(&db->sql, SQL_META_GET);
	return status;
}

enum sqlite_db_status sqlite_db_read_counts(struct sqlite_db *db, struct sqlite_counts *counts)
{
	enum sqlite_db_status status = sqlite_db_get_number(db, "entries", &counts->entries);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_get_number(db, "waiting", &counts->waiting);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_get_number(db, "clients", &counts->clients);
	return status;
}

static enum sqlite_db_status sqlite_db_read_meta(struct sqlite_db *db)
{
	sqlite3_stmt *get = db->sql.list[SQL_META_GET];
	bool has_row;

	sqlite_statement_bind_text(&db->sql, SQL_META_GET, 1, "hash_key");
	enum sqlite_db_status status = sqlite_statement_step(&db->sql, SQL_META_GET, &has_row);
	if (status == SQLITE_DB_OK && has_row &&
	    sqlite3_column_bytes(get, 0) == (int)sizeof(db->hash_key)) {
		memcpy(db->hash_key, sqlite3_column_blob(get, 0), sizeof(db->hash_key));
	} else if (status == SQLITE_DB_OK) {
		snprintf(db->sql.why, sizeof(db->sql.why), "the key of its hashes is missing");
		status = SQLITE_DB_DAMAGED;
	}
	sqlite_statement_finish(&db->sql, SQL_META_GET);
	if (status != SQLITE_DB_OK)
		return status;

	status = sqlite_db_read_counts(db, &db->counts);
	db->stored = db->counts;
	return status;
}

static enum sqlite_db_status sqlite_db_set_up(struct sqlite_db *db, const char *path,
					      const struct store_options *options)
{
	char pragmas[256];

	int code = sqlite3_open_v2(path, &db->sql.handle,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				   NULL);
	if (code != SQLITE_OK) {
		if (db->sql.handle == NULL)
			snprintf(db->sql.why, sizeof(db->sql.why), "%s", sqlite3_errstr(code));
		return db->sql.handle == NULL ? SQLITE_DB_FAILED : sqlite_db_failed(db, code);
	}
	sqlite3_busy_handler(db->sql.handle, sqlite_db_on_busy, db);
	sqlite3_extended_result_codes(db->sql.handle, 1);

	/* First of all, so that another program's database is left as it is. */
	enum sqlite_db_status status = sqlite_schema_check(db->sql.handle, db->sql.why);
	/* SQLite opens a file that may only be read without a word. */
	if (status == SQLITE_DB_OK && sqlite3_db_readonly(db->sql.handle, "main") == 1) {
		snprintf(db->sql.why, sizeof(db->sql.why), "the database cannot be written to");
		return SQLITE_DB_FAILED;
	}
	if (status == SQLITE_DB_OK)
		status = sqlite_db_exec(db, "PRAGMA journal_mode = WAL");
	/* FULL syncs the write-ahead log at every commit, NORMAL only at checkpoints. */
	snprintf(pragmas, sizeof(pragmas),
		 "PRAGMA synchronous = %s; PRAGMA cache_size = -%d; PRAGMA journal_size_limit = %d",
		 options->sync_full ? "FULL" : "NORMAL", SQLITE_DB_CACHE_KIB, SQLITE_DB_LOG_BYTES);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_exec(db, pragmas);
	/* In place of SQLite's own checkpoints, which would hold up the commit that triggers them.
	 */
	sqlite3_wal_hook(db->sql.handle, sqlite_db_on_commit, db);
	if (status == SQLITE_DB_OK)
		status = sqlite_statements_prepare(&db->sql);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_read_meta(db);
	return status;
}

enum sqlite_db_status sqlite_db_open(const char *path, const struct store_options *options,
				     struct sqlite_db **db, char why[static STORE_WHY_SIZE])
{
	*db = mem_alloc(sizeof(**db));
	(*db)->max_entries = options->max_entries;
	(*db)->path = mem_copy_string(path);
	(*db)->index = sqlite_index_new(&(*db)->sql);
	(*db)->waits = true;
	enum sqlite_db_status status = sqlite_db_set_up(*db, path, options);
	if (status == SQLITE_DB_DAMAGED && sqlite_file_is_text(path)) {
		snprintf((*db)->sql.why, sizeof((*db)->sql.why), "is a text file, and no database");
		status = SQLITE_DB_FOREIGN;
	}
	if (status != SQLITE_DB_OK) {
		snprintf(why, STORE_WHY_SIZE, "%s", (*db)->sql.why);
		sqlite_db_close(db);
		return status;
	}
	(*db)->log_inode = sqlite_file_log_inode(path);
	return SQLITE_DB_OK;
}

enum sqlite_db_status sqlite_db_begin(struct sqlite_db *db, bool for_writing)
{
	sqlite_index_begin(db->index);
	return sqlite_statement_run(&db->sql, for_writing ? SQL_BEGIN_WRITING : SQL_BEGIN);
}

/* Write a number of meta, if it is another one than stands there. */
static enum sqlite_db_status sqlite_db_set_number(struct sqlite_db *db, const char *name,
						  int64_t number, int64_t stored)
{
	if (number == stored && !db->must_write)
		return SQLITE_DB_OK;
	sqlite_statement_bind_text(&db->sql, SQL_META_SET, 1, name);
	sqlite_statement_bind_number(&db->sql, SQL_META_SET, 2, number);
	return sqlite_statement_run(&db->sql, SQL_META_SET);
}

enum sqlite_db_status sqlite_db_commit(struct sqlite_db *db)
{
	const struct sqlite_counts *now = &db->counts, *stored = &db->stored;
	enum sqlite_db_status status = sqlite_index_end(db->index);

	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_number(db, "entries", now->entries, stored->entries);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_number(db, "waiting", now->waiting, stored->waiting);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_number(db, "clients", now->clients, stored->clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_statement_run(&db->sql, SQL_COMMIT);
	if (status != SQLITE_DB_OK)
		return status;
	sqlite_index_commit(db->index);
	db->stored = db->counts;
	db->must_write = false;
	db->wrote = sqlite3_total_changes(db->sql.handle) != db->changes;
	db->changes = sqlite3_total_changes(db->sql.handle);
	return SQLITE_DB_OK;
}

bool sqlite_db_wrote(const struct sqlite_db *db)
{
	return db->wrote;
}

struct sqlite_counts *sqlite_db_counts(struct sqlite_db *db)
{
	return &db->counts;
}

struct sqlite_statements *sqlite_db_statements(struct sqlite_db *db)
{
	return &db->sql;
}

const char *sqlite_db_path(const struct sqlite_db *db)
{
	return db->path;
}

void sqlite_db_set_waiting(struct sqlite_db *db, bool waits)
{
	db->waits = waits;
}

void sqlite_db_touch(struct sqlite_db *db)
{
	db->must_write = true;
}

void sqlite_db_rollback(struct sqlite_db *db)
{
	/* SQLite rolls back by itself after some failures; then there is nothing left to do. */
	if (!sqlite3_get_autocommit(db->sql.handle)) {
		sqlite3_step(db->sql.list[SQL_ROLLBACK]);
		sqlite_statement_finish(&db->sql, SQL_ROLLBACK);
	}
	db->counts = db->stored;
	db->must_write = false;
	sqlite_index_rollback(db->index);
	/* SQLite counts changes that were undone as well. */
	db->changes = sqlite3_total_changes(db->sql.handle);
}

/* 32 bits, for they are enough to find a row and take half the room (see the schema). */
static int32_t sqlite_db_hash(const struct sqlite_db *db, const char *identity,
			      const struct store_question *question)
{
	char text[IDENTITY_TEXT_SIZE + 2 * SENDER_KEY_SIZE + 2];
	char *end = stpcpy(stpcpy(text, identity), "\n");
	end = stpcpy(stpcpy(end, question->sender), "\n");
	end = stpcpy(end, question->recipient);
	return (int32_t)hash_text_keyed((struct span){text, (size_t)(end - text)}, db->hash_key);
}

static enum sqlite_db_status sqlite_db_find_entry(struct sqlite_db *db, const char *identity,
						  const struct store_question *question,
						  struct sqlite_db_row *row,
						  struct greylist_finding *finding)
{
	static const enum sqlite_statement ways[] = {SQL_ENTRY_GET, SQL_ENTRY_FIND};
	enum sqlite_statement found;

	row->hash = sqlite_db_hash(db, identity, question);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		sqlite_statement_bind_text(&db->sql, ways[i], 2, identity);
		sqlite_statement_bind_text(&db->sql, ways[i], 3, question->sender);
		sqlite_statement_bind_text(&db->sql, ways[i], 4, question->recipient);
	}
	enum sqlite_db_status status =
		sqlite_index_find(db->index, row->hash, &found, &finding->has_entry);
	if (finding->has_entry) {
		row->id = sqlite_statement_number(&db->sql, found, 0);
		finding->entry.first_seen_s = sqlite_statement_amount(&db->sql, found, 1);
		finding->entry.last_seen_s = sqlite_statement_amount(&db->sql, found, 2);
		finding->entry.passes = sqlite_statement_amount(&db->sql, found, 3);
	}
	sqlite_statement_finish(&db->sql, found);
	return status;
}

enum sqlite_db_status sqlite_db_find_client(struct sqlite_db *db, const char *identity,
					    struct greylist_finding *finding)
{
	enum sqlite_statement find = SQL_CLIENT_FIND;

	sqlite_statement_bind_text(&db->sql, find, 1, identity);
	enum sqlite_db_status status = sqlite_statement_step(&db->sql, find, &finding->has_client);
	if (finding->has_client) {
		finding->client.counted_s = sqlite_statement_amount(&db->sql, find, 0);
		finding->client.last_seen_s = sqlite_statement_amount(&db->sql, find, 1);
		finding->client.passes = sqlite_statement_amount(&db->sql, find, 2);
	}
	sqlite_statement_finish(&db->sql, find);
	return status;
}

void sqlite_db_note_removed(struct sqlite_db *db, int64_t passes, int32_t hash, int64_t id)
{
	db->counts.entries--;
	db->counts.waiting -= passes == 0;
	sqlite_index_remove(db->index, hash, id);
}

/* Run a statement that removes entries and returns what they were; *removed is how many. */
static enum sqlite_db_status sqlite_db_remove_entries(struct sqlite_db *db,
						      enum sqlite_statement which, int *removed)
{
	enum sqlite_db_status status;
	bool has_row;

	*removed = 0;
	while ((status = sqlite_statement_step(&db->sql, which, &has_row)) == SQLITE_DB_OK &&
	       has_row) {
		(*removed)++;
		sqlite_db_note_removed(db, sqlite_statement_amount(&db->sql, which, 0),
				       (int32_t)sqlite_statement_number(&db->sql, which, 1),
				       sqlite_statement_number(&db->sql, which, 2));
	}
	sqlite_statement_finish(&db->sql, which);
	return status;
}

/* Make room for count entries: those go that are next to expire, of what expires after after_s. */
static enum sqlite_db_status sqlite_db_remove_next(struct sqlite_db *db, int64_t count,
						   int64_t after_s, int *removed)
{
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_MAKE_ROOM, 1, count);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_MAKE_ROOM, 2, after_s);
	return sqlite_db_remove_entries(db, SQL_ENTRY_MAKE_ROOM, removed);
}

/*
 * Remove what is beyond keep entries, but at most limit of them.  What waits expires first, and so
 * makes room first; but if all places were taken by what has passed, everybody new would make room
 * for the next one before he comes again.  A part of the places is for those who wait.
 */
static enum sqlite_db_status sqlite_db_trim(struct sqlite_db *db, int64_t keep, int limit,
					    int *removed)
{
	int64_t beyond = db->counts.entries - keep;
	bool few_wait = db->counts.waiting < keep / SQLITE_DB_WAITING_PART;
	enum sqlite_db_status status = SQLITE_DB_OK;

	*removed = 0;
	if (beyond <= 0)
		return SQLITE_DB_OK;
	if (beyond > limit)
		beyond = limit;
	if (few_wait)
		status = sqlite_db_remove_next(db, beyond, db->waits_until_s, removed);
	if (status == SQLITE_DB_OK && *removed == 0)
		status = sqlite_db_remove_next(db, beyond, 0, removed);
	/* None are left to remove: somebody else emptied the table. */
	if (status == SQLITE_DB_OK && *removed == 0)
		db->counts.entries = db->counts.waiting = 0;
	return status;
}

/*
 * Before a row is added.  When max_entries was made smaller there is much beyond it, which goes in
 * small steps, two for one that comes, so that no answer waits for it.
 */
static enum sqlite_db_status sqlite_db_make_room(struct sqlite_db *db)
{
	int removed;
	return sqlite_db_trim(db, db->max_entries - 1, 2, &removed);
}

static enum sqlite_db_status sqlite_db_insert_entry(struct sqlite_db *db, const char *identity,
						    const struct store_question *question,
						    const struct sqlite_db_row *row,
						    const struct greylist_entry *entry)
{
	int64_t id, expires_s = greylist_entry_expires(&question->limits, entry);

	if (entry->passes == 0 && expires_s > db->waits_until_s)
		db->waits_until_s = expires_s;
	enum sqlite_db_status status = sqlite_db_make_room(db);
	if (status == SQLITE_DB_OK)
		status = sqlite_index_add(db->index, row->hash, &id);
	if (status != SQLITE_DB_OK)
		return status;
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 9, id);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 1, row->hash);
	sqlite_statement_bind_text(&db->sql, SQL_ENTRY_INSERT, 2, identity);
	sqlite_statement_bind_text(&db->sql, SQL_ENTRY_INSERT, 3, question->sender);
	sqlite_statement_bind_text(&db->sql, SQL_ENTRY_INSERT, 4, question->recipient);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 5, entry->first_seen_s);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 6, entry->last_seen_s);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 7, entry->passes);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_INSERT, 8, expires_s);
	status = sqlite_statement_run(&db->sql, SQL_ENTRY_INSERT);
	if (status == SQLITE_DB_OK) {
		db->counts.entries++;
		db->counts.waiting += entry->passes == 0;
	}
	return status;
}

static enum sqlite_db_status sqlite_db_update_entry(struct sqlite_db *db,
						    const struct store_question *question,
						    const struct sqlite_db_row *row,
						    const struct greylist_entry *before,
						    const struct greylist_entry *entry)
{
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_UPDATE, 1, row->id);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_UPDATE, 2, entry->first_seen_s);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_UPDATE, 3, entry->last_seen_s);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_UPDATE, 4, entry->passes);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_UPDATE, 5,
				     greylist_entry_expires(&question->limits, entry));
	enum sqlite_db_status status = sqlite_statement_run(&db->sql, SQL_ENTRY_UPDATE);
	if (status == SQLITE_DB_OK)
		db->counts.waiting += (entry->passes == 0) - (before->passes == 0);
	return status;
}

enum sqlite_db_status sqlite_db_keep_client(struct sqlite_db *db, const char *identity,
					    const struct greylist_client *client, int64_t expires_s,
					    bool is_new)
{
	sqlite_statement_bind_text(&db->sql, SQL_CLIENT_KEEP, 1, identity);
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_KEEP, 2, client->counted_s);
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_KEEP, 3, client->last_seen_s);
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_KEEP, 4, client->passes);
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_KEEP, 5, expires_s);
	enum sqlite_db_status status = sqlite_statement_run(&db->sql, SQL_CLIENT_KEEP);
	if (status == SQLITE_DB_OK)
		db->counts.clients += is_new;
	return status;
}

/* Whether what was decided is to be written. */
static bool sqlite_db_keeps(const struct store_question *question, enum greylist_outcome outcome)
{
	switch (question->mode) {
	case STORE_KEEP:
		return true;
	case STORE_LOOK:
		return outcome != GREYLIST_NEW && outcome != GREYLIST_EARLY;
	case STORE_SHOW:
		break;
	}
	return false;
}

/*
 * What is there about the triplet and the client, under every identity.  When the triplets alone
 * settle it, clients are not looked for: known mail costs one row.
 */
static enum sqlite_db_status sqlite_db_find(struct sqlite_db *db,
					    const struct store_question *question,
					    struct sqlite_db_row rows[static IDENTITY_MAX],
					    struct greylist_finding findings[static IDENTITY_MAX])
{
	const struct identities *who = &question->who;
	enum sqlite_db_status status = SQLITE_DB_OK;

	for (size_t i = 0; status == SQLITE_DB_OK && i < who->count; i++)
		status = sqlite_db_find_entry(db, who->list[i].key, question, &rows[i],
					      &findings[i]);
	if (question->mode != STORE_SHOW &&
	    greylist_is_settled(&question->limits, who, findings, question->now_s))
		return status;
	for (size_t i = 0; status == SQLITE_DB_OK && i < who->count; i++)
		if (who->list[i].client[0] != '\0')
			status = sqlite_db_find_client(db, who->list[i].client, &findings[i]);
	return status;
}

/* Find and decide; rows is where what was found stands. */
static enum sqlite_db_status sqlite_db_decide(struct sqlite_db *db,
					      const struct store_question *question,
					      struct store_answer *answer,
					      struct sqlite_db_row rows[static IDENTITY_MAX])
{
	memset(answer->findings, 0, sizeof(answer->findings));
	enum sqlite_db_status status = sqlite_db_find(db, question, rows, answer->findings);
	if (status == SQLITE_DB_OK)
		greylist_decide(&question->limits, &question->who, answer->findings,
				question->store_new, question->now_s, &answer->decision);
	return status;
}

enum sqlite_db_status sqlite_db_look(struct sqlite_db *db, const struct store_question *question,
				     struct store_answer *answer, bool *is_to_keep)
{
	struct sqlite_db_row rows[IDENTITY_MAX] = {0};
	enum sqlite_db_status status = sqlite_db_decide(db, question, answer, rows);

	*is_to_keep = false;
	if (status != SQLITE_DB_OK || !sqlite_db_keeps(question, answer->decision.outcome))
		return status;
	for (size_t i = 0; i < question->who.count; i++)
		*is_to_keep = *is_to_keep || answer->decision.keep[i].entry_changed ||
			      answer->decision.keep[i].client_changed;
	return SQLITE_DB_OK;
}

enum sqlite_db_status sqlite_db_greylist(struct sqlite_db *db,
					 const struct store_question *question,
					 struct store_answer *answer)
{
	const struct greylist_finding *findings = answer->findings;
	const struct greylist_decision *decision = &answer->decision;
	struct sqlite_db_row rows[IDENTITY_MAX] = {0};
	enum sqlite_db_status status = sqlite_db_decide(db, question, answer, rows);

	if (status != SQLITE_DB_OK || !sqlite_db_keeps(question, decision->outcome))
		return status;
	for (size_t i = 0; status == SQLITE_DB_OK && i < question->who.count; i++) {
		const struct identity *identity = &question->who.list[i];
		if (decision->keep[i].entry_changed) {
			const struct greylist_entry *entry = &decision->keep[i].entry;
			status = findings[i].has_entry
					 ? sqlite_db_update_entry(db, question, &rows[i],
								  &findings[i].entry, entry)
					 : sqlite_db_insert_entry(db, identity->key, question,
								  &rows[i], entry);
		}
		if (status == SQLITE_DB_OK && decision->keep[i].client_changed) {
			const struct greylist_client *client = &decision->keep[i].client;
			status = sqlite_db_keep_client(
				db, identity->client, client,
				greylist_client_expires(&question->limits, client),
				!findings[i].has_client);
		}
	}
	return status;
}

/* Remove clients that expire before before_s, at most limit of them. */
static enum sqlite_db_status sqlite_db_remove_clients(struct sqlite_db *db, int64_t before_s,
						      int64_t limit, int *removed)
{
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_EXPIRE, 1, before_s);
	sqlite_statement_bind_number(&db->sql, SQL_CLIENT_EXPIRE, 2, limit);
	enum sqlite_db_status status = sqlite_statement_run(&db->sql, SQL_CLIENT_EXPIRE);
	if (status != SQLITE_DB_OK)
		return status;
	int count = sqlite3_changes(db->sql.handle);
	db->counts.clients -= count;
	*removed += count;
	return SQLITE_DB_OK;
}

/* A client comes with an entry that passed, but stays when that one makes room: so clients have the
 * same bound. */
static enum sqlite_db_status sqlite_db_trim_clients(struct sqlite_db *db, int limit, int *removed)
{
	int64_t beyond = db->counts.clients - db->max_entries;

	if (beyond <= 0)
		return SQLITE_DB_OK;
	return sqlite_db_remove_clients(db, INT64_MAX, beyond < limit ? beyond : limit, removed);
}

enum sqlite_db_status sqlite_db_expire(struct sqlite_db *db, int64_t now_s, int limit, int *removed)
{
	int trimmed = 0, clients = 0;

	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_EXPIRE, 1, now_s);
	sqlite_statement_bind_number(&db->sql, SQL_ENTRY_EXPIRE, 2, limit);
	enum sqlite_db_status status = sqlite_db_remove_entries(db, SQL_ENTRY_EXPIRE, removed);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_remove_clients(db, now_s, limit, &clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_trim_clients(db, limit, &clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_trim(db, db->max_entries, limit, &trimmed);
	*removed += clients + trimmed;
	return status;
}

const char *sqlite_db_why(const struct sqlite_db *db)
{
	return db->sql.why;
}

int sqlite_db_wal_pages(const struct sqlite_db *db)
{
	return db->wal_pages;
}

enum sqlite_db_status sqlite_db_checkpoint(struct sqlite_db *db, int *left)
{
	int total = 0, copied = 0;
	*left = 0;
	int code = sqlite3_wal_checkpoint_v2(db->sql.handle, NULL, SQLITE_CHECKPOINT_PASSIVE,
					     &total, &copied);
	/* Busy: another one checkpoints at this moment, which is as well. */
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
		return sqlite_db_failed(db, code);
	if (total > copied)
		*left = total - copied;
	else if (code == SQLITE_OK)
		db->wal_pages = 0;
	return SQLITE_DB_OK;
}

enum sqlite_db_status sqlite_db_sync(struct sqlite_db *db)
{
	sqlite3_file *file = NULL;

	/* Not over a descriptor of our own: to close one gives up SQLite's locks on the file. */
	int code = sqlite3_file_control(db->sql.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (code == SQLITE_OK)
		code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
	if (code == SQLITE_OK)
		return SQLITE_DB_OK;
	snprintf(db->sql.why, sizeof(db->sql.why), "sync: %s", sqlite3_errstr(code));
	return SQLITE_DB_FAILED;
}

bool sqlite_db_is_in_place(struct sqlite_db *db)
{
	int has_moved = 0;
	if (sqlite3_file_control(db->sql.handle, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) ==
		    SQLITE_OK &&
	    has_moved != 0)
		return false;
	return sqlite_file_log_inode(db->path) == db->log_inode;
}

void sqlite_db_abandon(struct sqlite_db **db)
{
	int left;

	/* SQLite does neither when the database has moved. */
	if (sqlite_db_checkpoint(*db, &left) != SQLITE_DB_OK)
		left = 0;
	if ((*db)->log_inode != 0 && sqlite_file_log_inode((*db)->path) == (*db)->log_inode)
		sqlite_file_remove_log((*db)->path);
	sqlite_db_close(db);
}

void sqlite_db_close(struct sqlite_db **db)
{
	if (*db == NULL)
		return;
	sqlite_index_free(&(*db)->index);
	sqlite_statements_clear(&(*db)->sql);
	sqlite3_close((*db)->sql.handle);
	free((*db)->path);
	free(*db);
	*db = NULL;
}
