/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The farms' networks in the SQLite database (store.h): steps as those of sqlite_db.h.
 */
#pragma once

#include "sqlite_db.h"

/* Rows that were read. */
struct sqlite_networks {
	struct store_networks *rows; /* owned, and their texts */
	size_t count, size;
};

void sqlite_networks_clear(struct sqlite_networks *networks);

/* The caller clears *networks in any case. */
enum sqlite_db_status sqlite_networks_read(struct sqlite_db *db, struct sqlite_networks *networks)
	__attribute__((warn_unused_result));
enum sqlite_db_status sqlite_networks_keep(struct sqlite_db *db,
					   const struct store_networks *networks)
	__attribute__((warn_unused_result));
enum sqlite_db_status sqlite_networks_forget(struct sqlite_db *db, const char *domain)
	__attribute__((warn_unused_result));
