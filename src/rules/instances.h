/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which messages had their header already?
 *
 * Postfix asks once for each recipient, and tells by the attribute instance which requests are
 * about the same message; the header goes into it once, with the first recipient that passes.
 * Memory is fixed: of more messages than it holds, the oldest are forgotten, and would get it
 * twice.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>

struct instances;

struct instances *instances_new(void);

/* Remember instance.  True when it is new; so it always is when it is empty. */
bool instances_add(struct instances *instances, struct span instance);

void instances_free(struct instances **instances);
