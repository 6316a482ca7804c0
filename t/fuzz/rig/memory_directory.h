/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory of this process's own on a file system in memory, for what is more than one file, as
 * a database is.  It is gone when the process ends as it should.
 */
#pragma once

/* Its path; made at the first call. */
const char *memory_directory(void);

/* Remove all that is in it. */
void memory_directory_empty(void);
