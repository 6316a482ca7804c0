/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be loaded before all else (LD_PRELOAD, ld.so(8)): a disk that takes nothing more.  DISK_FAULT
 * names a file with an errno, 32 bits, 0 for a good disk; it is mapped, so that what is written
 * there counts at once.  Writing to files whose path begins with DISK_WATCHED fails with it, and so
 * does opening them for that; what is there can be read.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	pthread_once_t once;
	const volatile int32_t *fault;
	const char *watched;
	int (*open64)(const char *path, int flags, ...);
	ssize_t (*pwrite64)(int fd, const void *bytes, size_t count, off64_t at);
	int (*ftruncate64)(int fd, off64_t size);
	int (*fdatasync)(int fd);
} disk = {.once = PTHREAD_ONCE_INIT};

/* What stands behind us, as dlsym(3) says to convert it. */
#define DISK_NEXT(name) (*(void **)&disk.name = dlsym(RTLD_NEXT, #name))

static void disk_init(void)
{
	DISK_NEXT(open64);
	DISK_NEXT(pwrite64);
	DISK_NEXT(ftruncate64);
	DISK_NEXT(fdatasync);
	disk.watched = getenv("DISK_WATCHED");
	const char *path = getenv("DISK_FAULT");
	/* open() may be our own open64(), which waits for the end of this. */
	int fd = path == NULL ? -1 : disk.open64(path, O_RDONLY | O_CLOEXEC);
	void *mapped =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int32_t), PROT_READ, MAP_SHARED, fd, 0);
	if (disk.watched == NULL || mapped == MAP_FAILED)
		abort();
	close(fd);
	disk.fault = mapped;
}

static int disk_is_watched(const char *path)
{
	return strncmp(path, disk.watched, strlen(disk.watched)) == 0;
}

/* Whether to write to fd fails now; errno says why. */
static int disk_fails(int fd)
{
	char link[64], path[4096];

	pthread_once(&disk.once, disk_init);
	if (*disk.fault == 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return 0;
	path[length] = '\0';
	errno = *disk.fault;
	return disk_is_watched(path);
}

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
	if (*disk.fault != 0 && (flags & O_ACCMODE) != O_RDONLY && disk_is_watched(path)) {
		errno = *disk.fault;
		return -1;
	}
	return disk.open64(path, flags, mode);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	return disk_fails(fd) ? -1 : disk.pwrite64(fd, bytes, count, at);
}

int ftruncate64(int fd, off64_t size)
{
	return disk_fails(fd) ? -1 : disk.ftruncate64(fd, size);
}

int fdatasync(int fd)
{
	return disk_fails(fd) ? -1 : disk.fdatasync(fd);
}
