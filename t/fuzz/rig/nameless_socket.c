/* SPDX-License-Identifier: BSD-2-Clause */
#include "nameless_socket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct listener nameless = {.fd = -1};

static int nameless_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		abort();
	return fd;
}

const struct listeners *nameless_listeners(void)
{
	static const struct listeners listeners = {&nameless, 1};
	const struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (nameless.fd >= 0)
		return &listeners;
	nameless.fd = nameless_socket();
	if (bind(nameless.fd, (const struct sockaddr *)&address, sizeof(address.sun_family)) != 0 ||
	    listen(nameless.fd, 8) != 0)
		abort();
	return &listeners;
}

int nameless_connect(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fd = nameless_socket();

	if (getsockname(nameless.fd, (struct sockaddr *)&address, &length) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, length) != 0)
		abort();
	return fd;
}
