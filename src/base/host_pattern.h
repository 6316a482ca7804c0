/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts as an admin names them: "mail.example.org", or ".example.org" for all below it.
 */
#pragma once

#include "span.h"

/* NULL, or what is wrong with pattern, which is in lower case. */
const char *host_pattern_check(struct span pattern);
