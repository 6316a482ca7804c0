/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another program prints, without a shell, and within bounds of size and time.
 */
#pragma once

enum { CHILD_OUTPUT_MAX = 256 * 1024 /* bytes; what is more is not read */ };

/*
 * Run argv (argv[0] is looked for in PATH, or is a path; NULL behind the last) and return what it
 * prints on stdout, or NULL when it is not there, fails, or takes longer than timeout_ms, in which
 * case it is killed.  Its stderr is dropped.  errno is ENOENT exactly when it is not there.  Free
 * it.
 */
char *child_read(char *const argv[], int timeout_ms);
