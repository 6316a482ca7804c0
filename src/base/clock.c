/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

/* 0: the real clock.  Atomic, because the store's thread reads the time too. */
static _Atomic int64_t clock_test_wall_s;

int64_t clock_wall_s(void)
{
	int64_t test_s = atomic_load_explicit(&clock_test_wall_s, memory_order_relaxed);
	if (test_s != 0)
		return test_s;
	return (int64_t)time(NULL);
}

int64_t clock_mono_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

void clock_set_for_test(int64_t wall_s)
{
	atomic_store_explicit(&clock_test_wall_s, wall_s, memory_order_relaxed);
}
