/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this host is called.
 */
#pragma once

#include <stddef.h>

enum { HOSTNAME_SIZE = 256 };

/*
 * The host's fully qualified name, as `hostname -f` prints it; its short name when no other is to
 * be found.  May ask DNS, and wait for it: not for the event loop.
 */
void hostname_get(char name[static HOSTNAME_SIZE]);
