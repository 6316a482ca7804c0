/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's contract: one answer for each question, from the loop; none after a cancel. */
#include "store/store.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "store/sqlite_schema.h"
#include "tap.h"

#include <dirent.h>
#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1000000000 };

static struct event_base *base;
static char directory[] = "/tmp/sixgate-store-XXXXXX";
static char store_name[80], file_name[64];

/* One question on its way. */
struct asked {
	struct store_request *request;
	int answers;
	struct store_answer answer;
	struct asked *cancels; /* this one, when it is answered itself */
};

static struct store *open_store(int64_t max_entries, char why[static STORE_WHY_SIZE])
{
	struct store_options options = {.sync_full = false, .max_entries = max_entries};
	return store_open(store_name, &options, base, why);
}

static struct store_question question_for(const char *sender, int64_t now_s)
{
	struct store_question question = {
		.who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"}}, .count = 1},
		.limits = {300, 172800, 3024000, 0},
		.store_new = true,
		.now_s = now_s,
	};
	snprintf(question.sender, sizeof(question.sender), "%s", sender);
	snprintf(question.recipient, sizeof(question.recipient), "u@here.example");
	return question;
}

static void on_answer(const struct store_answer *answer, void *arg)
{
	struct asked *asked = arg;
	asked->request = NULL;
	asked->answers++;
	asked->answer = *answer;
	if (asked->cancels != NULL)
		store_cancel(&asked->cancels->request);
}

static void ask(struct store *store, struct asked *asked, const char *sender, int64_t now_s)
{
	struct store_question question = question_for(sender, now_s);
	asked->request = store_start(store, &question, on_answer, asked);
}

/* Turn the loop until asked has its answer. */
static void await(struct asked *asked)
{
	while (asked->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static struct greylist_decision ask_and_wait(struct store *store, const char *sender, int64_t now_s)
{
	struct asked asked = {0};
	ask(store, &asked, sender, now_s);
	await(&asked);
	if (asked.answer.status != STORE_ANSWERED)
		asked.answer.decision.outcome = (enum greylist_outcome) - 1;
	return asked.answer.decision;
}

/* The same in another mode than STORE_KEEP. */
static struct store_answer ask_in_mode(struct store *store, enum store_mode mode,
				       const char *sender, int64_t now_s)
{
	struct store_question question = question_for(sender, now_s);
	struct asked asked = {0};
	question.mode = mode;
	asked.request = store_start(store, &question, on_answer, &asked);
	await(&asked);
	return asked.answer;
}

static enum greylist_outcome look(struct store *store, const char *sender, int64_t now_s)
{
	return ask_in_mode(store, STORE_LOOK, sender, now_s).decision.outcome;
}

static int64_t database_number(const char *sql)
{
	sqlite3 *handle;
	sqlite3_stmt *statement;
	int64_t number = -1;
	sqlite3_open(file_name, &handle);
	sqlite3_busy_timeout(handle, 30000); /* the store may be writing */
	if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	return number;
}

static void test_answers(void)
{
	char why[STORE_WHY_SIZE] = "";
	struct store *store = open_store(1000, why);
	struct asked asked = {0};

	tap_ok(store != NULL, "a store is made where there is none %s", why);
	ask(store, &asked, "a@example.org", NOW);
	tap_ok(asked.answers == 0 && asked.request != NULL, "no answer comes within the call");
	await(&asked);
	tap_ok(asked.answers == 1 && asked.answer.decision.outcome == GREYLIST_NEW, "new is new");
	tap_is_number(database_number("SELECT count(*) FROM entry"), 1,
		      "and stands in the database when the answer is given");
	tap_is_number(ask_and_wait(store, "a@example.org", NOW + 60).outcome, GREYLIST_EARLY,
		      "a minute later it is early");
	store_free(&store);

	store = open_store(1000, why);
	struct greylist_decision decision = ask_and_wait(store, "a@example.org", NOW + 360);
	tap_ok(decision.outcome == GREYLIST_PASS && decision.delay_s == 360,
	       "after a restart the first time still stands");
	store_free(&store);
}

static void test_look(void)
{
	char why[STORE_WHY_SIZE];
	struct store *store = open_store(1000, why);

	tap_is_number(look(store, "look@example.org", NOW), GREYLIST_NEW, "a look finds it new");
	tap_is_number(database_number("SELECT count(*) FROM entry WHERE sender LIKE 'look%'"), 0,
		      "and keeps nothing");
	ask_and_wait(store, "look@example.org", NOW);
	tap_is_number(look(store, "look@example.org", NOW + 60), GREYLIST_EARLY,
		      "a look finds it early");
	tap_is_number(look(store, "look@example.org", NOW + 172801), GREYLIST_NEW,
		      "or new, when it came back too late");
	tap_is_number(
		database_number("SELECT first_seen FROM entry WHERE sender = 'look@example.org'"),
		NOW, "and the first time stands");
	tap_is_number(look(store, "look@example.org", NOW + 360), GREYLIST_PASS,
		      "a look finds that it passes");
	tap_is_number(database_number("SELECT passes FROM entry WHERE sender = 'look@example.org'"),
		      1, "and that is kept");
	store_free(&store);
}

static void test_show(void)
{
	char why[STORE_WHY_SIZE];
	struct store *store = open_store(1000, why);
	struct store_answer answer;

	answer = ask_in_mode(store, STORE_SHOW, "show@example.org", NOW);
	tap_ok(answer.decision.outcome == GREYLIST_NEW && !answer.findings[0].has_entry,
	       "what is only shown is new");
	tap_is_number(database_number("SELECT count(*) FROM entry WHERE sender LIKE 'show%'"), 0,
		      "and is not kept");
	ask_and_wait(store, "show@example.org", NOW);
	answer = ask_in_mode(store, STORE_SHOW, "show@example.org", NOW + 360);
	tap_ok(answer.decision.outcome == GREYLIST_PASS && answer.findings[0].has_entry &&
		       answer.findings[0].entry.first_seen_s == NOW,
	       "that it would pass is told, and the entry that says so");
	tap_is_number(database_number("SELECT passes FROM entry WHERE sender = 'show@example.org'"),
		      0, "and that is not kept either");
	store_free(&store);
}

static void test_cancel(void)
{
	char why[STORE_WHY_SIZE];
	struct store *store = open_store(1000, why);
	struct asked first = {0}, second = {0}, third = {0};

	ask(store, &first, "b@example.org", NOW);
	store_cancel(&first.request);
	tap_ok(first.request == NULL, "cancel clears the handle");
	store_cancel(&first.request);
	ask(store, &second, "c@example.org", NOW);
	ask(store, &third, "d@example.org", NOW);
	second.cancels = &third;
	await(&second);
	/* What follows is answered behind all of them. */
	ask_and_wait(store, "e@example.org", NOW);
	tap_is_number(first.answers, 0, "a cancelled question is not answered");
	tap_is_number(second.answers, 1, "the other one is, once");
	tap_is_number(third.answers, 0,
		      "one that is cancelled from an answer is not answered either");

	ask(store, &first, "f@example.org", NOW);
	store_cancel(&first.request);
	store_free(&store);
	tap_ok(store == NULL && first.answers == 0,
	       "closing with a cancelled question out is fine");
	tap_is_number(database_number("SELECT count(*) FROM entry WHERE sender = 'f@example.org'"),
		      1, "what was asked before closing is kept");
}

static void test_overload(void)
{
	enum { COUNT = 20010 };
	char why[STORE_WHY_SIZE];
	struct store *store = open_store(1000000, why);
	struct asked *asked = calloc(COUNT, sizeof(*asked));
	char sender[64];
	int failed = 0, answered = 0;

	for (int i = 0; i < COUNT; i++) {
		snprintf(sender, sizeof(sender), "over%d@example.org", i);
		ask(store, &asked[i], sender, NOW);
	}
	for (int i = 0; i < COUNT; i++) {
		await(&asked[i]);
		failed += asked[i].answer.status == STORE_FAILED;
		answered += asked[i].answers;
	}
	tap_is_number(answered, COUNT, "every one of many questions at once is answered once");
	tap_is_number(failed, COUNT - 20000, "those beyond the bound fail");
	free(asked);
	store_free(&store);
}

static void test_max_entries(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(100, why);
	char sender[64];

	for (int i = 0; i < 150; i++) {
		snprintf(sender, sizeof(sender), "max%c%c@example.org", 'a' + i / 26, 'a' + i % 26);
		ask_and_wait(store, sender, NOW + i);
	}
	tap_is_number(database_number("SELECT count(*) FROM entry"), 100, "max_entries holds");
	tap_is_number(ask_and_wait(store, "maxft@example.org", NOW + 200).outcome, GREYLIST_EARLY,
		      "the youngest is there");
	tap_is_number(ask_and_wait(store, "maxaa@example.org", NOW + 200).outcome, GREYLIST_NEW,
		      "the oldest made room");
	store_free(&store);
	tap_is_number(database_number("SELECT value FROM meta WHERE name = 'entries'"), 100,
		      "the count is kept");
}

/* The mail is known under its second identity, and new under the first one, for which that row has
 * to make room. */
static void test_no_room_for_two(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(1, why);
	struct store_question question = question_for("two@example.org", NOW + 400);
	struct asked asked = {0};

	ask_and_wait(store, "two@example.org", NOW);
	question.who.list[1] = question.who.list[0];
	snprintf(question.who.list[0].key, sizeof(question.who.list[0].key), "198.51.100.0/24");
	question.who.count = 2;
	asked.request = store_start(store, &question, on_answer, &asked);
	await(&asked);
	tap_is_number(asked.answer.decision.outcome, GREYLIST_PASS, "mail that waited passes");
	tap_is_number(ask_and_wait(store, "two@example.org", NOW + 401).outcome, GREYLIST_PASS,
		      "... and is known, though one of its entries made room for the other");
	store_free(&store);
	tap_is_number(database_number("SELECT count(*) = 1 AND sum(passes = 0) = (SELECT value FROM"
				      " meta WHERE name = 'waiting') FROM entry"),
		      1, "... and what waits is counted as it is");
}

static void test_smaller_max_entries(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(100000, why);
	char sender[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(sender, sizeof(sender), "x%cx%cx@example.org", 'a' + i / 26 % 26,
			 'a' + i % 26);
		ask_and_wait(store, i < 676 ? sender : strcat(sender, ".x"), NOW + i);
	}
	store_free(&store);
	store = open_store(100, why);
	ask_and_wait(store, "last@example.org", NOW);
	tap_ok(database_number("SELECT count(*) FROM entry") > 500,
	       "a smaller max_entries is come to in steps: no answer waits for it");
	int64_t end_ms = clock_mono_ms() + 60000;
	while (database_number("SELECT count(*) FROM entry") > 100 && clock_mono_ms() < end_ms)
		ask_and_wait(store, "last@example.org", NOW);
	tap_is_number(database_number("SELECT count(*) FROM entry"), 100, "but it is come to");
	store_free(&store);
}

static void test_expiry(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(1000000, why);
	char sender[64];

	for (int i = 0; i < 500; i++) {
		snprintf(sender, sizeof(sender), "exp%c%c@example.org", 'a' + i / 26, 'a' + i % 26);
		ask_and_wait(store, sender, NOW - 200000);
	}
	/* The clean-up goes by the clock, a step at a time, between questions. */
	int64_t end_ms = clock_mono_ms() + 60000;
	while (database_number("SELECT count(*) FROM entry WHERE first_seen < 999900000") > 0 &&
	       clock_mono_ms() < end_ms)
		ask_and_wait(store, "live@example.org", NOW);
	tap_is_number(database_number("SELECT count(*) FROM entry"), 1,
		      "what has expired is removed, what has not stays");
	store_free(&store);
	tap_is_number(database_number("SELECT value FROM meta WHERE name = 'entries'"), 1,
		      "and the count follows");
}

/* How many files are in the directory whose name has part in it. */
static int count_files(const char *part)
{
	int count = 0;
	DIR *list = opendir(directory);
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		count += strstr(entry->d_name, part) != NULL;
	closedir(list);
	return count;
}

static void test_damage(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	FILE *file = fopen(file_name, "w");
	for (int i = 0; i < 100000; i++)
		fputc(i % 256, file);
	fclose(file);
	struct store *store = open_store(1000, why);
	tap_ok(store != NULL, "a file that is no database makes room for a new one");
	tap_is_number(count_files(".damaged-"), 1, "and is kept under a dated name");
	tap_is_number(ask_and_wait(store, "a@example.org", NOW).outcome, GREYLIST_NEW,
		      "mail goes on");
	store_free(&store);
}

static void test_foreign(void)
{
	char why[STORE_WHY_SIZE] = "";
	sqlite3 *handle;

	FILE *file = fopen(file_name, "w");
	fputs("greylist = dry\n", file);
	fclose(file);
	tap_ok(open_store(1000, why) == NULL && strstr(why, "is a text file") != NULL,
	       "a text file is left alone: %s", why);

	unlink(file_name);
	sqlite3_open(file_name, &handle);
	sqlite3_exec(handle, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)", NULL, NULL,
		     NULL);
	sqlite3_close(handle);
	struct store *store = open_store(1000, why);
	tap_ok(store == NULL && strstr(why, "is a database of some other program") != NULL,
	       "another program's database is left alone: %s", why);
	tap_is_number(database_number("SELECT x FROM theirs"), 1, "as it was");

	unlink(file_name);
	store = open_store(1000, why);
	store_free(&store);
	sqlite3_open(file_name, &handle);
	sqlite3_exec(handle, "PRAGMA user_version = 99", NULL, NULL, NULL);
	sqlite3_close(handle);
	store = open_store(1000, why);
	tap_ok(store == NULL && strstr(why, "schema version 99") != NULL,
	       "the database of a later version too: %s", why);
	unlink(file_name);

	struct store_options options = {.max_entries = 100};
	tap_ok(store_open("redis:x", &options, base, why) == NULL, "an unknown kind is refused: %s",
	       why);
	tap_ok(store_open("sqlite:/nonexistent/x.db", &options, base, why) == NULL,
	       "so is a missing directory: %s", why);
}

/* One request about the farms' networks. */
struct networks_asked {
	struct store_request *request;
	int answers;
	enum store_status status;
	size_t count;   /* of rows */
	char text[256]; /* the rows */
};

static void on_networks(const struct store_networks_answer *answer, void *arg)
{
	struct networks_asked *asked = arg;
	asked->request = NULL;
	asked->answers++;
	asked->status = answer->status;
	asked->count = answer->count;
	asked->text[0] = '\0';
	for (size_t i = 0; i < answer->count; i++) {
		size_t length = strlen(asked->text);
		snprintf(asked->text + length, sizeof(asked->text) - length, "%s=%s@%lld-%lld;",
			 answer->rows[i].domain, answer->rows[i].networks,
			 (long long)answer->rows[i].resolved_s,
			 (long long)answer->rows[i].fresh_until_s);
	}
}

static void await_networks(struct networks_asked *asked)
{
	while (asked->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static void keep_networks(struct store *store, const char *domain, const char *text, int64_t now_s)
{
	struct store_networks networks = {domain, text, now_s, now_s + 60};
	struct networks_asked asked = {0};
	asked.request = store_start_networks_keep(store, &networks, on_networks, &asked);
	tap_is_number(asked.answers, 0, "keeping networks is not answered within the call");
	await_networks(&asked);
	tap_ok(asked.status == STORE_ANSWERED && asked.text[0] == '\0', "they are kept");
}

static void read_networks(struct store *store, const char *expected, const char *name)
{
	struct networks_asked asked = {0};
	asked.request = store_start_networks_read(store, on_networks, &asked);
	await_networks(&asked);
	tap_is(asked.text, expected, "%s", name);
}

static void test_networks(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(1000, why);
	struct networks_asked asked = {0}, cancelled = {0};

	read_networks(store, "", "no networks at first");
	keep_networks(store, "a.example", "192.0.2.0/24", 100);
	keep_networks(store, "b.example", "2001:db8::/32 198.51.100.1/32", 200);
	keep_networks(store, "a.example", "192.0.2.0/25", 300);
	store_free(&store);
	store = open_store(1000, why);
	read_networks(store,
		      "a.example=192.0.2.0/25@300-360;"
		      "b.example=2001:db8::/32 198.51.100.1/32@200-260;",
		      "the last ones of each domain come through a restart");

	asked.request = store_start_networks_forget(store, "a.example", on_networks, &asked);
	cancelled.request = store_start_networks_read(store, on_networks, &cancelled);
	store_cancel(&cancelled.request);
	await_networks(&asked);
	read_networks(store, "b.example=2001:db8::/32 198.51.100.1/32@200-260;",
		      "a domain is forgotten");
	tap_is_number(cancelled.answers, 0, "a cancelled reading is not answered");

	struct store_networks late = {"c.example", "192.0.2.7/32", 400, 460};
	cancelled.request = store_start_networks_keep(store, &late, on_networks, &cancelled);
	store_cancel(&cancelled.request);
	store_free(&store);
	tap_ok(cancelled.answers == 0 && database_number("SELECT resolved FROM farm_networks"
							 " WHERE domain = 'c.example'") == 400,
	       "what was to be kept before closing is kept, though nobody waits for it");
}

/* A table that a damaged file makes endless is not read whole into memory. */
static void test_networks_without_end(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(1000, why);
	struct networks_asked asked = {0};

	database_number("WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
			" WHERE i < 20000)"
			" INSERT INTO farm_networks SELECT i, '', 1, 2 FROM n RETURNING 1");
	asked.request = store_start_networks_read(store, on_networks, &asked);
	await_networks(&asked);
	tap_ok(asked.status == STORE_ANSWERED && asked.count == 10000,
	       "of networks without end, ten thousand are read");
	store_free(&store);
}

/* The store cannot be asked, until it can again. */
static void test_networks_failure(void)
{
	char why[STORE_WHY_SIZE];
	unlink(file_name);
	struct store *store = open_store(1000, why);
	struct networks_asked asked = {0};
	sqlite3 *handle;

	sqlite3_open(file_name, &handle);
	sqlite3_busy_timeout(handle, 60000);
	sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	struct store_networks networks = {"a.example", "192.0.2.0/24", 100, 160};
	asked.request = store_start_networks_keep(store, &networks, on_networks, &asked);
	await_networks(&asked);
	tap_is_number(asked.status, STORE_FAILED, "what cannot be written fails");
	read_networks(store, "", "and reading goes on");
	sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(handle);
	keep_networks(store, "a.example", "192.0.2.0/24", 100);
	read_networks(store, "a.example=192.0.2.0/24@100-160;", "later it is kept");
	store_free(&store);
}

/* The schema of version 0.1, as it was released. */
static const char version_1[] =
	"PRAGMA journal_mode = WAL; BEGIN;"
	"CREATE TABLE entry (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL,"
	" identity TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
	" first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, passes INTEGER NOT NULL,"
	" expires INTEGER NOT NULL);"
	"CREATE INDEX entry_hash ON entry (hash);"
	"CREATE INDEX entry_expires ON entry (expires);"
	"CREATE TABLE client (identity TEXT NOT NULL PRIMARY KEY, counted INTEGER NOT NULL,"
	" last_seen INTEGER NOT NULL, passes INTEGER NOT NULL, expires INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE INDEX client_expires ON client (expires);"
	"CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('hash_key', x'000102030405060708090a0b0c0d0e0f'),"
	" ('entries', 2);"
	"PRAGMA application_id = 1399421031; PRAGMA user_version = 1;"
	"INSERT INTO client VALUES ('192.0.2.0/24', 999999000, 999999000, 3, 2000000000);"
	"COMMIT;";

static void make_version_1(void)
{
	static const char *const senders[] = {"old@example.org", "older@example.org"};
	uint8_t key[HASH_KEY_SIZE];
	sqlite3 *handle;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	unlink(file_name);
	sqlite3_open(file_name, &handle);
	sqlite3_exec(handle, version_1, NULL, NULL, NULL);
	for (int i = 0; i < 2; i++) {
		char text[128], sql[512];
		snprintf(text, sizeof(text), "192.0.2.0/24\n%s\nu@here.example", senders[i]);
		snprintf(sql, sizeof(sql),
			 "INSERT INTO entry VALUES (NULL, %d, '192.0.2.0/24', '%s',"
			 " 'u@here.example', %d, %d, 1, 2000000000)",
			 (int32_t)hash_text_keyed(span_of(text), key), senders[i], NOW - 1000,
			 NOW - 1000);
		sqlite3_exec(handle, sql, NULL, NULL, NULL);
	}
	sqlite3_close(handle);
}

static void test_version_1(void)
{
	char why[STORE_WHY_SIZE] = "";

	make_version_1();
	tap_is_number(database_number("SELECT count(*) FROM entry"), 2,
		      "there is a database of version 1");
	struct store *store = open_store(1000, why);
	tap_ok(store != NULL, "which is opened %s", why);
	tap_is_number(database_number("PRAGMA user_version"), 5, "and is of version 5 then");
	tap_ok(database_number("SELECT value FROM meta WHERE name = 'waiting'") == 0 &&
		       database_number("SELECT value FROM meta WHERE name = 'clients'") == 1,
	       "what was not counted before is counted");
	struct greylist_decision decision = ask_and_wait(store, "old@example.org", NOW);
	tap_ok(decision.outcome == GREYLIST_PASS && decision.delay_s == 0,
	       "what passed then passes now");
	tap_is_number(ask_and_wait(store, "older@example.org", NOW).outcome, GREYLIST_PASS,
		      "and so does the other entry");
	tap_is_number(database_number("SELECT passes FROM client"), 3, "the client is there too");
	keep_networks(store, "a.example", "192.0.2.0/24", 100);
	store_free(&store);
	store = open_store(1000, why);
	read_networks(store, "a.example=192.0.2.0/24@100-160;", "and it is opened again as it is");
	tap_is_number(database_number("SELECT value FROM meta WHERE name = 'entries'"), 2,
		      "the count is right");
	store_free(&store);
}

/* A step up that fails leaves the file as it was. */
static void test_version_1_conflict(void)
{
	char why[STORE_WHY_SIZE] = "";
	sqlite3 *handle;

	make_version_1();
	sqlite3_open(file_name, &handle);
	sqlite3_exec(handle, "CREATE TABLE farm_networks (x)", NULL, NULL, NULL);
	sqlite3_close(handle);
	struct store *store = open_store(1000, why);
	tap_ok(store == NULL && strstr(why, "farm_networks already exists") != NULL,
	       "a step up that fails is told: %s", why);
	tap_ok(database_number("PRAGMA user_version") == 1 &&
		       database_number("SELECT count(*) FROM entry") == 2,
	       "and leaves the file as it was");
	unlink(file_name);
}

/* Another process that steps the file up, and ends when we have to wait for it. */
static int on_busy_commit(void *arg, int times)
{
	sqlite3 *other = arg;

	(void)times;
	return sqlite3_exec(other, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* The same, and it ends while we look what the file is. */
static int on_look_commit(void *arg, int action, const char *first, const char *second,
			  const char *database, const char *trigger)
{
	sqlite3 *other = arg;

	(void)second;
	(void)database;
	(void)trigger;
	if (action == SQLITE_PRAGMA && strcmp(first, "user_version") == 0 &&
	    sqlite3_get_autocommit(other) == 0)
		sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
	return SQLITE_OK;
}

static void test_version_1_race(void)
{
	static const struct {
		const char *name, *before;
		bool while_looking;
	} cases[] = {
		{"a file of version 1", version_1, false},
		{"an empty file", "PRAGMA journal_mode = WAL", false},
		{"an empty file without a log", "", false},
		{"(while we look) a file of version 1", version_1, true},
		{"(while we look) an empty file", "PRAGMA journal_mode = WAL", true},
		{"(while we look) an empty file without a log", "", true},
	};
	/* In another order than ours, so that it shows whose they are. */
	static const char steps[] =
		"CREATE TABLE farm_networks (fresh_until, resolved, networks,"
		" domain); PRAGMA application_id = 1399421031;"
		" CREATE TABLE total (value, name); CREATE TABLE place (id, hash);"
		" CREATE TABLE removed (id, hash, number); PRAGMA user_version = 5";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char why[STORE_WHY_SIZE] = "";
		sqlite3 *ours, *other;

		unlink(file_name);
		sqlite3_open(file_name, &other);
		sqlite3_exec(other, cases[i].before, NULL, NULL, NULL);
		sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		sqlite3_exec(other, steps, NULL, NULL, NULL);
		sqlite3_open(file_name, &ours);
		sqlite3_busy_handler(ours, on_busy_commit, other);
		if (cases[i].while_looking)
			sqlite3_set_authorizer(ours, on_look_commit, other);
		enum sqlite_db_status status = sqlite_schema_check(ours, why);
		tap_is_number(status, SQLITE_DB_OK,
			      "%s that another process brings up at the same time is fine %s",
			      cases[i].name, why);
		tap_ok(sqlite3_get_autocommit(ours) == 1, "nothing is left open");
		tap_ok(sqlite3_get_autocommit(other) == 1 &&
			       sqlite3_exec(other, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL) ==
				       SQLITE_OK,
		       "the other one was first, and can go on");
		sqlite3_close(ours);
		sqlite3_close(other);
		tap_is_number(database_number("SELECT count(*) FROM sqlite_master WHERE sql LIKE"
					      " '%farm_networks (fresh_until%'"),
			      1, "its tables stay");
	}
	unlink(file_name);
}

int main(void)
{
	hash_init();
	clock_set_for_test(NOW);
	base = event_base_new();
	if (mkdtemp(directory) == NULL)
		return EXIT_FAILURE;
	snprintf(file_name, sizeof(file_name), "%s/x.db", directory);
	snprintf(store_name, sizeof(store_name), "sqlite:%s", file_name);
	test_answers();
	test_look();
	test_show();
	test_cancel();
	test_overload();
	test_max_entries();
	test_no_room_for_two();
	test_smaller_max_entries();
	test_expiry();
	test_networks();
	test_networks_without_end();
	test_networks_failure();
	test_version_1();
	test_version_1_conflict();
	test_version_1_race();
	test_damage();
	test_foreign();
	event_base_free(base);
	libevent_global_shutdown();

	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) == 0 ? tap_done() : EXIT_FAILURE;
}
