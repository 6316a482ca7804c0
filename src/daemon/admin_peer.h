/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of the admin socket, and what he may do.
 *
 * The kernel says who it is (unix(7), SO_PEERCRED and SO_PEERGROUPS): nobody can claim to be
 * somebody else, and no password lies anywhere.
 */
#pragma once

enum admin_right {
	ADMIN_NOTHING,
	ADMIN_READ, /* what changes nothing */
	ADMIN_ALL,
};

/*
 * What the peer of the connected unix socket fd may do: root and the user that we run as all;
 * members of the group that the socket's file belongs to now may read.
 */
enum admin_right admin_peer_right(int fd);
