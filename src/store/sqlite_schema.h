/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the SQLite store, and what a file must be to have them.
 */
#pragma once

#include "sqlite_db.h"

#include <sqlite3.h>

/*
 * Make the tables in an empty file, or see that they are ours, and bring those of an earlier
 * version up to this one.  why says what is wrong on anything but SQLITE_DB_OK.
 */
enum sqlite_db_status sqlite_schema_check(sqlite3 *handle, char why[static STORE_WHY_SIZE])
	__attribute__((warn_unused_result));

/* What kind of failure code is, SQLite's answer to the last call on handle; why says it in words.
 */
enum sqlite_db_status sqlite_schema_failed(sqlite3 *handle, int code,
					   char why[static STORE_WHY_SIZE]);
