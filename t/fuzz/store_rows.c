/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database with anything in its rows: whoever used sqlite3(1) on it may have put it there.
 *
 * The input is lines: the schema's version ("1" to "3"; with "loose" behind it, the columns have
 * neither types nor bounds), then rows, "TABLE VALUE VALUE ..." with tabs between, each value
 * behind a letter for its type: i an integer, r a number, t a text, b bytes, n NULL.  Behind a line
 * "--" is what is asked of it then (rig/store_script.h).
 */
#include "store/sqlite_db.h"

#include "rig/input.h"
#include "rig/memory_directory.h"
#include "rig/store_script.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_SIZE = 128, ROWS_MAX = 60, VALUES_MAX = 9 };

/* A table, with what stands behind its columns' names where it is not loose. */
struct rows_table {
	const char *name;
	int since; /* version of the schema */
	const char *strict, *loose, *insert;
};

static const struct rows_table rows_tables[] = {
	{"entry", 1,
	 "CREATE TABLE entry (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL,"
	 " identity TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
	 " first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, passes INTEGER NOT NULL,"
	 " expires INTEGER NOT NULL)",
	 "CREATE TABLE entry (id, hash, identity, sender, recipient, first_seen, last_seen, passes,"
	 " expires)",
	 "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
	{"client", 1,
	 "CREATE TABLE client (identity TEXT NOT NULL PRIMARY KEY, counted INTEGER NOT NULL,"
	 " last_seen INTEGER NOT NULL, passes INTEGER NOT NULL, expires INTEGER NOT NULL)"
	 " WITHOUT ROWID",
	 "CREATE TABLE client (identity UNIQUE, counted, last_seen, passes, expires)",
	 "INSERT INTO client VALUES (?1, ?2, ?3, ?4, ?5)"},
	{"meta", 1,
	 "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
	 "CREATE TABLE meta (name UNIQUE, value)", "INSERT OR REPLACE INTO meta VALUES (?1, ?2)"},
	{"farm_networks", 2,
	 "CREATE TABLE farm_networks (domain TEXT NOT NULL PRIMARY KEY, networks TEXT NOT NULL,"
	 " resolved INTEGER NOT NULL, fresh_until INTEGER NOT NULL)",
	 "CREATE TABLE farm_networks (domain UNIQUE, networks, resolved, fresh_until)",
	 "INSERT INTO farm_networks VALUES (?1, ?2, ?3, ?4)"},
	{"total", 3,
	 "CREATE TABLE total (name TEXT NOT NULL PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
	 "CREATE TABLE total (name UNIQUE, value)", "INSERT INTO total VALUES (?1, ?2)"},
};

enum { TABLE_COUNT = sizeof(rows_tables) / sizeof(rows_tables[0]) };

static void rows_run(sqlite3 *handle, const char *sql)
{
	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		abort();
}

static void rows_make_tables(sqlite3 *handle, int version, bool is_loose)
{
	char pragmas[128];

	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (rows_tables[i].since <= version)
			rows_run(handle, is_loose ? rows_tables[i].loose : rows_tables[i].strict);
	rows_run(handle,
		 "CREATE INDEX entry_hash ON entry (hash);"
		 "CREATE INDEX entry_expires ON entry (expires);"
		 "CREATE INDEX client_expires ON client (expires);"
		 "INSERT INTO meta VALUES ('hash_key', x'000102030405060708090a0b0c0d0e0f'),"
		 " ('entries', 0)");
	if (version >= 3)
		rows_run(handle, "INSERT INTO meta VALUES ('waiting', 0), ('clients', 0)");
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 0x53697867, version);
	rows_run(handle, pragmas);
}

static void rows_bind(sqlite3_stmt *statement, int parameter, struct span value)
{
	if (value.length == 0)
		return;
	struct span rest = span_from(value, 1);
	switch (value.text[0]) {
	case 'i':
		sqlite3_bind_int64(statement, parameter, input_number(rest));
		return;
	case 'r':
		sqlite3_bind_double(statement, parameter,
				    rest.length == 0 ? 1e300 : (double)input_number(rest) / 7);
		return;
	case 't':
		sqlite3_bind_text(statement, parameter, rest.text, (int)rest.length, SQLITE_STATIC);
		return;
	case 'b':
		sqlite3_bind_blob(statement, parameter, rest.text, (int)rest.length, SQLITE_STATIC);
		return;
	}
}

/* A row that the table does not take is left out. */
static void rows_insert(sqlite3 *handle, int version, struct span line)
{
	struct span name = input_take(&line, '\t');

	for (size_t i = 0; i < TABLE_COUNT; i++) {
		sqlite3_stmt *statement;
		if (!span_equals(name, span_of(rows_tables[i].name)) ||
		    rows_tables[i].since > version)
			continue;
		if (sqlite3_prepare_v2(handle, rows_tables[i].insert, -1, &statement, NULL) !=
		    SQLITE_OK)
			abort();
		for (int j = 1; j <= VALUES_MAX && line.length > 0; j++)
			rows_bind(statement, j, input_take(&line, '\t'));
		sqlite3_step(statement);
		sqlite3_finalize(statement);
	}
}

static void rows_make_database(const char *path, struct span text)
{
	struct span first = input_line(&text);
	int version = first.length > 0 && first.text[0] >= '1' && first.text[0] <= '3'
			      ? first.text[0] - '0'
			      : 3;
	sqlite3 *handle;

	if (sqlite3_open(path, &handle) != SQLITE_OK)
		abort();
	rows_run(handle, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN");
	rows_make_tables(handle, version, first.length > 1);
	for (int rows = 0; rows < ROWS_MAX && text.length > 0; rows++)
		rows_insert(handle, version, input_line(&text));
	rows_run(handle, "COMMIT");
	sqlite3_close(handle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct store_options options = {.sync_full = false, .max_entries = 5};
	struct span script = input_of(data, size), rows = input_part(&script);
	char path[PATH_SIZE], why[STORE_WHY_SIZE];
	struct sqlite_db *db;

	snprintf(path, sizeof(path), "%s/db", memory_directory());
	rows_make_database(path, rows);
	enum sqlite_db_status status = sqlite_db_open(path, &options, &db, why);
	assert(status != SQLITE_DB_FOREIGN && status != SQLITE_DB_BUSY);
	if (status == SQLITE_DB_OK) {
		store_script_run(db, script);
		assert(sqlite_db_is_in_place(db));
		sqlite_db_close(&db);
	} else {
		assert(db == NULL && why[0] != '\0');
	}
	memory_directory_empty();
	return 0;
}
