/* SPDX-License-Identifier: BSD-2-Clause */
#include "user.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The capabilities of one thread, 32 bits each; there is no function of libc for them. */
struct user_capabilities {
	struct __user_cap_data_struct words[_LINUX_CAPABILITY_U32S_3];
};

static bool user_get_capabilities(struct user_capabilities *capabilities)
{
	struct __user_cap_header_struct own = {.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capget, &own, capabilities->words) == 0;
}

static bool user_set_capabilities(const struct user_capabilities *capabilities)
{
	struct __user_cap_header_struct own = {.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capset, &own, capabilities->words) == 0;
}

/* With them go the ambient ones. */
static bool user_clear_inheritable(void)
{
	struct user_capabilities capabilities;

	if (!user_get_capabilities(&capabilities))
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		capabilities.words[i].inheritable = 0;
	return user_set_capabilities(&capabilities);
}

static bool user_clear_bounding_set(void)
{
	/* The kernel may know more of them than its headers did; the first that it does not know
	 * cannot be read. */
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
			return false;
	return true;
}

void user_renounce(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    (geteuid() == 0 && !(user_clear_inheritable() && user_clear_bounding_set())))
		log_warning("user: cannot give up all capabilities: %s", strerror(errno));
}

static bool user_has_capabilities(void)
{
	struct user_capabilities capabilities;

	if (!user_get_capabilities(&capabilities))
		return true;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if ((capabilities.words[i].permitted | capabilities.words[i].effective) != 0)
			return true;
	return false;
}

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
	/* SECBIT_NO_SETUID_FIXUP, which who starts us may have set, lets them stay. */
	if (user_has_capabilities()) {
		diag_error(diag, "user", 0, "%s would have capabilities of root", name);
		return false;
	}
	return true;
}
