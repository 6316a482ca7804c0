/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user that the daemon runs as, when root starts it.
 */
#pragma once

#include "base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

/* Who reads and writes what we make: a user, and a group of those who may read. */
struct user_ids {
	uid_t uid;
	gid_t gid;
};

/*
 * The ids of the user called name (empty: who we are), and of the group called group (empty: the
 * user's own).  False, with what is wrong in diag, when there is no such user or group.
 */
bool user_find_ids(const char *name, const char *group, struct user_ids *ids, struct diag *diag);

/*
 * Give up what only programs that we start could use, and we start none: all capabilities that they
 * could have or get.  What we may do ourselves stays, so that root can open sockets and become
 * another user.  Call it before there is a second thread, as each has its own.  What fails is
 * logged; it fails without CAP_SETPCAP, in a container for example.
 */
void user_renounce(void);

/*
 * Become the user called name, for good, without any capability; empty: stay.  Who is not root can
 * only "become" who he is.  False, with what is wrong in diag.
 */
bool user_become(const char *name, struct diag *diag);
