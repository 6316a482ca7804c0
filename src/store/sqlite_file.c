/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_file.h"

#include "base/clock.h"
#include "base/span.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool sqlite_file_is_text(const char *path)
{
	char start[512];
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	size_t length = fread(start, 1, sizeof(start), file);
	fclose(file);
	for (size_t i = 0; i < length; i++)
		if (start[i] >= 0 && start[i] < ' ' && !ascii_is_one_of(start[i], "\t\r\n\f"))
			return false;
	return length > 0;
}

ino_t sqlite_file_log_inode(const char *path)
{
	char log[4096];
	struct stat about;

	snprintf(log, sizeof(log), "%s-wal", path);
	return stat(log, &about) == 0 ? about.st_ino : 0;
}

void sqlite_file_remove_log(const char *path)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
}

bool sqlite_file_move_aside(const char *path, char *moved_to, size_t size)
{
	char date[32], from[4096], to[4096];
	time_t now = (time_t)clock_wall_s();
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &utc);
	/* Two in one second: the second must not replace the first. */
	for (int n = 1; n < 100; n++) {
		int length = n == 1 ? snprintf(moved_to, size, "%s.damaged-%s", path, date)
				    : snprintf(moved_to, size, "%s.damaged-%s.%d", path, date, n);
		if (length < 0 || (size_t)length >= size) {
			errno = ENAMETOOLONG;
			return false;
		}
		if (access(moved_to, F_OK) != 0)
			break;
	}
	/* The log belongs to the database: a new one must not find the old one's.  sqlite3(1) finds
	 * the two together under the new name. */
	snprintf(from, sizeof(from), "%s-wal", path);
	snprintf(to, sizeof(to), "%s-wal", moved_to);
	if (rename(from, to) != 0 && errno != ENOENT)
		return false;
	snprintf(from, sizeof(from), "%s-shm", path);
	if (unlink(from) != 0 && errno != ENOENT)
		return false;
	return rename(path, moved_to) == 0;
}

int64_t sqlite_file_size(const char *path)
{
	char log[4096];
	struct stat about;
	int64_t size = 0;

	snprintf(log, sizeof(log), "%s-wal", path);
	if (stat(path, &about) == 0)
		size += about.st_size;
	if (stat(log, &about) == 0)
		size += about.st_size;
	return size;
}
