/* SPDX-License-Identifier: BSD-2-Clause */
#include "diag.h"

#include "log.h"
#include "memory.h"
#include "printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Of errors and of warnings each: enough for a person.  A file of another kind altogether would
 * give one line for each of its own. */
enum { DIAG_KIND_MAX = 50 };

static void diag_add(struct diag *diag, bool is_error, const char *file, unsigned line,
		     const char *format, va_list arguments)
{
	char raw[1024], where[1024], what[2048], text[sizeof(where) + sizeof(what) + 16];
	size_t *count = is_error ? &diag->error_count : &diag->warning_count;

	if ((*count)++ >= DIAG_KIND_MAX)
		return;
	vsnprintf(raw, sizeof(raw), format, arguments);
	/* It quotes the file, which may be anything; and so may the name of one that another
	 * includes. */
	printable_line(what, sizeof(what), span_of(raw));
	printable_line(where, sizeof(where), span_of(file));
	if (line > 0)
		snprintf(text, sizeof(text), "%s:%u: %s", where, line, what);
	else
		snprintf(text, sizeof(text), "%s: %s", where, what);
	diag->lines = mem_resize(diag->lines, (diag->line_count + 1) * sizeof(*diag->lines));
	diag->lines[diag->line_count++] = (struct diag_line){mem_copy_string(text), line, is_error};
}

void diag_error(struct diag *diag, const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diag_add(diag, true, file, line, format, arguments);
	va_end(arguments);
}

void diag_warning(struct diag *diag, const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	diag_add(diag, false, file, line, format, arguments);
	va_end(arguments);
}

void diag_sort(struct diag *diag, size_t first)
{
	/* A few lines, nearly in order, and equal ones stay in theirs. */
	for (size_t i = first + 1; i < diag->line_count; i++) {
		struct diag_line moved = diag->lines[i];
		size_t at = i;
		for (; at > first && diag->lines[at - 1].line > moved.line; at--)
			diag->lines[at] = diag->lines[at - 1];
		diag->lines[at] = moved;
	}
}

/* What there was no room for. */
static size_t diag_left_out(const struct diag *diag)
{
	return diag->error_count + diag->warning_count - diag->line_count;
}

void diag_log(const struct diag *diag)
{
	for (size_t i = 0; i < diag->line_count; i++) {
		if (diag->lines[i].is_error)
			log_error("%s", diag->lines[i].text);
		else
			log_warning("%s", diag->lines[i].text);
	}
	if (diag_left_out(diag) > 0)
		log_warning("and %zu more of these", diag_left_out(diag));
}

void diag_print(const struct diag *diag)
{
	for (size_t i = 0; i < diag->line_count; i++)
		fprintf(stderr, "%s%s\n",
			diag->lines[i].is_error ? "" : "warning: ", diag->lines[i].text);
	if (diag_left_out(diag) > 0)
		fprintf(stderr, "and %zu more of these\n", diag_left_out(diag));
}

void diag_clear(struct diag *diag)
{
	for (size_t i = 0; i < diag->line_count; i++)
		free(diag->lines[i].text);
	free(diag->lines);
	*diag = (struct diag){0};
}
