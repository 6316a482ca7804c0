/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_meta.h"

enum sqlite_db_status sqlite_meta_get(struct sqlite_statements *sql, const char *name,
				      int64_t *number, bool *has_row)
{
	sqlite_statement_bind_text(sql, SQL_META_GET, 1, name);
	enum sqlite_db_status status = sqlite_statement_step(sql, SQL_META_GET, has_row);
	if (status == SQLITE_DB_OK && *has_row)
		*number = sqlite_statement_number(sql, SQL_META_GET, 0);
	sqlite_statement_finish(sql, SQL_META_GET);
	return status;
}

enum sqlite_db_status sqlite_meta_set(struct sqlite_statements *sql, const char *name,
				      int64_t number)
{
	sqlite_statement_bind_text(sql, SQL_META_SET, 1, name);
	sqlite_statement_bind_number(sql, SQL_META_SET, 2, number);
	return sqlite_statement_run(sql, SQL_META_SET);
}
