/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with files that people write: collected, so that all of it is told at once.
 *
 * A parser adds lines "file:line: what is wrong, what was expected" and goes on; whoever asked for
 * the parse then prints or logs the lines.  Errors mean that the file does not count; warnings mean
 * that it does, but perhaps not as its writer thinks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct diag {
	char **lines; /* owned, each too; warnings begin with "warning: " */
	size_t line_count;
	size_t error_count;
};

/* Add an error or a warning about file (line 0: about the file as a whole). */
void diag_error(struct diag *diag, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_warning(struct diag *diag, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Log every line, errors as errors (as_errors) or as warnings. */
void diag_log(const struct diag *diag, bool as_errors);

/* Free the lines; diag is empty then and can be used again. */
void diag_clear(struct diag *diag);
