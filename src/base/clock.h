/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two clocks, and the one place where a test may set them.
 *
 * What is stored is wall-clock time, so that it means something after a restart; what waits
 * (deadlines, timeouts) is monotonic, so that a clock which is set does not disturb it.
 */
#pragma once

#include <stdint.h>

/* Unix time in seconds. */
int64_t clock_wall_s(void);

/* Milliseconds since some moment that never moves. */
int64_t clock_mono_ms(void);

/* The same in microseconds, to tell how long something took. */
int64_t clock_mono_us(void);

/* From now on clock_wall_s() returns wall_s, for tests in which days pass in a microsecond. */
void clock_set_for_test(int64_t wall_s);
