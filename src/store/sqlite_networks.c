/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_networks.h"

#include "base/memory.h"
#include "sqlite_statement.h"

#include <stdlib.h>

void sqlite_networks_clear(struct sqlite_networks *networks)
{
	for (size_t i = 0; i < networks->count; i++) {
		free((void *)networks->rows[i].domain);
		free((void *)networks->rows[i].networks);
	}
	free(networks->rows);
	*networks = (struct sqlite_networks){0};
}

enum sqlite_db_status sqlite_networks_read(struct sqlite_db *db, struct sqlite_networks *networks)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);
	enum sqlite_db_status status;
	bool has_row;

	while ((status = sqlite_statement_step(sql, SQL_NETWORKS_READ, &has_row)) == SQLITE_DB_OK &&
	       has_row) {
		if (networks->count == networks->size) {
			networks->size = networks->size > 0 ? 2 * networks->size : 16;
			networks->rows = mem_resize(networks->rows,
						    networks->size * sizeof(*networks->rows));
		}
		networks->rows[networks->count++] = (struct store_networks){
			.domain = sqlite_statement_copy_text(sql, SQL_NETWORKS_READ, 0),
			.networks = sqlite_statement_copy_text(sql, SQL_NETWORKS_READ, 1),
			.resolved_s = sqlite_statement_amount(sql, SQL_NETWORKS_READ, 2),
			.fresh_until_s = sqlite_statement_amount(sql, SQL_NETWORKS_READ, 3),
		};
	}
	sqlite_statement_finish(sql, SQL_NETWORKS_READ);
	return status;
}

enum sqlite_db_status sqlite_networks_keep(struct sqlite_db *db,
					   const struct store_networks *networks)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);

	sqlite_statement_bind_text(sql, SQL_NETWORKS_KEEP, 1, networks->domain);
	sqlite_statement_bind_text(sql, SQL_NETWORKS_KEEP, 2, networks->networks);
	sqlite_statement_bind_number(sql, SQL_NETWORKS_KEEP, 3, networks->resolved_s);
	sqlite_statement_bind_number(sql, SQL_NETWORKS_KEEP, 4, networks->fresh_until_s);
	return sqlite_statement_run(sql, SQL_NETWORKS_KEEP);
}

enum sqlite_db_status sqlite_networks_forget(struct sqlite_db *db, const char *domain)
{
	struct sqlite_statements *sql = sqlite_db_statements(db);

	sqlite_statement_bind_text(sql, SQL_NETWORKS_FORGET, 1, domain);
	return sqlite_statement_run(sql, SQL_NETWORKS_FORGET);
}
