/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text that can be read as a file, and lies in memory only (memfd_create(2)).
 */
#pragma once

#include "base/span.h"

struct memory_file {
	int fd;        /* owned */
	char path[32]; /* by which this process can open it */
};

/* A file with text in it. */
void memory_file_open(struct memory_file *file, struct span text);

/*
 * The same, but every word "/name", behind blanks, commas, "=" or "!", is "/name" of other instead:
 * lists of networks include files by their names, and no input may reach those of this machine.
 */
void memory_file_open_leading_to(struct memory_file *file, struct span text,
				 const struct memory_file *other);

/* What memory_file_open_leading_to() writes; the caller frees it. */
char *memory_file_lead_to(struct span text, const struct memory_file *other, size_t *length);

void memory_file_close(struct memory_file *file);
