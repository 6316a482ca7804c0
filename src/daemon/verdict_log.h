/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one line that a verdict leaves in the log.  The fields that postgrey's readers know come
 * first, in its form; ours follow, and new ones go behind them.
 */
#pragma once

#include "rules/evidence.h"
#include "rules/request.h"
#include "rules/verdict.h"

#include <stdbool.h>

struct privacy;

enum { VERDICT_LOG_SIZE = 6144 }; /* room for every field at its longest */

/* What the line tells.  All is borrowed. */
struct verdict_log_entry {
	const struct verdict *verdict;
	const struct request *request;
	const struct evidence *evidence; /* what is known of the client, or NULL */
	const char *key;                 /* what the triplet is stored under, or empty */
	const struct privacy *privacy;   /* not NULL: names and addresses are hashed */
};

/* The line, without an end of line; false, with line untouched, for a verdict that leaves none. */
bool verdict_log_format(const struct verdict_log_entry *entry, char line[static VERDICT_LOG_SIZE]);

/* Write it to the log. */
void verdict_log(const struct verdict_log_entry *entry);
