/* SPDX-License-Identifier: BSD-2-Clause */
#include "diag.h"

#include "log.h"
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for a person; a file of another kind altogether would give one line for each of its own.
 */
enum { DIAG_LINES_MAX = 50 };

static void diag_add(struct diag *diag, const char *kind, const char *file, unsigned line,
		     const char *format, va_list arguments)
{
	char what[1024], text[2048];

	if (diag->line_count >= DIAG_LINES_MAX)
		return;
	vsnprintf(what, sizeof(what), format, arguments);
	if (line > 0)
		snprintf(text, sizeof(text), "%s%s:%u: %s", kind, file, line, what);
	else
		snprintf(text, sizeof(text), "%s%s: %s", kind, file, what);
	diag->lines = mem_resize(diag->lines, (diag->line_count + 1) * sizeof(*diag->lines));
	diag->lines[diag->line_count++] = mem_copy_string(text);
}

void diag_error(struct diag *diag, const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diag_add(diag, "", file, line, format, arguments);
	va_end(arguments);
	diag->error_count++;
}

void diag_warning(struct diag *diag, const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diag_add(diag, "warning: ", file, line, format, arguments);
	va_end(arguments);
}

void diag_log(const struct diag *diag, bool as_errors)
{
	for (size_t i = 0; i < diag->line_count; i++) {
		static const char warning[] = "warning: ";
		const char *text = diag->lines[i];
		if (strncmp(text, warning, sizeof(warning) - 1) == 0)
			log_warning("%s", text + sizeof(warning) - 1);
		else if (as_errors)
			log_error("%s", text);
		else
			log_warning("%s", text);
	}
	if (diag->line_count >= DIAG_LINES_MAX)
		log_warning("the first %d of these; there may be more", DIAG_LINES_MAX);
}

void diag_clear(struct diag *diag)
{
	for (size_t i = 0; i < diag->line_count; i++)
		free(diag->lines[i]);
	free(diag->lines);
	*diag = (struct diag){0};
}
