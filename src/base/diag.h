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
	struct diag_line *lines; /* owned */
	size_t line_count;
	size_t error_count; /* of all errors, those for which there was no room too */
	size_t warning_count;
};

struct diag_line {
	char *text; /* owned; "file:line: what" */
	unsigned line;
	bool is_error;
};

/* Add an error or a warning about file (line 0: about the file as a whole). */
void diag_error(struct diag *diag, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diag_warning(struct diag *diag, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Sort the lines behind the first ones by their number in the file; they are about one file. */
void diag_sort(struct diag *diag, size_t first);

/* Log every line, errors as errors and warnings as warnings. */
void diag_log(const struct diag *diag);

/* Print every line to stderr, warnings with "warning: " before them. */
void diag_print(const struct diag *diag);

/* Free the lines; diag is empty then and can be used again. */
void diag_clear(struct diag *diag);
