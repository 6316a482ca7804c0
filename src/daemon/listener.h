/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets that we listen on: those that systemd passed (sd_listen_fds(3)), or else those of
 * policy_listen.
 */
#pragma once

#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener {
	int fd;       /* owned; listening, not blocking */
	char *path;   /* owned; of a unix socket that we made, else NULL */
	dev_t device; /* of that path: it is removed only while it is still ours */
	ino_t inode;
};

struct listeners {
	struct listener *list; /* owned */
	size_t count;
};

/*
 * Open what endpoints name, or take what systemd passed.  A unix socket that nobody listens on any
 * more is replaced; one where somebody does is an error that says who.  All that is wrong is added
 * to diag; false, with nothing left open, if there was an error.  mode: permissions of unix
 * sockets.
 */
bool listeners_open(struct listeners *listeners, const struct endpoint_list *endpoints, mode_t mode,
		    struct diag *diag);

/* Close them, and remove the files of those that we made. */
void listeners_close(struct listeners *listeners);
