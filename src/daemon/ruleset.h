/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules in force: settings and tables, as of one moment.
 *
 * They never change: an edit or a reload makes a new ruleset, which shares with the old one what
 * did not change, and a check goes on with the one that it began with.  Holders are counted; the
 * counts belong to the event loop's thread.
 */
#pragma once

#include "base/config.h"
#include "rules/access.h"
#include "rules/farm.h"

enum ruleset_table {
	RULESET_SENDER_ACCESS,
	RULESET_RECIPIENT_ACCESS,
	RULESET_FARMS,
	RULESET_TABLE_COUNT,
};

struct ruleset;

/* A table as it was read, on its way into a ruleset: one pointer is not NULL, or both are: none. */
struct ruleset_part {
	struct access_table *access;
	struct farm_table *farms;
};

/*
 * Take over config and the tables in parts; where a part is empty, the table of previous (NULL: no
 * part is empty) goes on.  The caller is the first holder.
 */
struct ruleset *ruleset_new(struct config *config, struct ruleset_part parts[RULESET_TABLE_COUNT],
			    struct ruleset *previous);

/* The same rules with one table replaced by part, which is taken over.  The caller is its first
 * holder, and still holds ruleset. */
struct ruleset *ruleset_replace(struct ruleset *ruleset, enum ruleset_table which,
				struct ruleset_part part);

const struct config *ruleset_config(const struct ruleset *ruleset);
const struct access_table *ruleset_sender_access(const struct ruleset *ruleset);
const struct access_table *ruleset_recipient_access(const struct ruleset *ruleset);
const struct farm_table *ruleset_farms(const struct ruleset *ruleset);

/* Read one of the tables as config names it; false, with what is wrong in diag, on an error. */
bool ruleset_read_table(const struct config *config, enum ruleset_table which,
			struct ruleset_part *part, struct diag *diag);

/* The setting that names a table's file. */
const struct config_path *ruleset_table_path(const struct config *config, enum ruleset_table which);

/* Entries (or farms) in part. */
size_t ruleset_part_count(const struct ruleset_part *part);

void ruleset_part_free(struct ruleset_part *part);

/* One holder more; returns ruleset. */
struct ruleset *ruleset_hold(struct ruleset *ruleset);

/* One holder less; the last one frees it. */
void ruleset_release(struct ruleset **ruleset);
