/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What greylisting keeps in the database: entries, which are triplets, and clients.  How a question
 * about mail is answered from them, and how they go when they are of no use or too many.
 *
 * Steps within a transaction, as all in sqlite_db.h; what they decide is rules/greylist.c's.
 */
#pragma once

#include "base/hash.h"
#include "sqlite_db.h"

struct sqlite_index;

/* What the steps need of a connection, beside its statements and counts. */
struct sqlite_greylist {
	struct sqlite_index *index; /* where entries are */
	uint8_t hash_key[HASH_KEY_SIZE];
	int64_t max_entries;
	int64_t waits_until_s; /* Unix time: what waits expires no later, as far as it came since
				* the database was opened */
};

/* A keyed hash of the triplet under one of its identities. */
uint64_t sqlite_greylist_hash(const char *identity, const struct store_question *question,
			      const uint8_t key[static HASH_KEY_SIZE]);

/* Find, decide, keep (store.h); fills in all of *answer but its status. */
enum sqlite_db_status sqlite_greylist_ask(struct sqlite_db *db,
					  const struct store_question *question,
					  struct store_answer *answer)
	__attribute__((warn_unused_result));

/*
 * The same, but nothing is kept; *is_to_keep tells whether something is, so that the answer may
 * only be given when that has been done.
 */
enum sqlite_db_status sqlite_greylist_look(struct sqlite_db *db,
					   const struct store_question *question,
					   struct store_answer *answer, bool *is_to_keep)
	__attribute__((warn_unused_result));

/* What is kept of a client; finding->has_client tells whether there is anything. */
enum sqlite_db_status sqlite_greylist_find_client(struct sqlite_db *db, const char *identity,
						  struct greylist_finding *finding)
	__attribute__((warn_unused_result));

/* Keep a client; is_new: there was none before. */
enum sqlite_db_status sqlite_greylist_keep_client(struct sqlite_db *db, const char *identity,
						  const struct greylist_client *client,
						  int64_t expires_s, bool is_new)
	__attribute__((warn_unused_result));

/*
 * Remove at most limit entries and limit clients that expired before now_s, and at most limit
 * entries beyond max_entries; *removed is how many.
 */
enum sqlite_db_status sqlite_greylist_expire(struct sqlite_db *db, int64_t now_s, int limit,
					     int *removed) __attribute__((warn_unused_result));

/* An entry was removed that had so many passes: counts them, and takes it out of the index. */
void sqlite_greylist_note_removed(struct sqlite_db *db, int64_t passes, int32_t hash, int64_t id);
