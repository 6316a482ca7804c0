/* SPDX-License-Identifier: BSD-2-Clause */
/* A database that is read without waiting for the disk: what is in memory is found, and what is not
 * is an error. */
#include "store/sqlite_nowait.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, LAST_ROW = 500 };

/* Where the build is: /tmp may have no disk behind it. */
static const char file_name[] = "store_nowait.db";

static void make_database(void)
{
	sqlite3 *handle = NULL;

	unlink(file_name);
	sqlite3_open(file_name, &handle);
	sqlite3_exec(
		handle,
		"CREATE TABLE t (id INTEGER PRIMARY KEY, text);"
		"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		"INSERT INTO t SELECT i, zeroblob(3000) FROM n",
		NULL, NULL, NULL);
	sqlite3_close(handle);
}

/* Whether byte at of the file would be read without waiting. */
static bool is_in_memory(int fd, off_t at)
{
	char byte;
	struct iovec one = {&byte, 1};

	return preadv2(fd, &one, 1, at, RWF_NOWAIT) == 1;
}

/* Let the page cache forget the file.  False: it does not, or the file system has no such thing. */
static bool forget(int fd)
{
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return !is_in_memory(fd, (off_t)LAST_ROW / 2 * PAGE) && errno == EAGAIN;
}

/* The result code of reading one row. */
static int read_row(sqlite3 *handle, int row)
{
	sqlite3_stmt *statement = NULL;

	int code = sqlite3_prepare_v2(handle, "SELECT text FROM t WHERE id = ?1", -1, &statement,
				      NULL);
	if (code == SQLITE_OK) {
		sqlite3_bind_int(statement, 1, row);
		code = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return code;
}

static int read_row_at_once(sqlite3 *handle, int row)
{
	sqlite_nowait_begin();
	int code = read_row(handle, row);
	sqlite_nowait_end();
	return code;
}

static void test_page_cache(int fd)
{
	sqlite3 *handle = NULL;

	sqlite3_open(file_name, &handle);
	sqlite3_extended_result_codes(handle, 1);
	read_row(handle, 1);
	if (!forget(fd)) {
		tap_ok(true, "what is not in memory # SKIP not on this file system");
	} else {
		tap_is_number(read_row_at_once(handle, LAST_ROW), SQLITE_IOERR_READ,
			      "what is not in memory is an error");
		tap_is_number(read_row(handle, LAST_ROW), SQLITE_ROW,
			      "whoever waits for the disk has it");
	}
	read_row(handle, LAST_ROW);
	sqlite3_db_release_memory(handle);
	tap_is_number(read_row_at_once(handle, LAST_ROW), SQLITE_ROW, "what is in memory is there");
	sqlite3_close(handle);
}

int main(void)
{
	tap_ok(sqlite_nowait_install(), "SQLite reads by a call that can be replaced");
	make_database();
	/* Open as long as SQLite has it open: closing it would give up SQLite's locks. */
	int fd = open(file_name, O_RDONLY | O_CLOEXEC);
	test_page_cache(fd);
	close(fd);
	unlink(file_name);
	return tap_done();
}
