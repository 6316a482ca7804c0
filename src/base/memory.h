/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is there or the process ends.
 *
 * Allocation succeeds, or the process ends with one clear line: a policy daemon that limps on
 * without memory answers wrongly, and one that is restarted answers again (Postfix mymalloc.c).  So
 * no caller checks, and there are no ladders of cleanup.  What is got here is given back with
 * free(3).
 */
#pragma once

#include <stddef.h>

/* A library had no memory for size bytes, 0 where it does not say: end the process. */
void mem_exhausted(size_t size) __attribute__((noreturn));

/* size bytes of zeros, size > 0. */
void *mem_alloc(size_t size);

/* Make block (NULL: none yet) size bytes large; what is new is not initialised. */
void *mem_resize(void *block, size_t size);

/* A copy of length bytes with a NUL behind them. */
char *mem_copy_text(const char *text, size_t length);

/* A copy of a C string. */
char *mem_copy_string(const char *string);
