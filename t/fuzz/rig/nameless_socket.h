/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening unix socket that has no name in the file system (unix(7), autobind), so that nothing
 * is left of it, and nobody else comes.
 */
#pragma once

#include "daemon/listener.h"

/* The one of this process; made at the first call. */
const struct listeners *nameless_listeners(void);

/* A connection to it, not blocking; the caller closes it. */
int nameless_connect(void);
