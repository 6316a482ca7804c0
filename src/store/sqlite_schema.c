/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_schema.h"

#include <stdio.h>
#include <string.h>

enum {
	SQLITE_SCHEMA_APPLICATION_ID = 0x53697867, /* "Sixg", in the file's header */
	SQLITE_SCHEMA_VERSION = 1,                 /* in the header's user_version */
};

/*
 * entry: one triplet.  hash is 32 bits of a keyed hash of identity, sender and recipient: an index
 * on it takes a third of one on the three texts, and the texts, compared afterwards, make the rare
 * collision harmless.  Rows are appended in the order of time, so that writing many new ones
 * touches few pages of the table.  expires is when the row is of no use any more; it is what
 * clean-up walks along, so that it never looks at a row that stays.
 *
 * client: one known, or becoming known, client.
 *
 * meta: the hash's key; the number of entries (counting them would take longer the more there are).
 */
static const char sqlite_schema_sql[] =
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
	"INSERT INTO meta VALUES ('hash_key', randomblob(16)), ('entries', 0);";

enum sqlite_db_status sqlite_schema_failed(sqlite3 *handle, int code,
					   char why[static STORE_WHY_SIZE])
{
	const char *message = sqlite3_errmsg(handle);
	const char *kind = sqlite3_errstr(sqlite3_extended_errcode(handle));

	int error = sqlite3_system_errno(handle);

	if (((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR) && error != 0)
		snprintf(why, STORE_WHY_SIZE, "%s: %s", message, strerror(error));
	else if (strcmp(message, kind) == 0)
		snprintf(why, STORE_WHY_SIZE, "%s", message);
	else
		snprintf(why, STORE_WHY_SIZE, "%s (%s)", message, kind);
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

/* Make the schema in an empty file; tell a file that is not ours. */
enum sqlite_db_status sqlite_schema_check(sqlite3 *handle, char why[static STORE_WHY_SIZE])
{
	int64_t application, version, tables;
	enum sqlite_db_status status;
	char sql[sizeof(sqlite_schema_sql) + 128];

	status = sqlite_schema_ask(handle, "PRAGMA application_id", &application, why);
	if (status == SQLITE_DB_OK)
		status = sqlite_schema_ask(handle, "PRAGMA user_version", &version, why);
	if (status == SQLITE_DB_OK)
		status = sqlite_schema_ask(handle, "SELECT count(*) FROM sqlite_master", &tables,
					   why);
	if (status != SQLITE_DB_OK)
		return status;
	if (tables == 0) {
		/* In one transaction: a half-made schema is never seen. */
		snprintf(sql, sizeof(sql),
			 "BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d;"
			 " COMMIT",
			 sqlite_schema_sql, SQLITE_SCHEMA_APPLICATION_ID, SQLITE_SCHEMA_VERSION);
		int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
		return code == SQLITE_OK ? SQLITE_DB_OK : sqlite_schema_failed(handle, code, why);
	}
	if (application != SQLITE_SCHEMA_APPLICATION_ID) {
		snprintf(why, STORE_WHY_SIZE, "is a database of some other program");
		return SQLITE_DB_FOREIGN;
	}
	if (version != SQLITE_SCHEMA_VERSION) {
		snprintf(why, STORE_WHY_SIZE,
			 "has schema version %lld, and this sixgated knows only %d: it was made by "
			 "another version of Sixgate",
			 (long long)version, SQLITE_SCHEMA_VERSION);
		return SQLITE_DB_FOREIGN;
	}
	return SQLITE_DB_OK;
}
