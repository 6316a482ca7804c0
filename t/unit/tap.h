/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test results in the Test Anything Protocol, which meson reads: a line for each case, with the
 * name of what a user would see.
 */
#pragma once

#include <stdbool.h>

/* One result: "ok" or "not ok" and the name. */
void tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ok when both are the same text; otherwise tells the two. */
void tap_is(const char *got, const char *expected, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for numbers. */
void tap_is_number(long long got, long long expected, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print the plan; the exit status for main(). */
int tap_done(void);
