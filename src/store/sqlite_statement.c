/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_statement.h"

#include "base/memory.h"
#include "sqlite_schema.h"

/* Rows of what is read whole into memory: a hundred times what there is.  Tables of a damaged file
 * may have no end. */
#define SQLITE_STATEMENT_ALL " LIMIT 10000"

static const char *const sqlite_statement_sql[] = {
	[SQL_BEGIN] = "BEGIN",
	[SQL_BEGIN_WRITING] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	/* A cross join is done in the order in which it is written. */
	[SQL_ENTRY_FIND] = "SELECT e.id, first_seen, last_seen, passes"
			   " FROM place AS p CROSS JOIN entry AS e ON e.id = p.id WHERE p.hash = ?1"
			   " AND identity = ?2 AND sender = ?3 AND recipient = ?4",
	[SQL_ENTRY_GET] = "SELECT id, first_seen, last_seen, passes FROM entry"
			  " WHERE id = ?1 AND identity = ?2 AND sender = ?3 AND recipient = ?4",
	[SQL_ENTRY_RECENT] = "SELECT id, hash FROM entry WHERE id > ?1 ORDER BY id",
	/* What a kill left half-done is done again. */
	[SQL_PLACE_ADD] = "INSERT OR IGNORE INTO place (hash, id) VALUES (?1, ?2)",
	[SQL_PLACE_REMOVE] = "DELETE FROM place WHERE hash = ?1 AND"
			     " NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = place.id)",
	[SQL_REMOVED_SPAN] = "SELECT (SELECT number FROM removed WHERE number > 0"
			     " ORDER BY number LIMIT 1), (SELECT max(number) FROM removed)",
	[SQL_REMOVED_READ] = "SELECT number, hash FROM removed WHERE number > ?1 AND number <= ?2"
			     " ORDER BY number LIMIT ?3",
	/* The last one stays, so that numbers only grow.  One bound, as SQLite would look at all
	 * up to ?1 otherwise. */
	[SQL_REMOVED_FORGET] = "DELETE FROM removed WHERE number <"
			       " min(?1 + 1, (SELECT min(number) FROM removed) + ?2,"
			       " (SELECT max(number) FROM removed))",
	[SQL_DATA_VERSION] = "PRAGMA data_version",
	[SQL_ENTRY_INSERT] = "INSERT INTO entry (hash, identity, sender, recipient,"
			     " first_seen, last_seen, passes, expires, id)"
			     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_ENTRY_UPDATE] =
		"UPDATE entry SET first_seen = ?2, last_seen = ?3, passes = ?4, expires = ?5"
		" WHERE id = ?1",
	[SQL_ENTRY_EXPIRE] = "DELETE FROM entry WHERE id IN"
			     " (SELECT id FROM entry WHERE expires < ?1 ORDER BY expires LIMIT ?2)"
			     " RETURNING passes, hash, id",
	[SQL_ENTRY_MAKE_ROOM] = "DELETE FROM entry WHERE id IN"
				" (SELECT id FROM entry WHERE expires > ?2"
				" ORDER BY expires LIMIT ?1)"
				" RETURNING passes, hash, id",
	[SQL_CLIENT_FIND] = "SELECT counted, last_seen, passes FROM client WHERE identity = ?1",
	[SQL_CLIENT_KEEP] = "INSERT INTO client (identity, counted, last_seen, passes, expires)"
			    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (identity) DO UPDATE SET"
			    " counted = ?2, last_seen = ?3, passes = ?4, expires = ?5",
	[SQL_CLIENT_EXPIRE] =
		"DELETE FROM client WHERE identity IN"
		" (SELECT identity FROM client WHERE expires < ?1 ORDER BY expires LIMIT ?2)",
	[SQL_NETWORKS_READ] = "SELECT domain, networks, resolved, fresh_until"
			      " FROM farm_networks" SQLITE_STATEMENT_ALL,
	[SQL_NETWORKS_KEEP] = "INSERT INTO farm_networks (domain, networks, resolved, fresh_until)"
			      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (domain) DO UPDATE SET"
			      " networks = ?2, resolved = ?3, fresh_until = ?4",
	[SQL_NETWORKS_FORGET] = "DELETE FROM farm_networks WHERE domain = ?1",
	[SQL_ENTRY_SCAN] = "SELECT id, hash, identity, sender, recipient,"
			   " first_seen, last_seen, passes, expires"
			   " FROM entry WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
	[SQL_ENTRY_FORGET] = "DELETE FROM entry WHERE id = ?1 AND hash = ?2"
			     " AND passes BETWEEN ?3 AND ?4 RETURNING passes",
	[SQL_CLIENT_SCAN] = "SELECT identity, counted, last_seen, passes, expires FROM client"
			    " WHERE identity > ?1 ORDER BY identity LIMIT ?2",
	[SQL_CLIENT_FORGET] = "DELETE FROM client WHERE identity = ?1",
	[SQL_TOTAL_READ] = "SELECT name, value FROM total" SQLITE_STATEMENT_ALL,
	[SQL_TOTAL_KEEP] = "INSERT INTO total (name, value) VALUES (?1, ?2)"
			   " ON CONFLICT (name) DO UPDATE SET value = ?2",
	[SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
	[SQL_META_SET] = "UPDATE meta SET value = ?2 WHERE name = ?1",
};

_Static_assert(sizeof(sqlite_statement_sql) / sizeof(sqlite_statement_sql[0]) ==
		       SQL_STATEMENT_COUNT,
	       "text for every statement");

enum sqlite_db_status sqlite_statements_prepare(struct sqlite_statements *sql)
{
	for (size_t i = 0; i < SQL_STATEMENT_COUNT; i++) {
		int code = sqlite3_prepare_v3(sql->handle, sqlite_statement_sql[i], -1,
					      SQLITE_PREPARE_PERSISTENT, &sql->list[i], NULL);
		if (code != SQLITE_OK) {
			enum sqlite_db_status status =
				sqlite_schema_failed(sql->handle, code, sql->why);
			/* "No such table" in a file that says it is ours: part of it is gone. */
			return code == SQLITE_ERROR ? SQLITE_DB_DAMAGED : status;
		}
	}
	return SQLITE_DB_OK;
}

void sqlite_statements_clear(struct sqlite_statements *sql)
{
	for (size_t i = 0; i < SQL_STATEMENT_COUNT; i++) {
		sqlite3_finalize(sql->list[i]);
		sql->list[i] = NULL;
	}
}

void sqlite_statement_bind_text(struct sqlite_statements *sql, enum sqlite_statement which,
				int parameter, const char *text)
{
	/* With the parameter's number from the table above, binding fails only for want of memory.
	 */
	sqlite3_bind_text(sql->list[which], parameter, text, -1, SQLITE_STATIC);
}

void sqlite_statement_bind_real(struct sqlite_statements *sql, enum sqlite_statement which,
				int parameter, double number)
{
	sqlite3_bind_double(sql->list[which], parameter, number);
}

void sqlite_statement_bind_number(struct sqlite_statements *sql, enum sqlite_statement which,
				  int parameter, int64_t number)
{
	sqlite3_bind_int64(sql->list[which], parameter, number);
}

enum sqlite_db_status sqlite_statement_step(struct sqlite_statements *sql,
					    enum sqlite_statement which, bool *has_row)
{
	int code = sqlite3_step(sql->list[which]);
	*has_row = code == SQLITE_ROW;
	return code == SQLITE_ROW || code == SQLITE_DONE
		       ? SQLITE_DB_OK
		       : sqlite_schema_failed(sql->handle, code, sql->why);
}

const char *sqlite_statement_text(struct sqlite_statements *sql, enum sqlite_statement which,
				  int column)
{
	const unsigned char *text = sqlite3_column_text(sql->list[which], column);
	return text != NULL ? (const char *)text : "";
}

char *sqlite_statement_copy_text(struct sqlite_statements *sql, enum sqlite_statement which,
				 int column)
{
	return mem_copy_string(sqlite_statement_text(sql, which, column));
}

int64_t sqlite_statement_number(struct sqlite_statements *sql, enum sqlite_statement which,
				int column)
{
	return sqlite3_column_int64(sql->list[which], column);
}

int64_t sqlite_statement_to_amount(int64_t number)
{
	if (number < 0)
		return 0;
	return number < STORE_AMOUNT_MAX ? number : STORE_AMOUNT_MAX;
}

int64_t sqlite_statement_amount(struct sqlite_statements *sql, enum sqlite_statement which,
				int column)
{
	return sqlite_statement_to_amount(sqlite_statement_number(sql, which, column));
}

double sqlite_statement_real(struct sqlite_statements *sql, enum sqlite_statement which, int column)
{
	return sqlite3_column_double(sql->list[which], column);
}

void sqlite_statement_finish(struct sqlite_statements *sql, enum sqlite_statement which)
{
	sqlite3_reset(sql->list[which]);
}

enum sqlite_db_status sqlite_statement_run(struct sqlite_statements *sql,
					   enum sqlite_statement which)
{
	bool has_row;
	enum sqlite_db_status status = sqlite_statement_step(sql, which, &has_row);
	sqlite_statement_finish(sql, which);
	return status;
}
