/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An explanation as JSON, and in words for a mail admin.
 *
 * {"steps": [...], "verdict": {...}}: the steps in the order in which they were taken, each with
 * "step", "result" (a word), "text" (a sentence), "details" (more lines), and for some of them what
 * a script wants to know; a step that was not reached is not there.
 */
#pragma once

#include "explanation.h"

#include <jansson.h>
#include <stdint.h>

/* A new reference.  now_s: Unix time, for "3 min ago". */
json_t *explanation_json(const struct explanation *explanation, const struct verdict *verdict,
			 int64_t now_s);
