/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading from a database without waiting for the disk.
 *
 * SQLite has no such mode, but lets its calls of the system be replaced (xSetSystemCall of
 * sqlite3_vfs).  Between sqlite_nowait_begin() and sqlite_nowait_end() a thread reads by preadv2(2)
 * with RWF_NOWAIT: what is not in the page cache, or is on a file system that cannot tell, is not
 * read, and the statement that wants it fails with SQLITE_IOERR_READ.
 */
#pragma once

#include <stdbool.h>

/* Once, before any database is opened.  False: this SQLite reads by other calls. */
bool sqlite_nowait_install(void);

void sqlite_nowait_begin(void);
void sqlite_nowait_end(void);
