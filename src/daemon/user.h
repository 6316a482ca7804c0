/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user that the daemon runs as, when root starts it.
 */
#pragma once

#include "base/diag.h"

#include <stdbool.h>

/* Whether there is a user called name, or name is empty.  False, with what is wrong in diag. */
bool user_check(const char *name, struct diag *diag);

/*
 * Become the user called name, for good; empty: stay.  Who is not root can only "become" who he is.
 * False, with what is wrong in diag.
 */
bool user_become(const char *name, struct diag *diag);
