/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entries and clients have in common: they are listed page by page, and removed by a filter.
 */
#pragma once

#include "client.h"
#include "table.h"

enum { LISTING_DEFAULT_LIMIT = 100, LISTING_PAGE = 1000 };

/* All borrowed. */
struct listing {
	const char *path;                  /* of the request */
	const char *rows;                  /* the name of the array in the answer */
	const struct client_field *fields; /* the filter */
	size_t field_count;                /* at most LISTING_FIELDS_MAX */
	int64_t limit;                     /* of rows */
	const struct table_column *columns;
	size_t column_count;
	void (*add_row)(struct table *table, const json_t *row);
	const char *none, *rest; /* what to say when there is no row, and when not all are shown */
};

enum { LISTING_FIELDS_MAX = 8 };

/* These return an enum ctl_status.  Print the rows, following the pages; with --json each page is
 * printed as it came.  Returns CTL_REFUSED when there is none. */
int listing_print(const struct ctl *ctl, const struct listing *listing);

/* Count the rows, whatever their number. */
int listing_count(const struct ctl *ctl, const struct listing *listing, int64_t *count);

/* DELETE what the fields mean, and tell how many there were. */
int listing_remove(const struct ctl *ctl, const char *path, const struct client_field *fields,
		   size_t field_count, const char *one, const char *several);

/* A number from 1 on; false after telling that it is none. */
bool listing_parse_limit(const char *command, const char *text, int64_t *limit);

/* A number of a row; 0 when it is none. */
int64_t listing_number(const json_t *row, const char *name);
