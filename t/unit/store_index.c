/* SPDX-License-Identifier: BSD-2-Clause */
/* The index of entries, which is written behind them: whatever is in it and what is not yet, every
 * entry is found. */
#include "base/hash.h"
#include "store/sqlite_db.h"
#include "store/sqlite_greylist.h"
#include "store/sqlite_recent.h"
#include "tap.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	NOW = 1000000000,
	BATCH = 500,
	PLACED_FROM = 176 * 1024, /* so many are waited for before they go into the index */
	MANY = 184 * 1024,        /* ... or out of it */
};

static char directory[] = "/tmp/sixgate-index-XXXXXX";
static char file_name[64];

/* In memory */

enum { MODEL_SIZE = 4000 };

struct model_entry {
	bool is_there;
	int32_t hash;
};

static struct model_entry model[MODEL_SIZE + 1]; /* by id */

static bool model_finds(const struct sqlite_recent *recent, int32_t hash, int64_t wanted)
{
	size_t from = 0;
	int64_t id;

	while (sqlite_recent_next(recent, hash, &from, &id))
		if (id == wanted)
			return true;
	return false;
}

static unsigned model_differences(const struct sqlite_recent *recent)
{
	unsigned differences = 0;

	for (int64_t id = 1; id <= MODEL_SIZE; id++)
		differences += model_finds(recent, model[id].hash, id) != model[id].is_there;
	return differences;
}

/* Hashes that crowd at both ends of the table, and of which many are equal. */
static int32_t crowded_hash(unsigned number)
{
	static const uint32_t homes[] = {0x7fffffff, 0x80000000, 0x7ffffff0, 0x12345678};
	return (int32_t)(homes[number % 4] + number / 4 % 3);
}

static void test_recent(int32_t (*hash_of)(unsigned number), const char *name)
{
	struct sqlite_recent *recent = sqlite_recent_new(0);
	size_t there = 0;

	memset(model, 0, sizeof(model));
	for (int64_t id = 1; id <= MODEL_SIZE; id++) {
		model[id] = (struct model_entry){true, hash_of((unsigned)id)};
		sqlite_recent_add(recent, model[id].hash, id);
		there++;
		if (id % 3 != 0)
			continue;
		int64_t gone = id / 3 * 2;
		there -= model[gone].is_there;
		if (sqlite_recent_remove(recent, model[gone].hash, gone) != model[gone].is_there)
			tap_ok(false, "%s: entry %lld is removed once", name, (long long)gone);
		model[gone].is_there = false;
	}
	tap_is_number(model_differences(recent), 0, "%s: what is there is found, and no more",
		      name);
	tap_is_number((long long)sqlite_recent_count(recent), (long long)there,
		      "%s: ... and counted", name);

	/* Take out what came first, some at a time, and remove others meanwhile. */
	int64_t half = MODEL_SIZE / 2, from_rank = 0, rank = -1;
	while (from_rank < SQLITE_RECENT_RANKS) {
		struct sqlite_recent_list list = {0};
		sqlite_recent_collect(recent, half, 10, SQLITE_RECENT_RANKS, &from_rank, &list);
		for (size_t i = 0; i < list.count; i++) {
			int64_t id = list.entries[i].id, gone = MODEL_SIZE + 1 - id;
			int32_t hash = list.entries[i].hash;
			if (!model[id].is_there || model[id].hash != hash ||
			    sqlite_recent_rank(hash) >= from_rank ||
			    !sqlite_recent_remove(recent, hash, id))
				tap_ok(false, "%s: entry %lld is taken once", name, (long long)id);
			model[id].is_there = false;
			if (model[gone].is_there)
				sqlite_recent_remove(recent, model[gone].hash, gone);
			model[gone].is_there = false;
		}
		if (from_rank <= rank)
			tap_ok(false, "%s: it goes on", name);
		rank = from_rank;
		sqlite_recent_list_clear(&list);
	}
	unsigned left = 0;
	for (int64_t i = 1; i <= half; i++)
		left += model[i].is_there;
	tap_is_number(left, 0, "%s: all up to an id are taken out", name);
	tap_is_number(model_differences(recent), 0, "%s: and all others stay", name);
	sqlite_recent_set_base(recent, half);
	tap_is_number(model_differences(recent), 0, "%s: ... counted from elsewhere too", name);
	sqlite_recent_free(&recent);
}

static int32_t spread_hash(unsigned number)
{
	return (int32_t)(number * 2654435761U);
}

/* In the database */

static struct sqlite_db *open_db(void)
{
	const struct store_options options = {.sync_full = false, .max_entries = 10000000};
	char why[STORE_WHY_SIZE];
	struct sqlite_db *db;

	if (sqlite_db_open(file_name, &options, &db, why) != SQLITE_DB_OK) {
		tap_ok(false, "the database opens: %s", why);
		exit(EXIT_FAILURE);
	}
	return db;
}

static int64_t number_of(const char *sql)
{
	sqlite3 *handle;
	sqlite3_stmt *statement;
	int64_t number = -1;

	sqlite3_open(file_name, &handle);
	if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	return number;
}

static struct store_question question_of(unsigned number, enum store_mode mode)
{
	struct store_question question = {
		.who = {.list = {{"192.0.2.0/24", ""}}, .count = 1},
		.limits = {300, 172800, 3024000, 0},
		.store_new = true,
		.mode = mode,
		.now_s = NOW,
	};

	snprintf(question.sender, sizeof(question.sender), "%u@there.example", number);
	snprintf(question.recipient, sizeof(question.recipient), "u@here.example");
	return question;
}

static enum greylist_outcome ask(struct sqlite_db *db, unsigned number, enum store_mode mode)
{
	struct store_question question = question_of(number, mode);
	struct store_answer answer;

	if (sqlite_greylist_ask(db, &question, &answer) != SQLITE_DB_OK)
		tap_ok(false, "%u is answered: %s", number, sqlite_db_why(db));
	return answer.decision.outcome;
}

/* Bring the entries from to before to, and undo some transactions first. */
static void fill(struct sqlite_db *db, unsigned from, unsigned to)
{
	for (unsigned begin = from; begin < to; begin += BATCH) {
		bool undoes = begin % (20 * BATCH) == 0;
		for (int tries = undoes ? 2 : 1; tries > 0; tries--) {
			if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
				tap_ok(false, "begin: %s", sqlite_db_why(db));
			for (unsigned i = begin; i < begin + BATCH && i < to; i++)
				ask(db, i, STORE_KEEP);
			if (tries == 2)
				sqlite_db_rollback(db);
			else if (sqlite_db_commit(db) != SQLITE_DB_OK)
				tap_ok(false, "commit: %s", sqlite_db_why(db));
		}
	}
}

/* How many of the entries before to are not found; step: only each so manieth is looked for. */
static unsigned missing(struct sqlite_db *db, unsigned to, unsigned step)
{
	unsigned count = 0;

	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	for (unsigned i = 0; i < to; i += step)
		count += ask(db, i, STORE_SHOW) != GREYLIST_EARLY;
	sqlite_db_rollback(db);
	return count;
}

static void test_database(void)
{
	unsigned part = PLACED_FROM + PLACED_FROM / 4, all = 2 * PLACED_FROM + PLACED_FROM / 4;
	struct sqlite_db *db = open_db();

	fill(db, 0, 1000);
	tap_is_number(number_of("SELECT count(*) FROM place"), 0,
		      "a few entries are not in the index");
	tap_is_number(missing(db, 1000, 1), 0, "and are found");
	fill(db, 1000, part);
	int64_t placed = number_of("SELECT count(*) FROM place");
	tap_ok(placed > 0 && placed < PLACED_FROM,
	       "of many, some are in the index, and some are not");
	tap_is_number(missing(db, part, 7), 0, "and all are found");
	sqlite_db_close(&db);

	db = open_db();
	tap_is_number(missing(db, part, 7), 0, "after a start in the middle of it as well");
	fill(db, part, all);
	tap_ok(number_of("SELECT value FROM meta WHERE name = 'placed'") >= PLACED_FROM,
	       "they go on into the index");
	tap_is_number(
		number_of("SELECT count(*) FROM entry WHERE id <=(SELECT value FROM meta WHERE"
			  " name = 'placed') AND NOT EXISTS (SELECT 1 FROM place WHERE"
			  " place.hash = entry.hash AND place.id = entry.id)"),
		0, "all that is said to be in the index is there");
	tap_is_number(missing(db, all, 7), 0, "and all are found");
	tap_is_number(number_of("SELECT count(*) - count(DISTINCT sender) FROM entry"), 0,
		      "none is there twice");
	sqlite_db_close(&db);
}

static void exec(const char *sql)
{
	sqlite3 *handle;

	sqlite3_open(file_name, &handle);
	sqlite3_exec(handle, sql, NULL, NULL, NULL);
	sqlite3_close(handle);
}

/* Remove the count oldest entries, and undo some transactions first. */
static void empty(struct sqlite_db *db, int count)
{
	int removed;

	for (int gone = 0; gone < count; gone += BATCH) {
		bool undoes = gone % (10 * BATCH) == 0;
		for (int tries = undoes ? 2 : 1; tries > 0; tries--) {
			if (sqlite_db_begin(db, false) != SQLITE_DB_OK ||
			    sqlite_greylist_expire(db, NOW + 200000, BATCH, &removed) !=
				    SQLITE_DB_OK)
				tap_ok(false, "expire: %s", sqlite_db_why(db));
			if (tries == 2)
				sqlite_db_rollback(db);
			else if (sqlite_db_commit(db) != SQLITE_DB_OK)
				tap_ok(false, "commit: %s", sqlite_db_why(db));
		}
	}
}

/* Rows of the index whose entries are gone; all entries are in it. */
static int64_t left_behind(void)
{
	return number_of("SELECT (SELECT count(*) FROM place) - (SELECT count(*) FROM entry)");
}

/* Such rows of which nobody knows. */
static int64_t lost(void)
{
	return number_of("SELECT count(*) FROM (SELECT hash, id FROM place"
			 " EXCEPT SELECT hash, id FROM entry EXCEPT SELECT hash, id FROM removed)");
}

/* Many entries, all of them in the index, and expired at NOW + 200000; and how far a go has come
 * is nothing that we would write. */
static void fill_at_once(unsigned count)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
		 "BEGIN;"
		 "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
		 " INSERT INTO entry SELECT i, (i * 2654435761 & 4294967295) - 2147483648,"
		 " '192.0.2.0/24', i || '@there.example', '', 0, 0, 0, %d FROM n;"
		 "INSERT INTO place SELECT hash, id FROM entry ORDER BY hash;"
		 "UPDATE meta SET value = %u WHERE name IN ('entries', 'waiting', 'placed');"
		 "UPDATE meta SET value = -7 WHERE name IN ('removing_to', 'removing_from');"
		 "COMMIT",
		 count, NOW + 100000, count);
	exec(sql);
}

/* Entries expire, ever more of them, down to the last but some. */
static void test_removal(int restarts_each, const char *name)
{
	enum { ALL = 5 * MANY / 2, STEP = MANY / 8 };
	struct sqlite_db *db;
	int64_t most = 0, before = 0;
	bool was_less = false;
	int steps = 0;

	unlink(file_name);
	db = open_db();
	sqlite_db_close(&db);
	fill_at_once(ALL);
	db = open_db();
	empty(db, 1000);
	tap_is_number(number_of("SELECT count(*) FROM entry"), ALL - 1000,
		      "%s: entries that are of no use any more go", name);
	tap_is_number(left_behind(), 1000, "%s: a few leave a row in the index each", name);
	for (int gone = 1000; gone + STEP < ALL; gone += STEP, steps++) {
		empty(db, STEP);
		int64_t behind = left_behind();
		was_less = was_less || behind < before;
		most = behind > most ? behind : most;
		before = behind;
		if (restarts_each != 0 && steps % restarts_each == 0) {
			sqlite_db_close(&db);
			db = open_db();
		}
	}
	tap_ok(was_less && most < MANY + MANY / 2,
	       "%s: of many, they leave the index: at most %lld wait", name, (long long)most);
	tap_ok(number_of("SELECT count(*) FROM removed") < MANY + MANY / 2,
	       "%s: ... and are no more noted", name);
	tap_is_number(lost(), 0, "%s: what is left behind is noted", name);
	tap_is_number(number_of("SELECT count(*) FROM entry WHERE NOT EXISTS"
				" (SELECT 1 FROM place WHERE place.hash = entry.hash"
				" AND place.id = entry.id)"),
		      0, "%s: ... and nothing else does", name);
	exec("DELETE FROM entry WHERE id % 2 = 0");
	tap_is_number(lost(), 0, "%s: what somebody else removes is noted", name);
	sqlite_db_close(&db);
}

/* What was added last is removed, and another process goes on: it uses no id again, or the first
 * one would not look there. */
static void test_ids_of_removed_entries(void)
{
	struct sqlite_db *db, *other;
	unsigned found = 0;

	unlink(file_name);
	db = open_db();
	fill(db, 0, 10);
	exec("DELETE FROM entry WHERE id > 5");
	other = open_db();
	fill(other, 100, 105);
	sqlite_db_close(&other);
	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	for (unsigned i = 100; i < 105; i++)
		found += ask(db, i, STORE_SHOW) == GREYLIST_EARLY;
	sqlite_db_rollback(db);
	tap_is_number(found, 5, "entries in the place of removed ones are found");
	sqlite_db_close(&db);
}

/* Restarts come more often than the index is brought up to date. */
static void test_restarts(void)
{
	enum { PART = 30000, STARTS = 12 };
	struct sqlite_db *db;

	unlink(file_name);
	for (unsigned i = 0; i < STARTS; i++) {
		db = open_db();
		fill(db, i * PART, (i + 1) * PART);
		sqlite_db_close(&db);
	}
	tap_ok(number_of("SELECT value FROM meta WHERE name = 'placed'") > PLACED_FROM,
	       "the index is brought up to date however often it is begun");
	db = open_db();
	tap_is_number(missing(db, STARTS * PART, 11), 0, "and all entries are found");
	sqlite_db_close(&db);
	tap_is_number(
		number_of("SELECT count(*) FROM place WHERE id NOT IN (SELECT id FROM entry)"), 0,
		"... and nothing else is");
}

/* What only sqlite3(1) can do to it is met as damage. */
static void test_damage(const char *sql, const char *name)
{
	struct store_question question = {.who = {.list = {{"192.0.2.0/24", ""}}, .count = 1},
					  .sender = "a@there.example",
					  .recipient = "u@here.example",
					  .now_s = NOW};
	struct store_answer answer;
	struct sqlite_db *db;

	exec(sql);
	db = open_db();
	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	tap_is_number(sqlite_greylist_ask(db, &question, &answer), SQLITE_DB_DAMAGED, "%s: %s",
		      name, sqlite_db_why(db));
	sqlite_db_rollback(db);
	sqlite_db_close(&db);
}

/* Few entries at a time, and many in the course of years: ids run away from the index. */
static void test_far_ids(void)
{
	struct sqlite_db *db;

	unlink(file_name);
	db = open_db();
	fill(db, 0, 1000);
	sqlite_db_close(&db);
	exec("UPDATE entry SET id = id + 4294960000");
	db = open_db();
	fill(db, 1000, 1500);
	fill(db, 1500, 12000);
	tap_is_number(missing(db, 12000, 1), 0,
		      "entries whose ids are far from the index are found");
	sqlite_db_close(&db);
	tap_ok(number_of("SELECT value FROM meta WHERE name = 'placed'") > 4294960000,
	       "and the index follows");
}

/* What another process does to the database is seen. */
static void test_another_process(void)
{
	struct sqlite_db *db = open_db();
	struct sqlite_db *other = open_db();
	unsigned number = 5000000;

	fill(other, number, number + 1);
	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	tap_is_number(ask(db, number, STORE_KEEP), GREYLIST_EARLY,
		      "what another process adds is found");
	tap_is_number(ask(db, number + 1, STORE_KEEP), GREYLIST_NEW, "and more can be added");
	tap_is_number(sqlite_db_commit(db), SQLITE_DB_OK, "... and kept");
	fill(other, number + 2, number + 3);
	sqlite_db_close(&other);
	sqlite_db_close(&db);
	db = open_db();
	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	for (unsigned i = 0; i < 3; i++)
		tap_is_number(ask(db, number + i, STORE_SHOW), GREYLIST_EARLY,
			      "entry %u of two processes is found", i);
	sqlite_db_rollback(db);
	sqlite_db_close(&db);
}

/* Look only; whether there is something to keep. */
static bool is_to_keep(struct sqlite_db *db, unsigned number, enum store_mode mode, int64_t after_s)
{
	struct store_question question = question_of(number, mode);
	struct store_answer answer;
	bool keep = false;

	question.now_s += after_s;
	if (sqlite_greylist_look(db, &question, &answer, &keep) != SQLITE_DB_OK)
		tap_ok(false, "%u is looked for: %s", number, sqlite_db_why(db));
	return keep;
}

static void test_look(void)
{
	struct sqlite_db *db = open_db();
	unsigned number = 6000000;

	if (sqlite_db_begin(db, false) != SQLITE_DB_OK)
		tap_ok(false, "begin: %s", sqlite_db_why(db));
	tap_ok(is_to_keep(db, number, STORE_KEEP, 0), "what is new is to be kept");
	tap_ok(!is_to_keep(db, number, STORE_LOOK, 0), "... but not for who asks again");
	tap_is_number(ask(db, number, STORE_SHOW), GREYLIST_NEW, "... and looking keeps nothing");
	ask(db, number, STORE_KEEP);
	tap_ok(!is_to_keep(db, number, STORE_KEEP, 10), "an early retry needs nothing kept");
	tap_ok(is_to_keep(db, number, STORE_KEEP, 400), "a pass is to be kept");
	tap_is_number(sqlite_db_counts(db)->waiting, sqlite_db_counts(db)->entries,
		      "... and looking has not kept it");
	sqlite_db_rollback(db);
	sqlite_db_close(&db);
}

int main(void)
{
	char command[128];

	hash_init();
	if (mkdtemp(directory) == NULL)
		return EXIT_FAILURE;
	snprintf(file_name, sizeof(file_name), "%s/x.db", directory);
	test_recent(spread_hash, "spread");
	test_recent(crowded_hash, "crowded");
	test_database();
	test_removal(0, "one run");
	test_removal(1, "many restarts");
	test_another_process();
	test_far_ids();
	test_restarts();
	test_ids_of_removed_entries();
	test_look();
	test_damage("INSERT INTO entry VALUES (9000000000000000000, 1, '', '', '', 0, 0, 0, 0)",
		    "an id that is far away");
	test_damage("DELETE FROM entry WHERE id = 9000000000000000000;"
		    "UPDATE meta SET value = -1 WHERE name = 'placed'",
		    "an index that goes to no id");
	test_damage("DELETE FROM meta WHERE name = 'placed'", "an index that goes nowhere");
	snprintf(command, sizeof(command), "rm -r %s", directory);
	if (system(command) != 0)
		return EXIT_FAILURE;
	return tap_done();
}
