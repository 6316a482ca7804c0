/* SPDX-License-Identifier: BSD-2-Clause */
/* What admins ask of the store: one answer for each errand, from the loop; none after a cancel. */
#include "store/store_errand.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/sqlite_reader.h"
#include "tap.h"

#include <dirent.h>
#include <event2/event.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1000000000, ROWS_SHOWN = 64 };

static struct event_base *base;
static char directory[] = "/tmp/sixgate-errand-XXXXXX";
static char store_name[80], file_name[64];
static struct store *store;

/* One errand on its way, and what came back. */
struct asked {
	struct store_request *request;
	int answers;
	struct store_report report;
	struct store_census census;
	int64_t ids[ROWS_SHOWN];
	char texts[ROWS_SHOWN][64];
	double values[ROWS_SHOWN];
	struct asked *cancels;
	bool is_inside;
};

static void open_store(int64_t max_entries)
{
	struct store_options options = {.sync_full = false, .max_entries = max_entries};
	char why[STORE_WHY_SIZE] = "";

	store = store_open(store_name, &options, base, why);
	if (store == NULL)
		printf("# %s\n", why);
}

static void on_report(const struct store_report *report, void *arg)
{
	struct asked *asked = arg;

	asked->request = NULL;
	asked->answers += asked->is_inside ? 1000 : 1;
	asked->report = *report;
	if (report->census != NULL)
		asked->census = *report->census;
	for (size_t i = 0; i < report->count && i < ROWS_SHOWN; i++) {
		const char *text = report->entries != NULL   ? report->entries[i].sender
				   : report->clients != NULL ? report->clients[i].identity
							     : report->totals[i].name;
		snprintf(asked->texts[i], sizeof(asked->texts[i]), "%s", text);
		if (report->entries != NULL)
			asked->ids[i] = report->entries[i].id;
		if (report->totals != NULL)
			asked->values[i] = report->totals[i].value;
	}
	if (asked->cancels != NULL)
		store_cancel(&asked->cancels->request);
}

static void begin(struct asked *asked, const struct store_errand *errand)
{
	asked->is_inside = true;
	asked->request = store_start_errand(store, errand, on_report, asked);
	asked->is_inside = false;
}

static void await(struct asked *asked)
{
	while (asked->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static struct asked *run(const struct store_errand *errand)
{
	static struct asked asked;

	asked = (struct asked){0};
	begin(&asked, errand);
	await(&asked);
	return &asked;
}

static void on_answer(const struct store_answer *answer, void *arg)
{
	struct store_answer *out = arg;
	*out = *answer;
	event_base_loopbreak(base);
}

static enum greylist_outcome mail(const char *sender, int64_t now_s)
{
	struct store_question question = {
		.who = {.list = {{"192.0.2.0/24", "192.0.2.0/24"}}, .count = 1},
		.limits = {300, 172800, 3024000, 2},
		.store_new = true,
		.now_s = now_s,
	};
	struct store_answer answer;

	snprintf(question.sender, sizeof(question.sender), "%s", sender);
	snprintf(question.recipient, sizeof(question.recipient), "u@here.example");
	store_start(store, &question, on_answer, &answer);
	event_base_dispatch(base);
	return answer.status == STORE_ANSWERED ? answer.decision.outcome
					       : (enum greylist_outcome) - 1;
}

static void exec(const char *sql)
{
	sqlite3 *handle;

	sqlite3_open(file_name, &handle);
	sqlite3_busy_timeout(handle, 5000);
	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		printf("# %s: %s\n", sql, sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

/* So many entries that wait, of senders s<n>@many.example.  The store counts what it does itself,
 * so that it must not be open if counts matter. */
static void fill(int count)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "BEGIN; INSERT INTO entry (hash, identity, sender, recipient, first_seen,"
		 " last_seen, passes, expires)"
		 " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		 " SELECT i, '2001:db8::/64', 's' || i || '@many.example', 'u@here.example',"
		 " %d, %d, 0, 2000000000 FROM n;"
		 "UPDATE meta SET value = value + %d WHERE name IN ('entries', 'waiting'); COMMIT;",
		 count, NOW, NOW, count);
	exec(sql);
}

static struct store_census census(void)
{
	return run(&(struct store_errand){.task = STORE_CENSUS, .known_after = 2})->census;
}

static void tap_census(int64_t waiting, int64_t passed, int64_t clients, int64_t known,
		       const char *what)
{
	struct store_census now = census();

	tap_ok(now.waiting == waiting && now.passed == passed && now.clients == clients &&
		       now.known == known,
	       "%s: %lld wait, %lld passed, %lld clients, %lld known", what, (long long)now.waiting,
	       (long long)now.passed, (long long)now.clients, (long long)now.known);
}

static void test_census(void)
{
	open_store(1000);
	tap_census(0, 0, 0, 0, "an empty store");
	mail("a@example.org", NOW);
	mail("b@example.org", NOW);
	tap_census(2, 0, 0, 0, "two are new");
	mail("a@example.org", NOW + 400);
	tap_census(1, 1, 1, 0, "one comes back");
	mail("a@example.org", NOW + 8000);
	tap_census(1, 1, 1, 1, "and again, so that its client is known");
	tap_ok(census().size_bytes > 0 && !census().is_failing, "the size is told");
	store_free(&store);
	open_store(1000);
	tap_census(1, 1, 1, 1, "after a restart");
	clock_set_for_test(NOW + 9000 + 172800);
	while (census().waiting > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	tap_census(0, 1, 1, 1, "what has expired is not counted");
	clock_set_for_test(NOW);
	store_free(&store);
	unlink(file_name);
	open_store(100);
	for (int i = 0; i < 120; i++) {
		char sender[64];
		snprintf(sender, sizeof(sender), "%c%c@example.org", 'a' + i / 26, 'a' + i % 26);
		mail(sender, NOW);
	}
	tap_census(100, 0, 0, 0, "and what made room is not");
	store_free(&store);
	unlink(file_name);
}

static void test_list(void)
{
	struct store_errand errand = {.task = STORE_ENTRIES_LIST, .limit = 10};
	struct asked *asked;
	int64_t last = INT64_MAX;
	int seen = 0;
	bool in_order = true;

	open_store(1000000);
	fill(25);
	mail("newest@example.org", NOW);
	asked = run(&errand);
	tap_ok(asked->report.status == STORE_ANSWERED && asked->report.count == 10,
	       "a page has as many as were asked for");
	tap_is(asked->texts[0], "newest@example.org", "the newest first");
	do {
		asked = run(&errand);
		for (size_t i = 0; i < asked->report.count; i++, seen++) {
			in_order = in_order && asked->ids[i] < last;
			last = asked->ids[i];
		}
		errand.before_id = asked->report.next_id;
		/* What comes meanwhile is newer than all that is still to come. */
		mail("meanwhile@example.org", NOW + seen);
	} while (asked->report.next_id != 0);
	tap_ok(seen == 26 && in_order, "the pages have each once, in order, while others come");

	fill(20000);
	errand = (struct store_errand){.task = STORE_ENTRIES_LIST, .limit = 10};
	entry_filter_set_sender(&errand.filter, span_of("newest@example.org"), NULL);
	asked = run(&errand);
	tap_ok(asked->report.count == 1 && asked->report.next_id == 0,
	       "one of twenty thousand is found");
	entry_filter_set_sender(&errand.filter, span_of("nobody.example"), NULL);
	tap_is_number((long long)run(&errand)->report.count, 0, "or none");
	store_free(&store);
	unlink(file_name);
}

static void test_forget(void)
{
	struct store_errand errand = {.task = STORE_ENTRIES_FORGET};
	struct asked *asked;

	open_store(1000000);
	mail("a@example.org", NOW);
	mail("a@example.org", NOW + 400);
	store_free(&store);
	fill(12345);
	open_store(1000000);
	tap_census(12345, 1, 1, 0, "there are many");
	entry_filter_set_sender(&errand.filter, span_of("many.example"), NULL);
	asked = run(&errand);
	tap_ok(asked->report.status == STORE_ANSWERED && asked->report.removed == 12345,
	       "all that are meant are removed: %lld", (long long)asked->report.removed);
	tap_census(0, 1, 1, 0, "and only they");
	asked = run(&errand);
	tap_is_number(asked->report.removed, 0, "there is nothing left to remove");
	tap_is_number(mail("a@example.org", NOW + 500), GREYLIST_PASS, "the other still passes");
	errand = (struct store_errand){.task = STORE_ENTRIES_FORGET};
	tap_is_number(run(&errand)->report.removed, 1, "without a condition all go");
	store_free(&store);
	unlink(file_name);
}

static void test_clients(void)
{
	struct store_errand list = {.task = STORE_CLIENTS_LIST,
				    .limit = 2,
				    .range = {.min_passes = 0, .max_passes = INT64_MAX}};
	static const char *const identities[] = {"192.0.2.0/24", "2001:db8::/64",
						 "farm:g/a.example"};
	struct asked *asked;

	open_store(1000);
	for (size_t i = 0; i < 3; i++) {
		struct store_client client = {
			.identity = identities[i],
			.client = {.counted_s = NOW, .last_seen_s = NOW, .passes = (int64_t)i},
			.expires_s = 2000000000};
		asked = run(&(struct store_errand){.task = STORE_CLIENT_KEEP, .client = &client});
		tap_is_number(asked->report.status, STORE_ANSWERED, "a client is kept");
	}
	tap_census(0, 0, 3, 1, "clients that were kept");
	run(&(struct store_errand){.task = STORE_CLIENT_KEEP,
				   .client = &(struct store_client){.identity = identities[0],
								    .client = {NOW, NOW, 1000000},
								    .expires_s = 2000000000}});
	tap_census(0, 0, 3, 2, "one is kept again");
	asked = run(&list);
	tap_ok(asked->report.count == 2 && asked->report.has_more, "a page of them");
	char after[64];
	snprintf(after, sizeof(after), "%s", asked->texts[1]);
	list.after = after;
	asked = run(&list);
	tap_ok(asked->report.count == 1 && !asked->report.has_more, "and the rest");
	list = (struct store_errand){
		.task = STORE_CLIENTS_LIST, .limit = 9, .range = {2, INT64_MAX}};
	asked = run(&list);
	tap_is_number((long long)asked->report.count, 2, "by how often they passed");
	tap_is_number(mail("new@example.org", NOW), GREYLIST_KNOWN,
		      "who is kept as known is known");

	struct store_errand forget = {.task = STORE_CLIENTS_FORGET};
	entry_filter_set_client(&forget.filter, span_of("192.0.2.9"), 24, 64, NULL);
	tap_is_number(run(&forget)->report.removed, 1, "a client is forgotten");
	tap_is_number(mail("other@example.org", NOW), GREYLIST_NEW, "and waits again");
	tap_is_number(run(&forget)->report.removed, 0, "once");
	store_free(&store);
	unlink(file_name);
}

static void test_totals(void)
{
	static const struct store_total one[] = {{"a", 1}, {"b", 2.5}}, two[] = {{"b", 3}};
	struct asked *asked;

	open_store(1000);
	tap_is_number(
		(long long)run(&(struct store_errand){.task = STORE_TOTALS_READ})->report.count, 0,
		"there are no totals at first");
	run(&(struct store_errand){.task = STORE_TOTALS_KEEP, .totals = one, .total_count = 2});
	/* Nobody waits for this one, and it is kept all the same. */
	struct asked last = {0};
	begin(&last,
	      &(struct store_errand){.task = STORE_TOTALS_KEEP, .totals = two, .total_count = 1});
	store_cancel(&last.request);
	store_free(&store);
	open_store(1000);
	asked = run(&(struct store_errand){.task = STORE_TOTALS_READ});
	tap_ok(asked->report.count == 2 && strcmp(asked->texts[0], "a") == 0 &&
		       asked->values[0] == 1 && asked->values[1] == 3,
	       "totals are kept, and the last ones count");
	tap_is_number(last.answers, 0, "who cancelled is not told");
	store_free(&store);
	unlink(file_name);
}

static void test_cancel(void)
{
	struct store_errand list = {.task = STORE_ENTRIES_LIST, .limit = 1000000};
	struct store_errand forget = {.task = STORE_ENTRIES_FORGET};
	struct asked first = {0}, second = {0}, third = {0};

	open_store(1000000);
	store_free(&store);
	fill(50000);
	open_store(1000000);
	begin(&first, &list);
	begin(&second, &(struct store_errand){.task = STORE_CENSUS});
	begin(&third, &(struct store_errand){.task = STORE_CENSUS});
	tap_is_number(first.answers + second.answers, 0, "no answer comes within the call");
	store_cancel(&first.request);
	store_cancel(&first.request);
	second.cancels = &third;
	await(&second);
	census();
	tap_ok(first.answers == 0 && second.answers == 1 && third.answers == 0,
	       "who cancelled, or was cancelled by another, is not told");

	struct asked forgetting = {0};
	begin(&forgetting, &forget);
	store_cancel(&forgetting.request);
	census();
	mail("a@example.org", NOW);
	tap_ok(census().waiting > 1, "a removal that is cancelled ends before its end");
	begin(&forgetting, &forget);
	begin(&first, &list);
	store_cancel(&forgetting.request);
	store_cancel(&first.request);
	store_free(&store);
	tap_is_number(forgetting.answers + first.answers, 0,
		      "the store can be closed with both under way");
	open_store(1000000);
	struct store_census left = census();
	sqlite3 *handle;
	sqlite3_stmt *statement;
	sqlite3_open(file_name, &handle);
	sqlite3_prepare_v2(handle, "SELECT count(*) FROM entry", -1, &statement, NULL);
	sqlite3_step(statement);
	tap_is_number(left.waiting + left.passed, sqlite3_column_int64(statement, 0),
		      "the counts are right then");
	sqlite3_finalize(statement);
	sqlite3_close(handle);
	store_free(&store);
	unlink(file_name);
}

static void test_mail_meanwhile(void)
{
	struct store_errand forget = {.task = STORE_ENTRIES_FORGET};
	struct asked asked = {0};
	int mails = 0;

	open_store(1000000);
	fill(20000);
	entry_filter_set_sender(&forget.filter, span_of("many.example"), NULL);
	begin(&asked, &forget);
	while (asked.answers == 0) {
		char sender[64];
		snprintf(sender, sizeof(sender), "m%c%c%c@example.org", 'a' + mails / 676 % 26,
			 'a' + mails / 26 % 26, 'a' + mails % 26);
		mail(sender, NOW);
		mails++;
	}
	tap_ok(mails > 1 && asked.report.removed == 20000,
	       "mail is answered while much is removed: %d mails", mails);
	tap_ok(store_counts(store)->answered == (uint64_t)mails &&
		       store_counts(store)->latency_s.count == (uint64_t)mails &&
		       store_counts(store)->batch_size.count > 0,
	       "and counted");
	store_free(&store);
	unlink(file_name);
}

/* The database is put out of the way, or is gone, while an admin asks. */
static void test_failures(void)
{
	struct store_errand list = {.task = STORE_ENTRIES_LIST, .limit = 10};
	sqlite3 *writer;

	open_store(1000);
	mail("a@example.org", NOW);
	sqlite3_open(file_name, &writer);
	/* The store itself may be writing at this moment. */
	sqlite3_busy_timeout(writer, 5000);
	sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	tap_is_number((long long)run(&list)->report.count, 1,
		      "somebody who is writing is no hindrance to a reader");
	struct asked forgetting = {0};
	begin(&forgetting, &(struct store_errand){.task = STORE_ENTRIES_FORGET});
	run(&list);
	tap_is_number(forgetting.answers, 0, "a removal waits for him");
	sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(writer);
	await(&forgetting);
	tap_is_number(forgetting.report.removed, 1, "and goes on when he has finished");

	mail("passing@example.org", NOW);
	sqlite3_open(file_name, &writer);
	sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	forgetting = (struct asked){0};
	begin(&forgetting, &(struct store_errand){.task = STORE_ENTRIES_FORGET,
						  .filter = {.state = ENTRY_WAITING}});
	/* The reader takes one after the other: what is to be removed is found. */
	run(&list);
	sqlite3_exec(writer, "UPDATE entry SET passes = 1; COMMIT", NULL, NULL, NULL);
	sqlite3_close(writer);
	await(&forgetting);
	tap_is_number(forgetting.report.removed, 0,
		      "what waited when it was found, and passed meanwhile, stays");
	tap_is_number((long long)run(&list)->report.count, 1, "and is there");

	unlink(file_name);
	while (mail("b@example.org", NOW) != GREYLIST_NEW || access(file_name, F_OK) != 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	struct asked *asked = run(&list);
	tap_ok(asked->report.status == STORE_ANSWERED,
	       "after the database was removed and begun anew, the new one is read");
	store_free(&store);
	unlink(file_name);
}

/* Many lists that find nothing are read at once, as when a member of the group wants it so. */
static void test_short_questions_come_between(void)
{
	enum { LISTS = 8 };
	struct store_errand list = {.task = STORE_ENTRIES_LIST, .limit = 10};
	struct asked lists[LISTS] = {0};
	int answers = 0;

	open_store(1000000);
	fill(100000);
	entry_filter_set_sender(&list.filter, span_of("nobody.example"), NULL);
	for (int i = 0; i < LISTS; i++)
		begin(&lists[i], &list);
	run(&(struct store_errand){.task = STORE_CENSUS});
	for (int i = 0; i < LISTS; i++)
		answers += lists[i].answers;
	tap_is_number(answers, 0, "a census does not wait for the end of long lists");
	for (int i = 0; i < LISTS; i++)
		await(&lists[i]);
	store_free(&store);
	unlink(file_name);
}

/* Who is told a thousand entries keeps the loop for milliseconds. */
static void test_one_report_at_a_time(void)
{
	enum { LISTS = 8 };
	struct store_errand list = {.task = STORE_ENTRIES_LIST, .limit = 10};
	struct asked lists[LISTS] = {0};
	int answers = 0, most = 0;

	open_store(1000000);
	for (int i = 0; i < LISTS; i++)
		begin(&lists[i], &list);
	/* All are ready by then, or the test proves less. */
	usleep(200000);
	while (answers < LISTS) {
		int before = answers;
		event_base_loop(base, EVLOOP_ONCE);
		answers = 0;
		for (int i = 0; i < LISTS; i++)
			answers += lists[i].answers;
		if (answers - before > most)
			most = answers - before;
	}
	tap_is_number(most, 1, "mail comes between the reports for admins");
	store_free(&store);
	unlink(file_name);
}

static struct sqlite_reader *reader;
static atomic_int scans;
static atomic_bool has_enough;

/* On the reader's thread: from one scan at once to the next, as when many admins ask. */
static void on_scanned(struct sqlite_request *request, void *arg)
{
	const struct store_errand *errand = arg;

	sqlite_request_free(&request);
	atomic_fetch_add(&scans, 1);
	if (!atomic_load(&has_enough))
		sqlite_reader_ask(reader, sqlite_request_new_errand(errand, on_report, NULL));
}

static struct sqlite_db *open_for_reader(void)
{
	struct store_options options = {.max_entries = 1000000};
	char why[STORE_WHY_SIZE];
	struct sqlite_db *db;

	return sqlite_db_open(file_name, &options, &db, why) == SQLITE_DB_OK ? db : NULL;
}

/*
 * The worker, for which mail is waiting, closes a database that was damaged or replaced.  The
 * reader begins a slice as soon as it has ended one, and a mutex does not care who came first.
 */
static void test_reader_lets_go(void)
{
	enum { TIMES = 1000, SCANS_MAX = 2 * TIMES };
	struct store_errand errand = {.task = STORE_ENTRIES_LIST, .limit = 10};
	struct sqlite_db *db;
	int meanwhile = 0;

	open_store(1000000);
	store_free(&store);
	fill(10000);
	entry_filter_set_sender(&errand.filter, span_of("nobody.example"), NULL);
	db = open_for_reader();
	reader = sqlite_reader_new(on_scanned, &errand);
	sqlite_reader_set_db(reader, &db);
	sqlite_reader_ask(reader, sqlite_request_new_errand(&errand, on_report, NULL));
	for (int i = 0; i < TIMES; i++) {
		db = open_for_reader();
		int before = atomic_load(&scans);
		sqlite_reader_set_db(reader, &db);
		meanwhile += atomic_load(&scans) - before;
	}
	atomic_store(&has_enough, true);
	sqlite_reader_stop(reader);
	sqlite_reader_free(&reader);
	tap_ok(meanwhile < SCANS_MAX,
	       "a reader with much to do lets go of the database at once: %d scans while it was "
	       "closed %d times",
	       meanwhile, TIMES);
	unlink(file_name);
}

/* Rubbish in all of the file but its first page. */
static void damage(void)
{
	FILE *file = fopen(file_name, "r+b");

	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	fseek(file, 4096, SEEK_SET);
	for (long at = 4096; at < size; at++)
		fputc(0xa5, file);
	fclose(file);
}

/* Remove what was moved aside. */
static int remove_damaged(void)
{
	int count = 0;
	DIR *list = opendir(directory);

	for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
		char path[400];
		if (strstr(entry->d_name, ".damaged-") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		unlink(path);
		count++;
	}
	closedir(list);
	return count;
}

static void test_damage(void)
{
	struct store_errand search = {.task = STORE_ENTRIES_LIST, .limit = 10};
	struct store_errand forget = {.task = STORE_ENTRIES_FORGET};
	struct asked searches[4] = {0}, forgetting = {0};
	int answers = 0;

	open_store(1000000);
	store_free(&store);
	fill(50000);
	open_store(1000000);
	entry_filter_set_sender(&search.filter, span_of("nobody.example"), NULL);
	entry_filter_set_sender(&forget.filter, span_of("many.example"), NULL);
	for (size_t i = 0; i < 4; i++)
		begin(&searches[i], &search);
	begin(&forgetting, &forget);
	damage();
	tap_is_number(mail("a@example.org", NOW), GREYLIST_NEW,
		      "mail goes on with a new database while an admin searches the damaged one");
	for (size_t i = 0; i < 4; i++) {
		await(&searches[i]);
		answers += searches[i].answers;
	}
	await(&forgetting);
	tap_is_number(answers + forgetting.answers, 5, "and each of his errands has one answer");
	tap_ok(remove_damaged() >= 1, "the damaged one was moved aside");
	while (mail("b@example.org", NOW) != GREYLIST_EARLY)
		event_base_loop(base, EVLOOP_NONBLOCK);
	struct asked *asked = run(&(struct store_errand){.task = STORE_ENTRIES_LIST, .limit = 10});
	long long count = (long long)asked->report.count;
	tap_ok(asked->report.status == STORE_ANSWERED && count >= 1,
	       "he sees what is in the new one then");
	tap_is_number(census().waiting, count, "and the counts are its own");
	store_free(&store);
	remove_damaged();
	unlink(file_name);
}

static void *release_later(void *writer)
{
	usleep(200000);
	sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	return NULL;
}

/* The last totals come at the end, when there is no later time to try again. */
static void test_totals_at_the_end(void)
{
	static const struct store_total total = {"a", 7};
	struct asked keeping = {0};
	pthread_t thread;
	sqlite3 *writer;

	open_store(1000);
	sqlite3_open(file_name, &writer);
	sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	pthread_create(&thread, NULL, release_later, writer);
	begin(&keeping, &(struct store_errand){
				.task = STORE_TOTALS_KEEP, .totals = &total, .total_count = 1});
	store_cancel(&keeping.request);
	store_free(&store);
	pthread_join(thread, NULL);
	sqlite3_close(writer);
	open_store(1000);
	struct asked *asked = run(&(struct store_errand){.task = STORE_TOTALS_READ});
	tap_ok(asked->report.count == 1 && asked->values[0] == 7,
	       "totals are kept at the end, though somebody else is just writing");
	store_free(&store);
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
	test_census();
	test_list();
	test_forget();
	test_clients();
	test_totals();
	test_cancel();
	test_mail_meanwhile();
	test_failures();
	test_short_questions_come_between();
	test_one_report_at_a_time();
	test_reader_lets_go();
	test_damage();
	test_totals_at_the_end();
	event_base_free(base);
	rmdir(directory);
	return tap_done();
}
