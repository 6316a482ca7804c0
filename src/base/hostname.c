/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostname.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void hostname_get(char name[static HOSTNAME_SIZE])
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;

	if (gethostname(name, HOSTNAME_SIZE) != 0 || name[0] == '\0')
		snprintf(name, HOSTNAME_SIZE, "localhost");
	/* POSIX leaves open whether a name that was cut is closed. */
	name[HOSTNAME_SIZE - 1] = '\0';
	if (strchr(name, '.') != NULL)
		return;
	if (getaddrinfo(name, NULL, &hints, &found) == 0 && found->ai_canonname != NULL &&
	    strchr(found->ai_canonname, '.') != NULL)
		snprintf(name, HOSTNAME_SIZE, "%s", found->ai_canonname);
	if (found != NULL)
		freeaddrinfo(found);
}
