/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a file looks like from outside, to see that it is another one, or was written to.  Works
 * through links and on every file system.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

struct file_look {
	bool exists;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

/* Look at path; an empty one, and what cannot be looked at, does not exist. */
struct file_look file_look_at(const char *path);

/* Whether both are of the same file, whatever is in it. */
bool file_look_is_same_file(const struct file_look *a, const struct file_look *b);

/* Whether the file is the same and was not written to. */
bool file_look_is_same(const struct file_look *a, const struct file_look *b);
