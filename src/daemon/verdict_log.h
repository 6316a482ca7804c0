/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one line that a verdict leaves in the log.  The fields that postgrey's readers know come
 * first, in its form; ours follow, and new ones go behind them.
 */
#pragma once

#include "rules/evidence.h"
#include "rules/request.h"
#include "rules/verdict.h"

struct privacy;

/*
 * evidence: what is known of the client, or NULL.  key: what the triplet is stored under, or empty.
 * privacy: not NULL when names and addresses are to be hashed.
 */
void verdict_log(const struct verdict *verdict, const struct request *request,
		 const struct evidence *evidence, const char *key, const struct privacy *privacy);
