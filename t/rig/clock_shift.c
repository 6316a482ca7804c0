/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be loaded before all else (LD_PRELOAD, ld.so(8)): sets the wall clock of one process forth and
 * back while it runs.  CLOCK_SHIFT names a file that begins with a number of seconds, 64 bits of
 * this machine; it is mapped, so that what is written there counts at once.  Clocks that no admin
 * sets, CLOCK_MONOTONIC above all, go on as they do.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct {
	pthread_once_t once;
	const volatile int64_t *shift_s;
	int (*clock_gettime)(clockid_t clock, struct timespec *now);
} real = {.once = PTHREAD_ONCE_INIT};

static void shift_init(void)
{
	const char *path = getenv("CLOCK_SHIFT");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *mapped =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

	*(void **)&real.clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	if (mapped == MAP_FAILED)
		abort();
	close(fd);
	real.shift_s = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	pthread_once(&real.once, shift_init);
	int result = real.clock_gettime(clock, now);
	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *real.shift_s;
	return result;
}

time_t time(time_t *seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (seconds != NULL)
		*seconds = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}
