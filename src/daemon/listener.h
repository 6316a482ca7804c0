/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets that we listen on: those that systemd passed (sd_listen_fds(3)), or else those of
 * policy_listen and admin_listen.
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

/* What the unix sockets of a setting are to be. */
struct listener_kind {
	const char *setting; /* for messages */
	mode_t mode;         /* permissions of the socket */
	uid_t uid;           /* its owner and group; (uid_t)-1 and (gid_t)-1: whoever makes it */
	gid_t gid;
	bool makes_directory; /* the directory it lies in is made when it is missing, and uid's */
};

/*
 * Take what systemd passed: sockets that it calls "admin" (FileDescriptorName=) into *admin, all
 * others into *policy; both are empty when there is none.  False, with what is wrong in diag and
 * nothing left open, when one is of no use.
 */
bool listeners_take_passed(struct listeners *policy, struct listeners *admin, struct diag *diag);

/*
 * Open what endpoints name; *listeners is empty before.  A unix socket that nobody listens on any
 * more is replaced; one where somebody does is an error that says who.  All that is wrong is added
 * to diag; false, with nothing left open, if there was an error.
 */
bool listeners_open(struct listeners *listeners, const struct endpoint_list *endpoints,
		    const struct listener_kind *kind, struct diag *diag);

/* Close them, and remove the files of those that we made. */
void listeners_close(struct listeners *listeners);
