/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_peer.h"

#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The group of the file by which fd was reached; false when there is none any more. */
static bool admin_peer_socket_group(int fd, gid_t *group)
{
	struct sockaddr_un address = {0};
	socklen_t length = sizeof(address) - 1; /* a NUL stays behind the longest path */
	struct stat about;

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
	    address.sun_path[0] == '\0' || stat(address.sun_path, &about) != 0)
		return false;
	*group = about.st_gid;
	return true;
}

/* Whether group is among the peer's supplementary groups. */
static bool admin_peer_has_group(int fd, gid_t group)
{
	gid_t *groups = NULL;
	socklen_t size = 0;
	bool has_it = false;

	/* With no room it says how much it takes. */
	/* cppcheck-suppress nullPointer ; for this option it may be */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return false;
	groups = mem_alloc(size);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			has_it = has_it || groups[i] == group;
	free(groups);
	return has_it;
}

enum admin_right admin_peer_right(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	gid_t group;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return ADMIN_NOTHING;
	if (peer.uid == 0 || peer.uid == geteuid())
		return ADMIN_ALL;
	if (admin_peer_socket_group(fd, &group) &&
	    (peer.gid == group || admin_peer_has_group(fd, group)))
		return ADMIN_READ;
	return ADMIN_NOTHING;
}
