/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to the SQLite database: opening, transactions, checkpoints.  The steps that are
 * taken within a transaction are elsewhere: sqlite_greylist.h, sqlite_networks.h, sqlite_errand.h.
 *
 * Everything here blocks (but see sqlite_nowait.h), and belongs to one thread at a time.  Steps
 * happen between sqlite_db_begin() and sqlite_db_commit(); what failed is undone by
 * sqlite_db_rollback().
 */
#pragma once

#include "store.h"

#include <stddef.h>

struct sqlite_db;
struct sqlite_greylist;
struct sqlite_statements;

enum sqlite_db_status {
	SQLITE_DB_OK,
	SQLITE_DB_BUSY,       /* another process has it locked; nothing else is wrong */
	SQLITE_DB_NO_WRITING, /* disk full, or no permission: it can be read all the same */
	SQLITE_DB_FAILED,     /* anything else: may pass */
	SQLITE_DB_DAMAGED,    /* what is in the file is no sound database */
	SQLITE_DB_FOREIGN,    /* it is sound, but not ours, or of a later version of us */
};

/* Rows of the tables. */
struct sqlite_counts {
	int64_t entries; /* waiting ones included */
	int64_t waiting;
	int64_t clients;
};

/*
 * Open the database in path, or make it.  On anything but SQLITE_DB_OK *db is NULL and why says
 * what is wrong.
 */
enum sqlite_db_status sqlite_db_open(const char *path, const struct store_options *options,
				     struct sqlite_db **db, char why[static STORE_WHY_SIZE])
	__attribute__((warn_unused_result));

/*
 * Begin a transaction.  One that is not for_writing locks nobody out until its first write, but is
 * told SQLITE_DB_BUSY there at once when somebody else is writing; one that is for_writing waits
 * for its turn here, for a while.
 */
enum sqlite_db_status sqlite_db_begin(struct sqlite_db *db, bool for_writing)
	__attribute__((warn_unused_result));

/* With SQLITE_DB_OK all steps since sqlite_db_begin() are as durable as store_sync asks for. */
enum sqlite_db_status sqlite_db_commit(struct sqlite_db *db) __attribute__((warn_unused_result));

/* The rows that there are, this transaction's changes included: who changes rows changes these. */
struct sqlite_counts *sqlite_db_counts(struct sqlite_db *db);

/* The same as another connection committed them last. */
enum sqlite_db_status sqlite_db_read_counts(struct sqlite_db *db, struct sqlite_counts *counts)
	__attribute__((warn_unused_result));

/* For steps in other files. */
struct sqlite_greylist *sqlite_db_greylist(struct sqlite_db *db);
struct sqlite_statements *sqlite_db_statements(struct sqlite_db *db);

/* The file. */
const char *sqlite_db_path(const struct sqlite_db *db);

/* Whether the last commit had anything to write. */
bool sqlite_db_wrote(const struct sqlite_db *db);

/* Let the next commit write something whether there is anything or not: to see if that is possible.
 */
void sqlite_db_touch(struct sqlite_db *db);

void sqlite_db_rollback(struct sqlite_db *db);

/* Whether steps wait for a while, as they do at first, when another process is writing. */
void sqlite_db_set_waiting(struct sqlite_db *db, bool waits);

/* Let it keep fewer pages in memory than it does at first. */
void sqlite_db_limit_cache(struct sqlite_db *db, int kib);

/*
 * Let the index of the write-ahead log, the file -shm, have room for a long log at once.  SQLite
 * writes to it as the log grows, holding a lock that whoever reads in this process takes too.
 * Without room nothing is wrong but that.
 */
void sqlite_db_lengthen_wal_index(struct sqlite_db *db);

/* Why the last step failed, for the log. */
const char *sqlite_db_why(const struct sqlite_db *db);

/* Pages of 4 KiB in the write-ahead log after the last commit; 0: all were copied since. */
int sqlite_db_wal_pages(const struct sqlite_db *db);

/*
 * Copy the write-ahead log into the database as far as nobody is in the way (SQLite's PASSIVE
 * checkpoint).  *left is the number of pages that could not be copied yet.
 */
enum sqlite_db_status sqlite_db_checkpoint(struct sqlite_db *db, int *left)
	__attribute__((warn_unused_result));

/*
 * Bring what was copied to the disk.  SQLite does so itself only at the end of a checkpoint that
 * found the log as long as it was at the beginning.
 */
enum sqlite_db_status sqlite_db_sync(struct sqlite_db *db) __attribute__((warn_unused_result));

/*
 * Whether the file that is open is still what its name leads to, and its write-ahead log too.  When
 * somebody removed one or put another in its place, what is written goes nowhere.
 */
bool sqlite_db_is_in_place(struct sqlite_db *db);

/*
 * Close a database that is not in its place any more, complete in itself, wherever it is now.  Its
 * write-ahead log, if that still lies there, is removed: whatever database is there now must not
 * take it for its own.
 */
void sqlite_db_abandon(struct sqlite_db **db);

void sqlite_db_close(struct sqlite_db **db);
