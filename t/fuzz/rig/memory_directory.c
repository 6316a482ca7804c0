/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory_directory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char memory_directory_path[] = "/dev/shm/sixgate-fuzz-XXXXXX";
static pid_t memory_directory_owner; /* 0: there is none yet */

void memory_directory_empty(void)
{
	DIR *directory = opendir(memory_directory_path);
	struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory != NULL)
		closedir(directory);
}

static void memory_directory_remove(void)
{
	if (getpid() != memory_directory_owner)
		return;
	memory_directory_empty();
	rmdir(memory_directory_path);
}

const char *memory_directory(void)
{
	if (memory_directory_owner == 0) {
		if (mkdtemp(memory_directory_path) == NULL)
			abort();
		memory_directory_owner = getpid();
		atexit(memory_directory_remove);
	}
	return memory_directory_path;
}
