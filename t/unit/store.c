/* SPDX-License-Identifier: BSD-2-Clause */
/* The store's contract: one answer for each question, from the loop; none after a cancel. */
#include "store/store.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
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

static int64_t database_number(const char *sql)
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
	test_cancel();
	test_overload();
	test_max_entries();
	test_smaller_max_entries();
	test_expiry();
	test_damage();
	test_foreign();
	event_base_free(base);
	libevent_global_shutdown();

	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command) == 0 ? tap_done() : EXIT_FAILURE;
}
