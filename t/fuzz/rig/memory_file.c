/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_file.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void memory_file_open(struct memory_file *file, struct span text)
{
	file->fd = memfd_create("input", MFD_CLOEXEC);
	if (file->fd < 0 || write(file->fd, text.text, text.length) != (ssize_t)text.length)
		abort();
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

char *memory_file_lead_to(struct span text, const struct memory_file *other, size_t *length)
{
	size_t path_length = strlen(other->path);
	char *out = mem_alloc(text.length * path_length + 1);
	bool begins = true;

	*length = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (!begins || text.text[i] != '/') {
			begins = ascii_is_one_of(text.text[i], " \t\r\n,=!");
			out[(*length)++] = text.text[i];
			continue;
		}
		memcpy(out + *length, other->path, path_length);
		*length += path_length;
		while (i + 1 < text.length && !ascii_is_one_of(text.text[i + 1], " \t\r\n,"))
			i++;
		begins = false;
	}
	return out;
}

void memory_file_open_leading_to(struct memory_file *file, struct span text,
				 const struct memory_file *other)
{
	size_t length;
	char *led = memory_file_lead_to(text, other, &length);

	memory_file_open(file, (struct span){led, length});
	free(led);
}

void memory_file_close(struct memory_file *file)
{
	close(file->fd);
	file->fd = -1;
}
