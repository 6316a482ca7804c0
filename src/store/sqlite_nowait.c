/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_nowait.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

static _Thread_local bool sqlite_nowait_is_on;

static ssize_t sqlite_nowait_pread(int fd, void *bytes, size_t size, off_t offset)
{
	struct iovec all = {.iov_base = bytes, .iov_len = size};

	if (!sqlite_nowait_is_on)
		return pread(fd, bytes, size, offset);
	ssize_t got = preadv2(fd, &all, 1, offset, RWF_NOWAIT);
	if (got == (ssize_t)size)
		return got;
	/* Else SQLite would take what is missing for the end of the file. */
	if (got >= 0)
		errno = EAGAIN;
	return -1;
}

bool sqlite_nowait_install(void)
{
	static const char *const names[] = {"pread", "pread64"}; /* it uses one, as it was built */
	sqlite3_syscall_ptr replaced = (sqlite3_syscall_ptr)(void (*)(void))sqlite_nowait_pread;
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	bool is_installed = false;

	if (vfs == NULL || vfs->iVersion < 3)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (vfs->xGetSystemCall(vfs, names[i]) != NULL &&
		    vfs->xSetSystemCall(vfs, names[i], replaced) == SQLITE_OK)
			is_installed = true;
	return is_installed;
}

void sqlite_nowait_begin(void)
{
	sqlite_nowait_is_on = true;
}

void sqlite_nowait_end(void)
{
	sqlite_nowait_is_on = false;
}
