/* SPDX-License-Identifier: BSD-2-Clause */
#include "user.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* NULL, with what is wrong in diag, when there is no such user.  getpwnam(3) owns it. */
static const struct passwd *user_find(const char *name, struct diag *diag)
{
	errno = 0;
	const struct passwd *user = getpwnam(name);
	if (user == NULL)
		diag_error(diag, "user", 0, "%s: %s", name,
			   errno != 0 ? strerror(errno)
				      : "there is no such user; make one, for example with adduser "
					"--system, or leave the setting empty");
	return user;
}

bool user_find_ids(const char *name, const char *group, struct user_ids *ids, struct diag *diag)
{
	*ids = (struct user_ids){geteuid(), getegid()};
	if (name[0] != '\0') {
		const struct passwd *user = user_find(name, diag);
		if (user == NULL)
			return false;
		*ids = (struct user_ids){user->pw_uid, user->pw_gid};
	}
	if (group[0] == '\0')
		return true;
	errno = 0;
	const struct group *found = getgrnam(group);
	if (found == NULL) {
		diag_error(diag, "admin_group", 0, "%s: %s", group,
			   errno != 0 ? strerror(errno)
				      : "there is no such group; make one, for example with "
					"addgroup --system, or leave the setting empty");
		return false;
	}
	ids->gid = found->gr_gid;
	return true;
}

bool user_become(const char *name, struct diag *diag)
{
	if (name[0] == '\0') {
		if (geteuid() == 0)
			log_warning("user: running as root; name a user of its own with the "
				    "setting user");
		return true;
	}
	const struct passwd *user = user_find(name, diag);
	if (user == NULL)
		return false;
	if (geteuid() == user->pw_uid)
		return true;
	if (geteuid() != 0) {
		diag_error(diag, "user", 0, "%s: only root can become another user", name);
		return false;
	}
	/* Groups first: without root they cannot be changed any more. */
	if (initgroups(user->pw_name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0) {
		diag_error(diag, "user", 0, "cannot become %s: %s", name, strerror(errno));
		return false;
	}
	return true;
}
