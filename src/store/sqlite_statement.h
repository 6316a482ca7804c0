/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The statements of the SQLite store, and how one is run: prepared once for each connection, they
 * are bound, stepped and reset by number.
 */
#pragma once

#include "sqlite_db.h"

#include <sqlite3.h>

enum sqlite_statement {
	SQL_BEGIN,
	SQL_BEGIN_WRITING,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_ENTRY_FIND,
	SQL_ENTRY_GET,
	SQL_ENTRY_RECENT,
	SQL_PLACE_ADD,
	SQL_PLACE_REMOVE,
	SQL_REMOVED_SPAN,
	SQL_REMOVED_READ,
	SQL_REMOVED_FORGET,
	SQL_DATA_VERSION,
	SQL_ENTRY_INSERT,
	SQL_ENTRY_UPDATE,
	SQL_ENTRY_EXPIRE,
	SQL_ENTRY_MAKE_ROOM,
	SQL_CLIENT_FIND,
	SQL_CLIENT_KEEP,
	SQL_CLIENT_EXPIRE,
	SQL_NETWORKS_READ,
	SQL_NETWORKS_KEEP,
	SQL_NETWORKS_FORGET,
	SQL_ENTRY_SCAN,
	SQL_ENTRY_FORGET,
	SQL_CLIENT_SCAN,
	SQL_CLIENT_FORGET,
	SQL_TOTAL_READ,
	SQL_TOTAL_KEEP,
	SQL_META_GET,
	SQL_META_SET,
	SQL_STATEMENT_COUNT,
};

/* One connection's. */
struct sqlite_statements {
	sqlite3 *handle; /* borrowed */
	sqlite3_stmt *list[SQL_STATEMENT_COUNT];
	char why[STORE_WHY_SIZE]; /* why the last call failed */
};

enum sqlite_db_status sqlite_statements_prepare(struct sqlite_statements *sql)
	__attribute__((warn_unused_result));

void sqlite_statements_clear(struct sqlite_statements *sql);

/* The text outlives the step. */
void sqlite_statement_bind_text(struct sqlite_statements *sql, enum sqlite_statement which,
				int parameter, const char *text);

void sqlite_statement_bind_real(struct sqlite_statements *sql, enum sqlite_statement which,
				int parameter, double number);

void sqlite_statement_bind_number(struct sqlite_statements *sql, enum sqlite_statement which,
				  int parameter, int64_t number);

/*
 * Run a statement whose parameters are bound, up to its next row or its end.  The caller resets
 * it, by sqlite_statement_finish(), when it has read the rows.
 */
enum sqlite_db_status sqlite_statement_step(struct sqlite_statements *sql,
					    enum sqlite_statement which, bool *has_row)
	__attribute__((warn_unused_result));

/* Columns of the row that it stands on, counted from 0.  Whoever used sqlite3(1) on the database
 * may have put anything there: NULL is empty, or 0.  The text is a copy, which the caller frees. */
char *sqlite_statement_copy_text(struct sqlite_statements *sql, enum sqlite_statement which,
				 int column);
const char *sqlite_statement_text(struct sqlite_statements *sql, enum sqlite_statement which,
				  int column);
int64_t sqlite_statement_number(struct sqlite_statements *sql, enum sqlite_statement which,
				int column);
/* A time or a count: neither is below 0, nor so large that it could not be calculated with. */
int64_t sqlite_statement_to_amount(int64_t number);
int64_t sqlite_statement_amount(struct sqlite_statements *sql, enum sqlite_statement which,
				int column);
double sqlite_statement_real(struct sqlite_statements *sql, enum sqlite_statement which,
			     int column);

void sqlite_statement_finish(struct sqlite_statements *sql, enum sqlite_statement which);

/* Run a statement that gives no rows. */
enum sqlite_db_status sqlite_statement_run(struct sqlite_statements *sql,
					   enum sqlite_statement which)
	__attribute__((warn_unused_result));
