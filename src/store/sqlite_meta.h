/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers in the table meta, each by its name.
 */
#pragma once

#include "sqlite_statement.h"

/* One that is missing leaves *number alone, and *has_row says so.  sqlite3(1) may have put any
 * number there. */
enum sqlite_db_status sqlite_meta_get(struct sqlite_statements *sql, const char *name,
				      int64_t *number, bool *has_row)
	__attribute__((warn_unused_result));

/* One that is missing stays missing. */
enum sqlite_db_status sqlite_meta_set(struct sqlite_statements *sql, const char *name,
				      int64_t number) __attribute__((warn_unused_result));
