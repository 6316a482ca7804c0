/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite database as files with names: PATH, its write-ahead log PATH-wal, and PATH-shm.
 *
 * The three belong together: a database that finds the log of another takes it for its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Whether path is a text.  A slip of the pen in the setting store must not put somebody's text out
 * of the way as a damaged database; a database, however damaged, has bytes that no text has.
 */
bool sqlite_file_is_text(const char *path);

/* The inode number of the write-ahead log of the database in path; 0 when there is none. */
ino_t sqlite_file_log_inode(const char *path);

/* The size of the database in path and of its write-ahead log, in bytes. */
int64_t sqlite_file_size(const char *path);

/* Remove the write-ahead log of the database in path. */
void sqlite_file_remove_log(const char *path);

/*
 * Rename the database in path, with its write-ahead log, to a name with the date in it, written to
 * moved_to (of size bytes).  False, with errno, when that cannot be done.
 */
bool sqlite_file_move_aside(const char *path, char *moved_to, size_t size);
