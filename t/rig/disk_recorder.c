/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be loaded before all else (LD_PRELOAD, ld.so(8)): records what SQLite does to its files, so
 * that a test can tell what a disk may hold after a power cut (power_cut.py).
 *
 * DISK_WATCHED is the path of the database, DISK_RECORD the file that the records are appended to.
 * A record is written together with what it tells, under one lock: their order is the disk's.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* power_cut.py reads it: as it lies in memory, little-endian, then length bytes. */
struct disk_record {
	char what; /* 'C' create, 'W' write, 'T' truncate, 'S' sync, 'U' unlink, 'D' folder's sync
		    */
	uint8_t file;   /* enum disk_file */
	uint16_t zero;  /* no room is left to chance */
	uint32_t count; /* 'W': bytes behind this record */
	uint64_t at;    /* 'W': offset in the file; 'T': its size */
};

enum disk_file { DISK_DATABASE, DISK_LOG, DISK_JOURNAL, DISK_FOLDER, DISK_OTHER };

static const char *const disk_suffixes[] = {
	[DISK_DATABASE] = "", [DISK_LOG] = "-wal", [DISK_JOURNAL] = "-journal"};

static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	const char *watched;
	size_t folder_length; /* of watched, without the last slash */
	int record;
	int (*open64)(const char *path, int flags, ...);
	ssize_t (*pwrite64)(int fd, const void *bytes, size_t count, off64_t at);
	int (*ftruncate64)(int fd, off64_t size);
	int (*fdatasync)(int fd);
	int (*unlink)(const char *path);
} disk = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

/* What stands behind us, as dlsym(3) says to convert it. */
#define DISK_NEXT(name) (*(void **)&disk.name = dlsym(RTLD_NEXT, #name))

static void disk_init(void)
{
	DISK_NEXT(open64);
	DISK_NEXT(pwrite64);
	DISK_NEXT(ftruncate64);
	DISK_NEXT(fdatasync);
	DISK_NEXT(unlink);
	disk.watched = getenv("DISK_WATCHED");
	const char *record = getenv("DISK_RECORD");
	if (disk.watched == NULL || record == NULL)
		abort();
	disk.folder_length = (size_t)(strrchr(disk.watched, '/') - disk.watched);
	/* open() may be our own open64(), which waits for the end of this. */
	disk.record = disk.open64(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (disk.record < 0)
		abort();
}

static enum disk_file disk_file_of_path(const char *path)
{
	size_t length = strlen(disk.watched);

	if (strncmp(path, disk.watched, length) == 0)
		for (enum disk_file file = DISK_DATABASE; file <= DISK_JOURNAL; file++)
			if (strcmp(path + length, disk_suffixes[file]) == 0)
				return file;
	if (strlen(path) == disk.folder_length &&
	    strncmp(path, disk.watched, disk.folder_length) == 0)
		return DISK_FOLDER;
	return DISK_OTHER;
}

static enum disk_file disk_file_of(int fd)
{
	char link[64], path[4096];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return DISK_OTHER;
	path[length] = '\0';
	return disk_file_of_path(path);
}

static void disk_write(char what, enum disk_file file, uint64_t at, const void *bytes, size_t count)
{
	struct disk_record head = {
		.what = what, .file = (uint8_t)file, .count = (uint32_t)count, .at = at};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)bytes, count}};

	if (file != DISK_OTHER && writev(disk.record, parts, 2) != (ssize_t)(sizeof(head) + count))
		abort();
}

/* What is there already is not created; power_cut.py knows. */
int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode = 0;

	pthread_once(&disk.once, disk_init);
	if ((flags & O_CREAT) != 0) {
		va_start(more, flags);
		mode = va_arg(more, mode_t);
		va_end(more);
	}
	pthread_mutex_lock(&disk.lock);
	int fd = disk.open64(path, flags, mode);
	if (fd >= 0 && (flags & O_CREAT) != 0)
		disk_write('C', disk_file_of_path(path), 0, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return fd;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	pthread_once(&disk.once, disk_init);
	pthread_mutex_lock(&disk.lock);
	ssize_t written = disk.pwrite64(fd, bytes, count, at);
	if (written > 0)
		disk_write('W', disk_file_of(fd), (uint64_t)at, bytes, (size_t)written);
	pthread_mutex_unlock(&disk.lock);
	return written;
}

int ftruncate64(int fd, off64_t size)
{
	pthread_once(&disk.once, disk_init);
	pthread_mutex_lock(&disk.lock);
	int result = disk.ftruncate64(fd, size);
	if (result == 0)
		disk_write('T', disk_file_of(fd), (uint64_t)size, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return result;
}

int fdatasync(int fd)
{
	pthread_once(&disk.once, disk_init);
	pthread_mutex_lock(&disk.lock);
	int result = disk.fdatasync(fd);
	enum disk_file file = disk_file_of(fd);
	if (result == 0)
		disk_write(file == DISK_FOLDER ? 'D' : 'S', file, 0, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return result;
}

int unlink(const char *path)
{
	pthread_once(&disk.once, disk_init);
	pthread_mutex_lock(&disk.lock);
	int result = disk.unlink(path);
	if (result == 0)
		disk_write('U', disk_file_of_path(path), 0, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return result;
}
