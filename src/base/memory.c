/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mem_exhausted(size_t size)
{
	static atomic_flag is_told = ATOMIC_FLAG_INIT;

	/* Another thread met it first, and ends the process. */
	while (atomic_flag_test_and_set(&is_told))
		pause();
	/* No allocation on the way out: stdio and syslog may want memory themselves. */
	char line[96] = "sixgated: fatal: out of memory\n";
	if (size > 0)
		snprintf(line, sizeof(line),
			 "sixgated: fatal: out of memory: %zu bytes were not to be had\n", size);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(1);
	_exit(1);
}

void *mem_alloc(size_t size)
{
	void *block = calloc(1, size);
	if (block == NULL)
		mem_exhausted(size);
	return block;
}

void *mem_resize(void *block, size_t size)
{
	void *resized = realloc(block, size);
	if (resized == NULL)
		mem_exhausted(size);
	return resized;
}

char *mem_copy_text(const char *text, size_t length)
{
	char *copy = mem_alloc(length + 1);
	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *mem_copy_string(const char *string)
{
	return mem_copy_text(string, strlen(string));
}
