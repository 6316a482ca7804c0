/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads settings and tables: once at the start, whole on a reload, and each table again by itself
 * when its file changes.
 *
 * After the start it works on a thread of its own, so that a large table holds up no mail, and
 * hands what it read to the event loop.  A file counts as changed when it is finished: nobody has
 * it open for writing (inotify(7) tells, for writers on this machine), it has been the same for
 * half a second, and its last line ends.  What cannot be read, or has an error in it, is logged,
 * and what was in force stays.
 */
#pragma once

#include "ruleset.h"

struct event_base;
struct loader;

/*
 * Where the settings come from: path (NULL: the default file) and overrides ("name=value"), both
 * borrowed for the loader's life.
 */
struct loader_source {
	const char *path;
	char *const *overrides;
	size_t override_count;
};

/*
 * There are new rules: those in force with what changed, or all of them after a reload.  The callee
 * becomes their holder.
 */
typedef void loader_rules_fn(struct ruleset *rules, void *arg);

/*
 * The reload with this number, and with it all that were asked for before, is done; when it failed,
 * the old rules are still in force.  messages, which were logged, tell what is wrong; they die when
 * the function returns.
 */
typedef void loader_reloaded_fn(uint64_t number, bool succeeded, const struct diag *messages,
				void *arg);

/*
 * Read settings and tables now, on the caller's thread.  The loader, and the rules (the caller is
 * their holder); or NULL with what is wrong in diag.
 */
struct loader *loader_new(const struct loader_source *source, struct ruleset **rules,
			  struct diag *diag);

/*
 * Warn of files that were read by root, at the start, and which the user that we are now cannot
 * read again: edits and reloads would fail.
 */
void loader_warn_unreadable(const struct loader *loader);

/* Begin to watch the files.  Both functions run from base's loop.  False: no thread to be had. */
bool loader_start(struct loader *loader, struct event_base *base, loader_rules_fn *on_rules,
		  loader_reloaded_fn *on_reloaded, void *arg);

/* Read everything again, soon; the number of the reload, above 0 and rising. */
uint64_t loader_reload(struct loader *loader);

/* The settings of the start, in which those are in force that take a restart to change. */
const struct config *loader_started_config(const struct loader *loader);

/* Neither function runs any more. */
void loader_free(struct loader **loader);
