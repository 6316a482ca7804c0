/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_db.h"

#include "base/memory.h"
#include "sqlite_file.h"
#include "sqlite_greylist.h"
#include "sqlite_index.h"
#include "sqlite_meta.h"
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
	SQLITE_DB_WAL_INDEX_BLOCK = 32768, /* bytes, for some 4096 pages in the log (walformat) */
	SQLITE_DB_WAL_INDEX_BLOCKS = 4,    /* 64 MB: it is no longer in good health then */
	SQLITE_DB_LOG_BYTES =
		16 * 1024 * 1024, /* what the write-ahead log keeps of a large one's room */
};

struct sqlite_db {
	struct sqlite_statements sql;
	struct sqlite_greylist greylist; /* its index is owned */
	struct sqlite_counts counts;     /* this transaction's changes included */
	struct sqlite_counts stored;     /* the same as they stand in meta */
	bool waits;                      /* when another process is writing */
	bool wrote;                      /* the last commit had something to write */
	bool must_write;                 /* the next one has */
	int changes;                     /* rows changed in all, at the last commit */
	int wal_pages;
	char *path;      /* owned */
	ino_t log_inode; /* of the write-ahead log, which is there as long as the database is open
			  */
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

/* A count in meta; one that is missing leaves *count alone. */
static enum sqlite_db_status sqlite_db_get_count(struct sqlite_db *db, const char *name,
						 int64_t *count)
{
	bool has_row;
	enum sqlite_db_status status = sqlite_meta_get(&db->sql, name, count, &has_row);

	*count = sqlite_statement_to_amount(*count);
	return status;
}

enum sqlite_db_status sqlite_db_read_counts(struct sqlite_db *db, struct sqlite_counts *counts)
{
	enum sqlite_db_status status = sqlite_db_get_count(db, "entries", &counts->entries);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_get_count(db, "waiting", &counts->waiting);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_get_count(db, "clients", &counts->clients);
	return status;
}

static enum sqlite_db_status sqlite_db_read_meta(struct sqlite_db *db)
{
	sqlite3_stmt *get = db->sql.list[SQL_META_GET];
	bool has_row;

	sqlite_statement_bind_text(&db->sql, SQL_META_GET, 1, "hash_key");
	enum sqlite_db_status status = sqlite_statement_step(&db->sql, SQL_META_GET, &has_row);
	if (status == SQLITE_DB_OK && has_row &&
	    sqlite3_column_bytes(get, 0) == (int)sizeof(db->greylist.hash_key)) {
		memcpy(db->greylist.hash_key, sqlite3_column_blob(get, 0),
		       sizeof(db->greylist.hash_key));
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
	(*db)->greylist.max_entries = options->max_entries;
	(*db)->path = mem_copy_string(path);
	(*db)->greylist.index = sqlite_index_new(&(*db)->sql);
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
	sqlite_index_begin(db->greylist.index);
	return sqlite_statement_run(&db->sql, for_writing ? SQL_BEGIN_WRITING : SQL_BEGIN);
}

/* Write a count to meta, if it is another one than stands there. */
static enum sqlite_db_status sqlite_db_set_count(struct sqlite_db *db, const char *name,
						 int64_t count, int64_t stored)
{
	return count == stored && !db->must_write ? SQLITE_DB_OK
						  : sqlite_meta_set(&db->sql, name, count);
}

enum sqlite_db_status sqlite_db_commit(struct sqlite_db *db)
{
	const struct sqlite_counts *now = &db->counts, *stored = &db->stored;
	enum sqlite_db_status status = sqlite_index_end(db->greylist.index);

	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_count(db, "entries", now->entries, stored->entries);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_count(db, "waiting", now->waiting, stored->waiting);
	if (status == SQLITE_DB_OK)
		status = sqlite_db_set_count(db, "clients", now->clients, stored->clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_statement_run(&db->sql, SQL_COMMIT);
	if (status != SQLITE_DB_OK)
		return status;
	sqlite_index_commit(db->greylist.index);
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

struct sqlite_greylist *sqlite_db_greylist(struct sqlite_db *db)
{
	return &db->greylist;
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

void sqlite_db_limit_cache(struct sqlite_db *db, int kib)
{
	char pragma[64];

	/* Without it nothing is wrong but the memory that it takes. */
	snprintf(pragma, sizeof(pragma), "PRAGMA cache_size = -%d", kib);
	sqlite3_exec(db->sql.handle, pragma, NULL, NULL, NULL);
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
	sqlite_index_rollback(db->greylist.index);
	/* SQLite counts changes that were undone as well. */
	db->changes = sqlite3_total_changes(db->sql.handle);
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

void sqlite_db_lengthen_wal_index(struct sqlite_db *db)
{
	volatile void *block;
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db->sql.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    file->pMethods->iVersion < 2)
		return;
	for (int i = 0; i < SQLITE_DB_WAL_INDEX_BLOCKS; i++)
		file->pMethods->xShmMap(file, i, SQLITE_DB_WAL_INDEX_BLOCK, 1, &block);
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
	sqlite_index_free(&(*db)->greylist.index);
	sqlite_statements_clear(&(*db)->sql);
	sqlite3_close((*db)->sql.handle);
	free((*db)->path);
	free(*db);
	*db = NULL;
}
