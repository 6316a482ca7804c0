/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_greylist.h"

#include "sqlite_index.h"
#include "sqlite_statement.h"

#include <string.h>

enum {
	SQLITE_GREYLIST_WAITING_PART = 4, /* of max_entries, one in so many is for those who wait */
	SQLITE_GREYLIST_LARGE = 100000,   /* entries, from which on ... */
	SQLITE_GREYLIST_ROOM = 32,        /* ... so many make room at once: half a millisecond */
};

/* A row of the table entry as far as it is needed to rewrite it. */
struct sqlite_greylist_row {
	int64_t id;
	int32_t hash;
};

uint64_t sqlite_greylist_hash(const char *identity, const struct store_question *question,
			      const uint8_t key[static HASH_KEY_SIZE])
{
	char text[IDENTITY_TEXT_SIZE + 2 * SENDER_KEY_SIZE + 2];
	char *end = stpcpy(stpcpy(text, identity), "\n");
	end = stpcpy(stpcpy(end, question->sender), "\n");
	end = stpcpy(end, question->recipient);
	return hash_text_keyed((struct span){text, (size_t)(end - text)}, key);
}

static enum sqlite_db_status sqlite_greylist_find_entry(struct sqlite_db *db, const char *identity,
							const struct store_question *question,
							struct sqlite_greylist_row *row,
							struct greylist_finding *finding)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	static const enum sqlite_statement ways[] = {SQL_ENTRY_GET, SQL_ENTRY_FIND};
	enum sqlite_statement found;

	/* 32 bits are enough to find a row, and take half the room (see the schema). */
	row->hash = (int32_t)sqlite_greylist_hash(identity, question, greylist->hash_key);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		sqlite_statement_bind_text(sql, ways[i], 2, identity);
		sqlite_statement_bind_text(sql, ways[i], 3, question->sender);
		sqlite_statement_bind_text(sql, ways[i], 4, question->recipient);
	}
	enum sqlite_db_status status =
		sqlite_index_find(greylist->index, row->hash, &found, &finding->has_entry);
	if (finding->has_entry) {
		row->id = sqlite_statement_number(sql, found, 0);
		finding->entry.first_seen_s = sqlite_statement_amount(sql, found, 1);
		finding->entry.last_seen_s = sqlite_statement_amount(sql, found, 2);
		finding->entry.passes = sqlite_statement_amount(sql, found, 3);
	}
	sqlite_statement_finish(sql, found);
	return status;
}

enum sqlite_db_status sqlite_greylist_find_client(struct sqlite_db *db, const char *identity,
						  struct greylist_finding *finding)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	enum sqlite_statement find = SQL_CLIENT_FIND;

	sqlite_statement_bind_text(sql, find, 1, identity);
	enum sqlite_db_status status = sqlite_statement_step(sql, find, &finding->has_client);
	if (finding->has_client) {
		finding->client.counted_s = sqlite_statement_amount(sql, find, 0);
		finding->client.last_seen_s = sqlite_statement_amount(sql, find, 1);
		finding->client.passes = sqlite_statement_amount(sql, find, 2);
	}
	sqlite_statement_finish(sql, find);
	return status;
}

void sqlite_greylist_note_removed(struct sqlite_db *db, int64_t passes, int32_t hash, int64_t id)
{
	struct sqlite_counts *counts = sqlite_db_counts(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);

	counts->entries--;
	counts->waiting -= passes == 0;
	sqlite_index_remove(greylist->index, hash, id);
}

/* Run a statement that removes entries and returns what they were; *removed is how many. */
static enum sqlite_db_status
sqlite_greylist_remove_entries(struct sqlite_db *db, enum sqlite_statement which, int *removed)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	enum sqlite_db_status status;
	bool has_row;

	*removed = 0;
	while ((status = sqlite_statement_step(sql, which, &has_row)) == SQLITE_DB_OK && has_row) {
		(*removed)++;
		sqlite_greylist_note_removed(db, sqlite_statement_amount(sql, which, 0),
					     (int32_t)sqlite_statement_number(sql, which, 1),
					     sqlite_statement_number(sql, which, 2));
	}
	sqlite_statement_finish(sql, which);
	return status;
}

/* Make room for count entries: those go that are next to expire, of what expires after after_s. */
static enum sqlite_db_status sqlite_greylist_remove_next(struct sqlite_db *db, int64_t count,
							 int64_t after_s, int *removed)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);

	sqlite_statement_bind_number(sql, SQL_ENTRY_MAKE_ROOM, 1, count);
	sqlite_statement_bind_number(sql, SQL_ENTRY_MAKE_ROOM, 2, after_s);
	return sqlite_greylist_remove_entries(db, SQL_ENTRY_MAKE_ROOM, removed);
}

/*
 * Remove what is beyond keep entries, but at most limit of them.  What waits expires first, and so
 * makes room first; but if all places were taken by what has passed, everybody new would make room
 * for the next one before he comes again.  A part of the places is for those who wait.
 */
static enum sqlite_db_status sqlite_greylist_trim(struct sqlite_db *db, int64_t keep, int limit,
						  int *removed)
{
	struct sqlite_counts *counts = sqlite_db_counts(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	int64_t beyond = counts->entries - keep;
	bool few_wait = counts->waiting < keep / SQLITE_GREYLIST_WAITING_PART;
	enum sqlite_db_status status = SQLITE_DB_OK;

	*removed = 0;
	if (beyond <= 0)
		return SQLITE_DB_OK;
	if (beyond > limit)
		beyond = limit;
	if (few_wait)
		status = sqlite_greylist_remove_next(db, beyond, greylist->waits_until_s, removed);
	if (status == SQLITE_DB_OK && *removed == 0)
		status = sqlite_greylist_remove_next(db, beyond, 0, removed);
	/* None are left to remove: somebody else emptied the table. */
	if (status == SQLITE_DB_OK && *removed == 0)
		counts->entries = counts->waiting = 0;
	return status;
}

/*
 * Before a row is added.  In a large database room is made for some more at once, which is less
 * work for each.  When max_entries was made smaller there is much beyond it, which goes in small
 * steps, two for one that comes, so that no answer waits for it.
 */
static enum sqlite_db_status sqlite_greylist_make_room(struct sqlite_db *db)
{
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	int64_t entries = sqlite_db_counts(db)->entries, max = greylist->max_entries;
	int room = max >= SQLITE_GREYLIST_LARGE ? SQLITE_GREYLIST_ROOM : 1;
	int removed;

	if (entries < max)
		return SQLITE_DB_OK;
	return sqlite_greylist_trim(db, max - room, entries > max ? 2 : room, &removed);
}

static enum sqlite_db_status sqlite_greylist_insert_entry(struct sqlite_db *db,
							  const char *identity,
							  const struct store_question *question,
							  const struct sqlite_greylist_row *row,
							  const struct greylist_entry *entry)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_counts *counts = sqlite_db_counts(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	int64_t id, expires_s = greylist_entry_expires(&question->limits, entry);

	if (entry->passes == 0 && expires_s > greylist->waits_until_s)
		greylist->waits_until_s = expires_s;
	enum sqlite_db_status status = sqlite_greylist_make_room(db);
	if (status == SQLITE_DB_OK)
		status = sqlite_index_add(greylist->index, row->hash, &id);
	if (status != SQLITE_DB_OK)
		return status;
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 9, id);
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 1, row->hash);
	sqlite_statement_bind_text(sql, SQL_ENTRY_INSERT, 2, identity);
	sqlite_statement_bind_text(sql, SQL_ENTRY_INSERT, 3, question->sender);
	sqlite_statement_bind_text(sql, SQL_ENTRY_INSERT, 4, question->recipient);
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 5, entry->first_seen_s);
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 6, entry->last_seen_s);
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 7, entry->passes);
	sqlite_statement_bind_number(sql, SQL_ENTRY_INSERT, 8, expires_s);
	status = sqlite_statement_run(sql, SQL_ENTRY_INSERT);
	if (status == SQLITE_DB_OK) {
		counts->entries++;
		counts->waiting += entry->passes == 0;
	}
	return status;
}

static enum sqlite_db_status sqlite_greylist_update_entry(struct sqlite_db *db,
							  const char *identity,
							  const struct store_question *question,
							  const struct sqlite_greylist_row *row,
							  const struct greylist_entry *before,
							  const struct greylist_entry *entry)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_counts *counts = sqlite_db_counts(db);

	sqlite_statement_bind_number(sql, SQL_ENTRY_UPDATE, 1, row->id);
	sqlite_statement_bind_number(sql, SQL_ENTRY_UPDATE, 2, entry->first_seen_s);
	sqlite_statement_bind_number(sql, SQL_ENTRY_UPDATE, 3, entry->last_seen_s);
	sqlite_statement_bind_number(sql, SQL_ENTRY_UPDATE, 4, entry->passes);
	sqlite_statement_bind_number(sql, SQL_ENTRY_UPDATE, 5,
				     greylist_entry_expires(&question->limits, entry));
	enum sqlite_db_status status = sqlite_statement_run(sql, SQL_ENTRY_UPDATE);
	/* It made room for another one of the same question. */
	if (status == SQLITE_DB_OK && sqlite3_changes(sql->handle) == 0)
		return sqlite_greylist_insert_entry(db, identity, question, row, entry);
	if (status == SQLITE_DB_OK)
		counts->waiting += (entry->passes == 0) - (before->passes == 0);
	return status;
}

enum sqlite_db_status sqlite_greylist_keep_client(struct sqlite_db *db, const char *identity,
						  const struct greylist_client *client,
						  int64_t expires_s, bool is_new)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_counts *counts = sqlite_db_counts(db);

	sqlite_statement_bind_text(sql, SQL_CLIENT_KEEP, 1, identity);
	sqlite_statement_bind_number(sql, SQL_CLIENT_KEEP, 2, client->counted_s);
	sqlite_statement_bind_number(sql, SQL_CLIENT_KEEP, 3, client->last_seen_s);
	sqlite_statement_bind_number(sql, SQL_CLIENT_KEEP, 4, client->passes);
	sqlite_statement_bind_number(sql, SQL_CLIENT_KEEP, 5, expires_s);
	enum sqlite_db_status status = sqlite_statement_run(sql, SQL_CLIENT_KEEP);
	if (status == SQLITE_DB_OK)
		counts->clients += is_new;
	return status;
}

/* Whether what was decided is to be written. */
static bool sqlite_greylist_keeps(const struct store_question *question,
				  enum greylist_outcome outcome)
{
	switch (question->mode) {
	case STORE_KEEP:
		return true;
	case STORE_LOOK:
		return outcome != GREYLIST_NEW && outcome != GREYLIST_EARLY;
	case STORE_SHOW:
		break;
	}
	return false;
}

/*
 * What is there about the triplet and the client, under every identity.  When the triplets alone
 * settle it, clients are not looked for: known mail costs one row.
 */
static enum sqlite_db_status
sqlite_greylist_find(struct sqlite_db *db, const struct store_question *question,
		     struct sqlite_greylist_row rows[static IDENTITY_MAX],
		     struct greylist_finding findings[static IDENTITY_MAX])
{
	const struct identities *who = &question->who;
	enum sqlite_db_status status = SQLITE_DB_OK;

	for (size_t i = 0; status == SQLITE_DB_OK && i < who->count; i++)
		status = sqlite_greylist_find_entry(db, who->list[i].key, question, &rows[i],
						    &findings[i]);
	if (question->mode != STORE_SHOW &&
	    greylist_is_settled(&question->limits, who, findings, question->now_s))
		return status;
	for (size_t i = 0; status == SQLITE_DB_OK && i < who->count; i++)
		if (who->list[i].client[0] != '\0')
			status = sqlite_greylist_find_client(db, who->list[i].client, &findings[i]);
	return status;
}

/* Find and decide; rows is where what was found stands. */
static enum sqlite_db_status
sqlite_greylist_decide(struct sqlite_db *db, const struct store_question *question,
		       struct store_answer *answer,
		       struct sqlite_greylist_row rows[static IDENTITY_MAX])
{
	memset(answer->findings, 0, sizeof(answer->findings));
	enum sqlite_db_status status = sqlite_greylist_find(db, question, rows, answer->findings);
	if (status == SQLITE_DB_OK)
		greylist_decide(&question->limits, &question->who, answer->findings,
				question->store_new, question->now_s, &answer->decision);
	return status;
}

enum sqlite_db_status sqlite_greylist_look(struct sqlite_db *db,
					   const struct store_question *question,
					   struct store_answer *answer, bool *is_to_keep)
{
	struct sqlite_greylist_row rows[IDENTITY_MAX] = {0};
	enum sqlite_db_status status = sqlite_greylist_decide(db, question, answer, rows);

	*is_to_keep = false;
	if (status != SQLITE_DB_OK || !sqlite_greylist_keeps(question, answer->decision.outcome))
		return status;
	for (size_t i = 0; i < question->who.count; i++)
		*is_to_keep = *is_to_keep || answer->decision.keep[i].entry_changed ||
			      answer->decision.keep[i].client_changed;
	return SQLITE_DB_OK;
}

enum sqlite_db_status sqlite_greylist_ask(struct sqlite_db *db,
					  const struct store_question *question,
					  struct store_answer *answer)
{
	const struct greylist_finding *findings = answer->findings;
	const struct greylist_decision *decision = &answer->decision;
	struct sqlite_greylist_row rows[IDENTITY_MAX] = {0};
	enum sqlite_db_status status = sqlite_greylist_decide(db, question, answer, rows);

	if (status != SQLITE_DB_OK || !sqlite_greylist_keeps(question, decision->outcome))
		return status;
	for (size_t i = 0; status == SQLITE_DB_OK && i < question->who.count; i++) {
		const struct identity *identity = &question->who.list[i];
		if (decision->keep[i].entry_changed) {
			const struct greylist_entry *entry = &decision->keep[i].entry;
			status = findings[i].has_entry
					 ? sqlite_greylist_update_entry(db, identity->key, question,
									&rows[i],
									&findings[i].entry, entry)
					 : sqlite_greylist_insert_entry(db, identity->key, question,
									&rows[i], entry);
		}
		if (status == SQLITE_DB_OK && decision->keep[i].client_changed) {
			const struct greylist_client *client = &decision->keep[i].client;
			status = sqlite_greylist_keep_client(
				db, identity->client, client,
				greylist_client_expires(&question->limits, client),
				!findings[i].has_client);
		}
	}
	return status;
}

/* Remove clients that expire before before_s, at most limit of them. */
static enum sqlite_db_status sqlite_greylist_remove_clients(struct sqlite_db *db, int64_t before_s,
							    int64_t limit, int *removed)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_counts *counts = sqlite_db_counts(db);

	sqlite_statement_bind_number(sql, SQL_CLIENT_EXPIRE, 1, before_s);
	sqlite_statement_bind_number(sql, SQL_CLIENT_EXPIRE, 2, limit);
	enum sqlite_db_status status = sqlite_statement_run(sql, SQL_CLIENT_EXPIRE);
	if (status != SQLITE_DB_OK)
		return status;
	int count = sqlite3_changes(sql->handle);
	counts->clients -= count;
	*removed += count;
	return SQLITE_DB_OK;
}

/* A client comes with an entry that passed, but stays when that one makes room: so clients have the
 * same bound. */
static enum sqlite_db_status sqlite_greylist_trim_clients(struct sqlite_db *db, int limit,
							  int *removed)
{
	struct sqlite_counts *counts = sqlite_db_counts(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	int64_t beyond = counts->clients - greylist->max_entries;

	if (beyond <= 0)
		return SQLITE_DB_OK;
	return sqlite_greylist_remove_clients(db, INT64_MAX, beyond < limit ? beyond : limit,
					      removed);
}

enum sqlite_db_status sqlite_greylist_expire(struct sqlite_db *db, int64_t now_s, int limit,
					     int *removed)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	struct sqlite_greylist *greylist = sqlite_db_greylist(db);
	int trimmed = 0, clients = 0;

	sqlite_statement_bind_number(sql, SQL_ENTRY_EXPIRE, 1, now_s);
	sqlite_statement_bind_number(sql, SQL_ENTRY_EXPIRE, 2, limit);
	enum sqlite_db_status status =
		sqlite_greylist_remove_entries(db, SQL_ENTRY_EXPIRE, removed);
	if (status == SQLITE_DB_OK)
		status = sqlite_greylist_remove_clients(db, now_s, limit, &clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_greylist_trim_clients(db, limit, &clients);
	if (status == SQLITE_DB_OK)
		status = sqlite_greylist_trim(db, greylist->max_entries, limit, &trimmed);
	*removed += clients + trimmed;
	return status;
}
