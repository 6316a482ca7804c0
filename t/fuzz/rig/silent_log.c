/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/log.h for targets: lines are put together, so that whatever is wrong with their arguments is
 * found, and thrown away.  It takes the place of base/log.c, which is not linked then.
 */
#include "base/log.h"

#include "base/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void silent_log_format(const char *format, va_list arguments)
{
	char line[8192];

	vsnprintf(line, sizeof(line), format, arguments);
}

#define SILENT_LOG(name)                                                                           \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		silent_log_format(format, arguments);                                              \
		va_end(arguments);                                                                 \
	}

SILENT_LOG(log_error)
SILENT_LOG(log_warning)
SILENT_LOG(log_info)
SILENT_LOG(log_debug)

/* The end of the process is a finding. */
void log_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	silent_log_format(format, arguments);
	va_end(arguments);
	abort();
}

/* It has to be what it says. */
void log_info_printable(struct span text)
{
	if (!printable_is_clean(text) || text.text[text.length] != '\0')
		abort();
}

void log_open(bool to_stderr)
{
	(void)to_stderr;
}

void log_start_writer(void)
{
}

void log_stop_writer(void)
{
}
