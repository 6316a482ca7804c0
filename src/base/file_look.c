/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_look.h"

struct file_look file_look_at(const char *path)
{
	struct file_look look = {.exists = false};
	struct stat about;

	if (path[0] == '\0' || stat(path, &about) != 0)
		return look;
	look.exists = true;
	look.device = about.st_dev;
	look.inode = about.st_ino;
	look.size = about.st_size;
	look.modified = about.st_mtim;
	look.changed = about.st_ctim;
	return look;
}

static bool file_look_is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_look_is_same_file(const struct file_look *a, const struct file_look *b)
{
	return a->exists == b->exists && a->device == b->device && a->inode == b->inode;
}

bool file_look_is_same(const struct file_look *a, const struct file_look *b)
{
	return file_look_is_same_file(a, b) && a->size == b->size &&
	       file_look_is_same_time(a->modified, b->modified) &&
	       file_look_is_same_time(a->changed, b->changed);
}
