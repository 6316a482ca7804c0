/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database file with damage in it: a bad disk, a cut, another program.
 *
 * The input changes a sound database, of pages of 512 bytes and some rows: "OFFSET LENGTH BYTES"
 * behind each other, an offset of two bytes (the first is the upper one) and a length of one; an
 * offset of 0xffff puts the bytes into its write-ahead log instead, and a length of 0 cuts the file
 * there.  It is opened, asked all there is to ask, and what is found damaged makes room for a new
 * one, which has to be sound.
 */
#include "store/sqlite_db.h"

#include "base/memory.h"
#include "rig/input.h"
#include "rig/memory_directory.h"
#include "rig/store_script.h"
#include "store/sqlite_file.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_SIZE = 128, FILE_MAX = 65536, LOG_OFFSET = 0xffff };

static const char script[] = "ask+\t192.0.2.0/24\ta@b.example\tc@d.example\t1000000\n"
			     "ask+\t192.0.2.0/24\ta@b.example\tc@d.example\t1000400\n"
			     "ask+\t2001:db8::/64\tnew@b.example\tc@d.example\t1000400\n"
			     "ask?\t192.0.2.0/24\ta@b.example\tc@d.example\t1000400\n"
			     "list\t\t\t\n"
			     "clients\t\n"
			     "census\t1\n"
			     "networks\n"
			     "totals\n"
			     "allow\t198.51.100.0/24\n"
			     "expire\t2000000\n"
			     "forget\t192.0.2.0/24\t\t\n"
			     "disown\t*\n"
			     "expire\t9000000000\n";

/* What every input changes: made once. */
static struct {
	char bytes[FILE_MAX];
	size_t length;
} sound;

static void file_run(sqlite3 *handle, const char *sql)
{
	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		abort();
}

static void file_make_sound(const char *path, const struct store_options *options)
{
	char why[STORE_WHY_SIZE];
	struct sqlite_db *db;
	sqlite3 *handle;

	if (sqlite_db_open(path, options, &db, why) != SQLITE_DB_OK)
		abort();
	sqlite_db_close(&db);
	if (sqlite3_open(path, &handle) != SQLITE_OK)
		abort();
	file_run(handle, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512;"
			 "UPDATE meta SET value = x'000102030405060708090a0b0c0d0e0f'"
			 " WHERE name = 'hash_key';"
			 "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
			 " WHERE i < 20)"
			 " INSERT INTO entry SELECT i, i * 7919, '192.0.2.0/24',"
			 " 'sender' || i || '@example.org', 'bob@example.net', 1000000, 1000000,"
			 " i % 2, 1500000 + i FROM n;"
			 "INSERT INTO client SELECT '10.0.' || id || '.0/24', 1, 2, id, 1500000"
			 " FROM entry;"
			 "INSERT INTO farm_networks VALUES ('example.org', '192.0.2.0/24', 1, 2),"
			 " ('example.net', '2001:db8::/32', 1, 2);"
			 "INSERT INTO total VALUES ('a', 1.5), ('b', 2);"
			 "UPDATE meta SET value = 20 WHERE name IN ('entries', 'clients');"
			 "UPDATE meta SET value = 10 WHERE name = 'waiting';"
			 "VACUUM; PRAGMA journal_mode = WAL");
	sqlite3_close(handle);
	FILE *file = fopen(path, "r");
	sound.length = fread(sound.bytes, 1, sizeof(sound.bytes), file);
	fclose(file);
	assert(sound.length > 0 && sound.length < sizeof(sound.bytes));
	memory_directory_empty();
}

static void file_write(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		abort();
}

static void file_write_damaged(const char *path, struct span changes)
{
	char bytes[FILE_MAX], log[FILE_MAX], log_path[PATH_SIZE + 4];
	size_t length = sound.length, log_length = 0;

	memcpy(bytes, sound.bytes, length);
	while (changes.length > 3) {
		size_t offset = input_byte(&changes) << 8;
		offset |= input_byte(&changes);
		size_t size = input_byte(&changes);
		if (size > changes.length)
			size = changes.length;
		if (offset == LOG_OFFSET && log_length + size <= sizeof(log)) {
			memcpy(log + log_length, changes.text, size);
			log_length += size;
		} else if (size == 0 && offset < length) {
			length = offset;
		} else if (offset + size <= length) {
			memcpy(bytes + offset, changes.text, size);
		}
		changes = span_from(changes, size);
	}
	file_write(path, bytes, length);
	if (log_length == 0)
		return;
	snprintf(log_path, sizeof(log_path), "%s-wal", path);
	file_write(log_path, log, log_length);
}

/* As the worker does. */
static void file_begin_anew(const char *path, const struct store_options *options)
{
	char moved_to[PATH_SIZE + 64], why[STORE_WHY_SIZE];
	struct sqlite_db *db;

	if (!sqlite_file_move_aside(path, moved_to, sizeof(moved_to)) ||
	    sqlite_db_open(path, options, &db, why) != SQLITE_DB_OK)
		abort();
	assert(store_script_run(db, span_of(script)) == SQLITE_DB_OK);
	sqlite_db_close(&db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct store_options options = {.sync_full = false, .max_entries = 15};
	char path[PATH_SIZE], why[STORE_WHY_SIZE];
	struct sqlite_db *db;

	snprintf(path, sizeof(path), "%s/db", memory_directory());
	if (sound.length == 0)
		file_make_sound(path, &options);
	file_write_damaged(path, input_of(data, size));
	enum sqlite_db_status status = sqlite_db_open(path, &options, &db, why);
	assert(status != SQLITE_DB_BUSY);
	if (status == SQLITE_DB_OK) {
		status = store_script_run(db, span_of(script));
		sqlite_db_close(&db);
	}
	if (status == SQLITE_DB_DAMAGED)
		file_begin_anew(path, &options);
	memory_directory_empty();
	return 0;
}
