/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_look.h"

#include "base/memory.h"
#include "sqlite_greylist.h"
#include "sqlite_index.h"
#include "sqlite_nowait.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	SQLITE_LOOK_CACHE_KIB = 2048,  /* it is emptied with every commit of the worker's */
	SQLITE_LOOK_FAILURES_MAX = 16, /* in a round of the loop: some 100 µs */
};

struct sqlite_look {
	bool can_read; /* without waiting */
	pthread_mutex_t lock;
	struct sqlite_db *db; /* owned; NULL: there is none */
};

struct sqlite_look *sqlite_look_new(void)
{
	struct sqlite_look *look = mem_alloc(sizeof(*look));

	look->can_read = sqlite_nowait_install();
	pthread_mutex_init(&look->lock, NULL);
	return look;
}

void sqlite_look_set_db(struct sqlite_look *look, struct sqlite_db **db, struct sqlite_db *of)
{
	if (db != NULL) {
		sqlite_db_set_waiting(*db, false);
		sqlite_db_limit_cache(*db, SQLITE_LOOK_CACHE_KIB);
		sqlite_db_lengthen_wal_index(*db);
		sqlite_index_share(sqlite_db_greylist(*db)->index, sqlite_db_greylist(of)->index);
	}
	pthread_mutex_lock(&look->lock);
	sqlite_db_close(&look->db);
	if (db != NULL) {
		look->db = *db;
		*db = NULL;
	}
	pthread_mutex_unlock(&look->lock);
}

/* Read on; *request, which is in asked, is the next, and the one that could not be read when this
 * fails. */
static enum sqlite_db_status sqlite_look_read(struct sqlite_db *db, struct sqlite_queue *asked,
					      struct sqlite_request **request,
					      struct sqlite_queue *done)
{
	enum sqlite_db_status status = sqlite_db_begin(db, false);
	struct sqlite_request *next;
	bool is_done;

	for (; *request != NULL && status == SQLITE_DB_OK; *request = next) {
		next = TAILQ_NEXT(*request, link);
		status = sqlite_request_try_reading(*request, db, &is_done);
		if (status != SQLITE_DB_OK)
			break;
		if (!is_done || !sqlite_request_passes(*request))
			continue;
		(*request)->status = STORE_ANSWERED;
		TAILQ_REMOVE(asked, *request, link);
		TAILQ_INSERT_TAIL(done, *request, link);
	}
	/* Nothing was written, and why something could not be read does not matter: the worker will
	 * meet it, if it lasts. */
	sqlite_db_rollback(db);
	return status;
}

/* One that cannot be read now is left, for a page of its own is not in memory; when many cannot,
 * all are. */
static void sqlite_look_read_all(struct sqlite_db *db, struct sqlite_queue *asked,
				 struct sqlite_queue *done)
{
	struct sqlite_request *request = TAILQ_FIRST(asked);

	for (int failures = 0; request != NULL && failures < SQLITE_LOOK_FAILURES_MAX; failures++)
		if (sqlite_look_read(db, asked, &request, done) != SQLITE_DB_OK)
			request = TAILQ_NEXT(request, link);
}

void sqlite_look(struct sqlite_look *look, struct sqlite_queue *asked, struct sqlite_queue *done)
{
	if (!look->can_read || pthread_mutex_trylock(&look->lock) != 0)
		return;
	if (look->db != NULL) {
		sqlite_nowait_begin();
		sqlite_look_read_all(look->db, asked, done);
		sqlite_nowait_end();
	}
	pthread_mutex_unlock(&look->lock);
}

void sqlite_look_free(struct sqlite_look **look)
{
	struct sqlite_look *freed = *look;

	if (freed == NULL)
		return;
	*look = NULL;
	sqlite_db_close(&freed->db);
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}
