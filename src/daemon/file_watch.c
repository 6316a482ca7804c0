/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_watch.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Watch the inode that path leads to now. */
static void file_watch_follow(struct file_watch *watch)
{
	if (watch->watch >= 0)
		inotify_rm_watch(watch->inotify, watch->watch);
	watch->watch = -1;
	watch->inode_is_written = false;
	if (watch->inotify >= 0 && watch->seen.exists)
		watch->watch =
			inotify_add_watch(watch->inotify, watch->path, IN_MODIFY | IN_CLOSE_WRITE);
}

/*
 * Watch the directory that path is in: it sees a new file from its first moment on.  When there is
 * no such directory now, there may be one later.
 */
static void file_watch_follow_directory(struct file_watch *watch)
{
	char *directory = mem_copy_string(watch->path);
	char *slash = strrchr(directory, '/');

	if (slash != NULL)
		slash[slash == directory ? 1 : 0] = '\0';
	watch->directory = inotify_add_watch(watch->inotify, slash != NULL ? directory : ".",
					     IN_CREATE | IN_DELETE | IN_MOVE | IN_OPEN | IN_MODIFY |
						     IN_CLOSE | IN_MOVE_SELF | IN_ONLYDIR);
	free(directory);
}

void file_watch_init(struct file_watch *watch, const char *path)
{
	*watch = (struct file_watch){.path = mem_copy_string(path),
				     .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
				     .directory = -1,
				     .watch = -1};
	if (path[0] != '\0')
		file_watch_follow_directory(watch);
	watch->taken = watch->seen = file_look_at(path);
	file_watch_follow(watch);
}

/* Something happened to the inode. */
static void file_watch_note_inode(struct file_watch *watch, uint32_t mask)
{
	if (mask & IN_MODIFY)
		watch->inode_is_written = true;
	if (mask & IN_CLOSE_WRITE)
		watch->inode_is_written = false;
	if (mask & IN_IGNORED)
		watch->watch = -1;
}

/* Something happened to the name in its directory. */
static void file_watch_note_name(struct file_watch *watch, uint32_t mask)
{
	/* The name leads to another file now, or to none: its writer was the old one's. */
	if (mask & (IN_CREATE | IN_DELETE | IN_MOVE))
		watch->name_is_written = watch->is_created = false;
	if (mask & IN_CREATE)
		watch->is_created = true;
	/* Who opened it is a writer: a reader that closes it meanwhile changes nothing about that.
	 */
	if (mask & IN_MODIFY) {
		watch->name_is_written = true;
		watch->is_created = false;
	}
	/* open(2) of a new file is seen as IN_CREATE and IN_OPEN, link(2) only as the first: then
	 * it is a reader who opens it next, and closes it as one. */
	if ((mask & IN_OPEN) && watch->is_created)
		watch->name_is_written = true;
	if ((mask & IN_CLOSE_WRITE) || ((mask & IN_CLOSE_NOWRITE) && watch->is_created))
		watch->name_is_written = watch->is_created = false;
}

/* Something happened to the directory itself: its name may lead to another one from now on. */
static void file_watch_note_directory(struct file_watch *watch, uint32_t mask)
{
	if (mask & IN_MOVE_SELF)
		inotify_rm_watch(watch->inotify, watch->directory);
	if (mask & (IN_MOVE_SELF | IN_IGNORED))
		watch->directory = -1;
}

/* Learn from inotify what its writers did. */
static void file_watch_read_events(struct file_watch *watch)
{
	const char *slash = strrchr(watch->path, '/');
	const char *name = slash != NULL ? slash + 1 : watch->path;
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t length;

	while ((length = read(watch->inotify, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event =
				(const struct inotify_event *)(void *)at;
			at += sizeof(*event) + event->len;
			/* Events were lost: what is known of the writers may be wrong. */
			if (event->mask & IN_Q_OVERFLOW)
				watch->name_is_written = watch->inode_is_written = false;
			if (event->wd == watch->watch)
				file_watch_note_inode(watch, event->mask);
			else if (event->wd == watch->directory && event->len == 0)
				file_watch_note_directory(watch, event->mask);
			else if (event->wd == watch->directory && strcmp(event->name, name) == 0)
				file_watch_note_name(watch, event->mask);
		}
	}
}

bool file_watch_is_written(struct file_watch *watch)
{
	file_watch_read_events(watch);
	return watch->name_is_written || watch->inode_is_written;
}

bool file_watch_has_changed(struct file_watch *watch, int64_t mono_ms)
{
	struct file_look now = file_look_at(watch->path);
	bool is_written = file_watch_is_written(watch);

	if (!file_look_is_same(&now, &watch->seen)) {
		bool is_other_file = !file_look_is_same_file(&now, &watch->seen);
		watch->seen = now;
		watch->seen_ms = mono_ms;
		if (is_other_file)
			file_watch_follow(watch);
	}
	/* A file that was removed and made anew may have the number of the old one. */
	if (watch->watch < 0 && watch->seen.exists)
		file_watch_follow(watch);
	if (watch->directory < 0 && watch->path[0] != '\0')
		file_watch_follow_directory(watch);
	if (file_look_is_same(&watch->seen, &watch->taken))
		return false;
	/* truncate(2) is a write without an end that could be seen, and some programs keep a file
	 * open. */
	int64_t still_ms = mono_ms - watch->seen_ms;
	return still_ms >= (is_written ? FILE_WATCH_PATIENCE_MS : FILE_WATCH_SETTLED_MS);
}

void file_watch_take(struct file_watch *watch)
{
	watch->taken = watch->seen;
}

bool file_watch_is_unchanged(const struct file_watch *watch)
{
	struct file_look now = file_look_at(watch->path);
	return file_look_is_same(&now, &watch->seen);
}

bool file_watch_is_finished(const struct file_watch *watch)
{
	char last = '\n';
	int fd = open(watch->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return true;
	/* What cannot be read leaves last as it is. */
	if (watch->seen.size > 0 && pread(fd, &last, 1, watch->seen.size - 1) < 0)
		last = '\n';
	close(fd);
	return last == '\n';
}

void file_watch_clear(struct file_watch *watch)
{
	if (watch->path == NULL)
		return;
	if (watch->inotify >= 0)
		close(watch->inotify);
	free(watch->path);
	*watch = (struct file_watch){.inotify = -1, .directory = -1, .watch = -1};
}
