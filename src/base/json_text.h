/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that a person or a stranger wrote, as a JSON string: JSON is UTF-8, and what is shown from
 * it must not steer a terminal.
 */
#pragma once

#include <jansson.h>

/* A new reference; what is not printable becomes \xNN (printable.h).  Never NULL. */
json_t *json_text(const char *text);
