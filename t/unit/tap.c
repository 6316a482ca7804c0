/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failures;

static void tap_result(bool ok, const char *format, va_list arguments)
{
	if (!ok)
		tap_failures++;
	char name[256];
	vsnprintf(name, sizeof(name), format, arguments);
	/* A name is one line, and "#" begins a directive. */
	for (char *at = name; *at != '\0'; at++)
		if (*at < ' ' || *at == '#')
			*at = ' ';
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_count, name);
	fflush(stdout);
}

void tap_ok(bool ok, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tap_result(ok, format, arguments);
	va_end(arguments);
}

void tap_is(const char *got, const char *expected, const char *format, ...)
{
	bool same = got != NULL && expected != NULL ? strcmp(got, expected) == 0 : got == expected;
	va_list arguments;
	va_start(arguments, format);
	tap_result(same, format, arguments);
	va_end(arguments);
	if (!same)
		printf("#      got: %s\n# expected: %s\n", got != NULL ? got : "(nothing)",
		       expected != NULL ? expected : "(nothing)");
}

void tap_is_number(long long got, long long expected, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tap_result(got == expected, format, arguments);
	va_end(arguments);
	if (got != expected)
		printf("#      got: %lld\n# expected: %lld\n", got, expected);
}

int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
