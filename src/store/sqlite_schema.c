/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	SQLITE_SCHEMA_APPLICATION_ID = 0x53697867, /* "Sixg", in the file's header */
	SQLITE_SCHEMA_VERSION = 5,                 /* in the header's user_version */
};

/*
 * What makes each version from the one before it; a new database takes all the steps.  What was
 * released is never changed again.
 *
 * entry: one triplet.  hash is 32 bits of a keyed hash of identity, sender and recipient: an index
 * on it takes a third of one on the three texts, and the texts, compared afterwards, make the rare
 * collision harmless.  Rows are appended in the order of time, with ids that only grow (meta
 * 'next_id'), so that writing many new ones touches few pages of the table.  expires is when the
 * row is of no use any more; it is what clean-up walks along, so that it never looks at a row that
 * stays.
 *
 * place: which entries have a hash.  In place of an index of SQLite's, which is written with each
 * row: this one is written behind the entries, and has those up to the id in meta 'placed',
 * and a part of those up to 'placing_to' (sqlite_index.h).
 *
 * removed: what is still to be removed there, those up to the number in meta 'removing_to' at
 * present (sqlite_removed.h).  Whoever removes an entry, with sqlite3(1) too, notes it here.
 *
 * client: one known, or becoming known, client.
 *
 * meta: the hash's key; the numbers of entries, of those among them that wait, and of clients
 * (counting them would take longer the more there are).
 *
 * farm_networks: what an SPF domain in the table of farms stands for (store.h).
 *
 * total: what was counted, by a name of the caller's.
 */
static const char *const sqlite_schema_steps[SQLITE_SCHEMA_VERSION] = {
	"CREATE TABLE entry ("
	" id INTEGER PRIMARY KEY,"
	" hash INTEGER NOT NULL,"
	" identity TEXT NOT NULL,"
	" sender TEXT NOT NULL,"
	" recipient TEXT NOT NULL,"
	" first_seen INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL,"
	" passes INTEGER NOT NULL,"
	" expires INTEGER NOT NULL);"
	"CREATE INDEX entry_hash ON entry (hash);"
	"CREATE INDEX entry_expires ON entry (expires);"
	"CREATE TABLE client ("
	" identity TEXT NOT NULL PRIMARY KEY,"
	" counted INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL,"
	" passes INTEGER NOT NULL,"
	" expires INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX client_expires ON client (expires);"
	"CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('hash_key', randomblob(16)), ('entries', 0);",

	"CREATE TABLE farm_networks ("
	" domain TEXT NOT NULL PRIMARY KEY,"
	" networks TEXT NOT NULL,"
	" resolved INTEGER NOT NULL,"
	" fresh_until INTEGER NOT NULL);",

	"INSERT INTO meta SELECT 'waiting', count(*) FROM entry WHERE passes = 0;"
	"INSERT INTO meta SELECT 'clients', count(*) FROM client;"
	"CREATE TABLE total (name TEXT NOT NULL PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;",

	"DROP INDEX entry_hash;"
	"CREATE TABLE place (hash INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (hash, id))"
	" WITHOUT ROWID;"
	"INSERT INTO place SELECT hash, id FROM entry ORDER BY hash, id;"
	"INSERT INTO meta SELECT 'placed', coalesce(max(id), 0) FROM entry;"
	"INSERT INTO meta VALUES ('placing_to', 0), ('placing_from', 0),"
	" ('next_id', 0);"
	"CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN"
	" DELETE FROM place WHERE hash = old.hash AND id = old.id;"
	" END;",

	"INSERT INTO meta VALUES ('removing_to', 0), ('removing_from', 0);"
	"CREATE TABLE removed (number INTEGER PRIMARY KEY, hash INTEGER NOT NULL,"
	" id INTEGER NOT NULL);"
	"DROP TRIGGER IF EXISTS entry_removed;"
	"CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN"
	" INSERT INTO removed (hash, id) VALUES (old.hash, old.id);"
	" END;",
};

/*
 * What the system said to SQLite; 0: not known.  Of a commit that could not write to the log, only
 * the log's file knows (3.40).
 */
static int sqlite_schema_errno(sqlite3 *handle)
{
	sqlite3_file *log = NULL;
	int error = sqlite3_system_errno(handle);

	if (error == 0 &&
	    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
	    log != NULL && log->pMethods != NULL)
		(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
	return error;
}

enum sqlite_db_status sqlite_schema_failed(sqlite3 *handle, int code,
					   char why[static STORE_WHY_SIZE])
{
	const char *message = sqlite3_errmsg(handle);
	const char *kind = sqlite3_errstr(sqlite3_extended_errcode(handle));
	int error = sqlite_schema_errno(handle);

	if (((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR) && error != 0)
		snprintf(why, STORE_WHY_SIZE, "%s: %s", message, strerror(error));
	else if (strcmp(message, kind) == 0)
		snprintf(why, STORE_WHY_SIZE, "%s", message);
	else
		snprintf(why, STORE_WHY_SIZE, "%s (%s)", message, kind);
	/* SQLite knows of one reason why nothing more can be written, a full disk. */
	if ((code & 0xff) == SQLITE_IOERR && (error == EROFS || error == EDQUOT))
		return SQLITE_DB_NO_WRITING;
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return SQLITE_DB_BUSY;
	case SQLITE_FULL:
	case SQLITE_READONLY:
		return SQLITE_DB_NO_WRITING;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return SQLITE_DB_DAMAGED;
	}
	return SQLITE_DB_FAILED;
}

/* The first column of the first row of sql, as a number; 0 when there is none. */
static enum sqlite_db_status sqlite_schema_ask(sqlite3 *handle, const char *sql, int64_t *number,
					       char why[static STORE_WHY_SIZE])
{
	sqlite3_stmt *statement;
	*number = 0;
	int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return sqlite_schema_failed(handle, code, why);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	enum sqlite_db_status status = code == SQLITE_ROW || code == SQLITE_DONE
					       ? SQLITE_DB_OK
					       : sqlite_schema_failed(handle, code, why);
	sqlite3_finalize(statement);
	return status;
}

/*
 * What the file is: *version is 0 for an empty one; whatever is not ours is SQLITE_DB_FOREIGN.
 * Tables first: where they are, so is what was committed with them.  The other way round, a file
 * that another process makes in between would have tables and no application_id.
 */
static enum sqlite_db_status sqlite_schema_look(sqlite3 *handle, int64_t *version,
						char why[static STORE_WHY_SIZE])
{
	int64_t application, tables;
	enum sqlite_db_status status;

	status = sqlite_schema_ask(handle, "SELECT count(*) FROM sqlite_master", &tables, why);
	if (status == SQLITE_DB_OK)
		status = sqlite_schema_ask(handle, "PRAGMA application_id", &application, why);
	if (status == SQLITE_DB_OK)
		status = sqlite_schema_ask(handle, "PRAGMA user_version", version, why);
	if (status != SQLITE_DB_OK)
		return status;
	if (tables == 0) {
		*version = 0;
		return SQLITE_DB_OK;
	}
	if (application != SQLITE_SCHEMA_APPLICATION_ID) {
		snprintf(why, STORE_WHY_SIZE, "is a database of some other program");
		return SQLITE_DB_FOREIGN;
	}
	if (*version < 1 || *version > SQLITE_SCHEMA_VERSION) {
		snprintf(why, STORE_WHY_SIZE,
			 "has schema version %lld, and this sixgated knows only 1 to %d: it was "
			 "made by another version of Sixgate",
			 (long long)*version, SQLITE_SCHEMA_VERSION);
		return SQLITE_DB_FOREIGN;
	}
	return SQLITE_DB_OK;
}

/*
 * Bring the file to our version in one transaction, so that what is half-made is never seen.  What
 * it is counts only once the transaction has begun: until then another process may have made the
 * steps, or some of them.  Then it goes on from there.
 */
static enum sqlite_db_status sqlite_schema_step_up(sqlite3 *handle, char why[static STORE_WHY_SIZE])
{
	int64_t version;
	char pragmas[128];

	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 SQLITE_SCHEMA_APPLICATION_ID, SQLITE_SCHEMA_VERSION);
	/* Whoever fails from here on closes the file, which undoes what was done. */
	int code = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return sqlite_schema_failed(handle, code, why);
	enum sqlite_db_status status = sqlite_schema_look(handle, &version, why);
	if (status != SQLITE_DB_OK)
		return status;
	for (int64_t i = version; i < SQLITE_SCHEMA_VERSION && code == SQLITE_OK; i++)
		code = sqlite3_exec(handle, sqlite_schema_steps[i], NULL, NULL, NULL);
	if (code == SQLITE_OK && version < SQLITE_SCHEMA_VERSION)
		code = sqlite3_exec(handle, pragmas, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_OK ? SQLITE_DB_OK : sqlite_schema_failed(handle, code, why);
}

enum sqlite_db_status sqlite_schema_check(sqlite3 *handle, char why[static STORE_WHY_SIZE])
{
	int64_t version;
	enum sqlite_db_status status = sqlite_schema_look(handle, &version, why);

	return status != SQLITE_DB_OK || version == SQLITE_SCHEMA_VERSION
		       ? status
		       : sqlite_schema_step_up(handle, why);
}
