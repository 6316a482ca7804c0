/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has a file changed, and is its writer done?
 *
 * A change is seen by looking at the file (inode, size, times) now and then, which works for
 * renames, for links and on every file system.  That the writer is done is seen from inotify(7),
 * which tells of writing and closing on this machine, and from the file staying as it is for a
 * while, which is all there is when the writer is on another one.
 */
#pragma once

#include "base/file_look.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	FILE_WATCH_SETTLED_MS =
		500, /* without a change, and it is done, when nobody is seen writing */
	FILE_WATCH_PATIENCE_MS = 60000, /* without a change, and it is done, whoever has it open */
};

struct file_watch {
	char *path;    /* owned; NULL: not initialised */
	int inotify;   /* owned; an instance of its own, for two settings may name one file,
			* and an instance has one watch for it; -1: none to be had */
	int directory; /* number of the watch on the directory above path; -1: none */
	int watch;     /* number of the watch on the file's inode; -1: none.  It sees who writes
			* through another name, to what a link leads to, say */
	struct file_look taken; /* as it was when it was last taken over, or refused */
	struct file_look seen;  /* as it was at the last look */
	int64_t seen_ms;        /* monotonic: since when it looks like that */
	bool name_is_written;   /* seen from the directory: somebody has it open for writing */
	bool inode_is_written;  /* seen from the inode: the same */
	bool is_created; /* seen from the directory: it is new; who opens it next is its writer */
};

/* Begin to watch path, whose present state counts as taken. */
void file_watch_init(struct file_watch *watch, const char *path);

/* Look; true when the file differs from what was taken, and its writer is done. */
bool file_watch_has_changed(struct file_watch *watch, int64_t mono_ms);

/* Whether somebody is seen writing to it now. */
bool file_watch_is_written(struct file_watch *watch);

/* What the file looks like now counts as taken, whether it was of use or not. */
void file_watch_take(struct file_watch *watch);

/* Whether the file still looks as at the last look: what was read since then is one state of it. */
bool file_watch_is_unchanged(const struct file_watch *watch);

/*
 * Whether the last line ends in a newline.  One that does not may still be being written, and half
 * of it may mean something quite different.  A file that cannot be read is finished: reading it
 * will tell why.
 */
bool file_watch_is_finished(const struct file_watch *watch);

void file_watch_clear(struct file_watch *watch);
