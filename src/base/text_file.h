/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text file in Postfix's form, read whole and handed out by logical lines (postconf(5),
 * access(5)): blank lines and lines whose first visible character is # are comments; a logical line
 * begins with text, and a line that begins with white space continues it, comments in between
 * included.
 */
#pragma once

#include "diag.h"
#include "span.h"

#include <stdbool.h>
#include <stddef.h>

enum { TEXT_FILE_SIZE_MAX = 256 * 1024 * 1024 };

struct text_file {
	char *name;  /* owned; as the caller named it, for messages */
	char *bytes; /* owned */
	size_t length;
	size_t at;     /* where the next line begins */
	unsigned line; /* number of the line before that, from 1 */
	char *joined;  /* owned; the last logical line handed out */
	size_t joined_length;
	size_t joined_size;
};

enum text_file_status {
	TEXT_FILE_READ,
	TEXT_FILE_MISSING, /* no such file: nothing was added to diag */
	TEXT_FILE_FAILED,  /* anything else: an error was added to diag */
};

/* Read path.  The caller clears file in any case. */
enum text_file_status text_file_read(struct text_file *file, const char *path, struct diag *diag);

/* The same from memory; name is for messages. */
void text_file_from_memory(struct text_file *file, const char *name, struct span text);

/* The next logical line, without blanks at its ends, and the number of its first line; false, and
 * 0, at the end.  The line is valid until the next call. */
bool text_file_next(struct text_file *file, struct span *line, unsigned *line_number);

void text_file_clear(struct text_file *file);

/* Takes one logical line, and the number of its first line. */
typedef void text_file_line_fn(struct span line, unsigned number, void *arg);

/*
 * Hand every logical line of path to take().  A file that is missing has no lines if
 * may_be_missing; otherwise that is an error, as any other trouble with the file is, and added to
 * diag.
 */
void text_file_each_line(const char *path, bool may_be_missing, text_file_line_fn *take, void *arg,
			 struct diag *diag);
