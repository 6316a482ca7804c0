/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be loaded before all else (LD_PRELOAD, ld.so(8)): memory ends at a certain allocation.
 * MEMORY_LIMIT names a file with a struct memory_limit, which is mapped, so that a test sees how
 * far a process is, and sets the end while it runs (memory_limit.py).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct memory_limit {
	_Atomic int64_t count; /* allocations so far */
	_Atomic int64_t first; /* the first that fails; 0: none does */
	_Atomic int64_t last;  /* the last that fails */
};

/* glibc's own names for what we replace: dlsym(3) would want memory itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static struct memory_limit none; /* before the file is mapped, and where there is none */
static struct memory_limit *limit = &none;

__attribute__((constructor)) static void limit_init(void)
{
	const char *path = getenv("MEMORY_LIMIT");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *mapped =
		fd < 0 ? MAP_FAILED
		       : mmap(NULL, sizeof(*limit), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (mapped != MAP_FAILED)
		limit = mapped;
}

static int limit_is_reached(void)
{
	int64_t number = atomic_fetch_add(&limit->count, 1) + 1;
	int64_t first = atomic_load(&limit->first);

	if (first == 0 || number < first || number > atomic_load(&limit->last))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return limit_is_reached() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return limit_is_reached() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return limit_is_reached() ? NULL : __libc_realloc(block, size);
}
