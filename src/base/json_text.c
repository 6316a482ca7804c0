/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_text.h"

#include "memory.h"
#include "printable.h"

#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	/* A byte becomes four at most. */
	size_t size = 4 * strlen(text) + 1;
	char *clean = mem_alloc(size);

	printable_line(clean, size, span_of(text));
	json_t *value = json_string(clean);
	free(clean);
	return value;
}
