/* SPDX-License-Identifier: BSD-2-Clause */
#include "listener.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* smtpd processes connect all at once when Postfix starts; the kernel cuts it to its own limit. */
enum { LISTENER_BACKLOG = 1024 };

static void listeners_add(struct listeners *listeners, struct listener listener)
{
	listeners->list =
		mem_resize(listeners->list, (listeners->count + 1) * sizeof(*listeners->list));
	listeners->list[listeners->count++] = listener;
}

static struct sockaddr_un listener_unix_address(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* endpoint_parse() has seen to it that it fits. */
	memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

/* Who listens at the other end of fd: "process 123 (name)". */
static void listener_describe_holder(int fd, char *text, size_t size)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);
	char path[64], name[64] = "";

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
		snprintf(text, size, "another process");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)peer.pid);
	FILE *comm = fopen(path, "re");
	if (comm != NULL) {
		if (fgets(name, sizeof(name), comm) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(comm);
	}
	snprintf(text, size, "process %ld (%s)", (long)peer.pid,
		 name[0] != '\0' ? name : "unknown");
}

/*
 * Make way for a socket at path: remove a stale one.  False, with an error in diag, when what is
 * there must stay.
 */
static bool listener_make_way(const struct endpoint *endpoint, const struct listener_kind *kind,
			      struct diag *diag)
{
	struct sockaddr_un address = listener_unix_address(endpoint->path);
	struct stat about;
	char holder[160];

	if (lstat(endpoint->path, &about) != 0)
		return true;
	if (!S_ISSOCK(about.st_mode)) {
		diag_error(diag, kind->setting, 0,
			   "%s: there is a file of that name, and it is no socket", endpoint->text);
		return false;
	}
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0) {
		diag_error(diag, kind->setting, 0, "%s: socket: %s", endpoint->text,
			   strerror(errno));
		return false;
	}
	bool is_free = false;
	/* EAGAIN: somebody listens, and has more connections waiting than it takes. */
	if (connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0) {
		listener_describe_holder(probe, holder, sizeof(holder));
		diag_error(diag, kind->setting, 0, "%s: is in use by %s", endpoint->text, holder);
	} else if (errno == ECONNREFUSED) {
		is_free = unlink(endpoint->path) == 0;
		if (!is_free)
			diag_error(diag, kind->setting, 0,
				   "%s: cannot replace the stale socket: %s", endpoint->text,
				   strerror(errno));
	} else {
		diag_error(diag, kind->setting, 0, "%s: is in use: %s", endpoint->text,
			   strerror(errno));
	}
	close(probe);
	return is_free;
}

/* Make the directory that the socket lies in, if it is missing; what fails shows when it is bound.
 */
static void listener_make_directory(const struct endpoint *endpoint,
				    const struct listener_kind *kind)
{
	char *directory = mem_copy_string(endpoint->path);
	char *slash = strrchr(directory, '/');

	if (slash != NULL && slash != directory) {
		*slash = '\0';
		/* All may come in and see the socket; who may connect says its mode. */
		mode_t before = umask(0022);
		if (mkdir(directory, 0755) == 0 && chown(directory, kind->uid, kind->gid) != 0)
			log_warning("%s: %s: cannot give the directory away: %s", kind->setting,
				    directory, strerror(errno));
		umask(before);
	}
	free(directory);
}

/* Permissions last: until then it is nobody's. */
static bool listener_give(const char *path, const struct listener_kind *kind)
{
	if ((kind->uid != (uid_t)-1 || kind->gid != (gid_t)-1) &&
	    chown(path, kind->uid, kind->gid) != 0)
		return false;
	return chmod(path, kind->mode) == 0;
}

static void listener_open_unix(struct listeners *listeners, const struct endpoint *endpoint,
			       const struct listener_kind *kind, struct diag *diag)
{
	struct sockaddr_un address = listener_unix_address(endpoint->path);
	struct stat about;

	if (kind->makes_directory)
		listener_make_directory(endpoint, kind);
	if (!listener_make_way(endpoint, kind, diag))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		diag_error(diag, kind->setting, 0, "%s: socket: %s", endpoint->text,
			   strerror(errno));
		return;
	}
	/* For nobody at first, so that there is no moment in which it is open to more than mode. */
	mode_t before = umask(0777);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	int error = errno;
	umask(before);
	if (bound != 0) {
		const char *hint = error == ENOENT ? "; the directory is missing" : "";
		diag_error(diag, kind->setting, 0, "%s: %s%s", endpoint->text, strerror(error),
			   hint);
		close(fd);
		return;
	}
	if (listen(fd, LISTENER_BACKLOG) != 0 || !listener_give(endpoint->path, kind) ||
	    lstat(endpoint->path, &about) != 0) {
		diag_error(diag, kind->setting, 0, "%s: %s", endpoint->text, strerror(errno));
		unlink(endpoint->path);
		close(fd);
		return;
	}
	listeners_add(listeners, (struct listener){fd, mem_copy_string(endpoint->path),
						   about.st_dev, about.st_ino});
}

/* Listen on one address; 0 or an errno. */
static int listener_open_address(struct listeners *listeners, const struct addrinfo *address)
{
	int yes = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	bool opened = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0;
	/* [::] and 0.0.0.0 are two sockets, as they are for Postfix. */
	if (opened && address->ai_family == AF_INET6)
		opened = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) == 0;
	if (opened)
		opened = bind(fd, address->ai_addr, address->ai_addrlen) == 0;
	if (opened)
		opened = listen(fd, LISTENER_BACKLOG) == 0;
	if (!opened) {
		int error = errno;
		close(fd);
		return error;
	}
	listeners_add(listeners, (struct listener){.fd = fd});
	/* cppcheck-suppress resourceLeak ; listeners has it */
	return 0;
}

static void listener_open_inet(struct listeners *listeners, const struct endpoint *endpoint,
			       const struct listener_kind *kind, struct diag *diag)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *addresses;

	int code = getaddrinfo(endpoint->host, endpoint->port, &hints, &addresses);
	if (code != 0) {
		diag_error(diag, kind->setting, 0, "%s: %s", endpoint->text,
			   code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
		return;
	}
	for (const struct addrinfo *address = addresses; address != NULL;
	     address = address->ai_next) {
		int error = listener_open_address(listeners, address);
		if (error != 0)
			diag_error(diag, kind->setting, 0, "%s: %s", endpoint->text,
				   strerror(error));
	}
	freeaddrinfo(addresses);
}

/* One descriptor that systemd passed, non-blocking from now on; false when it is of no use. */
static bool listener_is_usable(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 && flags >= 0 &&
	       fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool listeners_take_passed(struct listeners *policy, struct listeners *admin, struct diag *diag)
{
	size_t errors_before = diag->error_count;
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	*policy = *admin = (struct listeners){0};
	if (count < 0)
		diag_error(diag, "LISTEN_FDS", 0, "%s", strerror(-count));
	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		if (!listener_is_usable(fd))
			diag_error(
				diag, "LISTEN_FDS", 0,
				"descriptor %d, passed by systemd, is no listening stream socket",
				fd);
		else
			listeners_add(strcmp(names[i], "admin") == 0 ? admin : policy,
				      (struct listener){.fd = fd});
	}
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (diag->error_count == errors_before)
		return true;
	listeners_close(policy);
	listeners_close(admin);
	return false;
}

bool listeners_open(struct listeners *listeners, const struct endpoint_list *endpoints,
		    const struct listener_kind *kind, struct diag *diag)
{
	size_t errors_before = diag->error_count;

	*listeners = (struct listeners){0};
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct endpoint *endpoint = &endpoints->items[i];
		switch (endpoint->kind) {
		case ENDPOINT_UNIX:
			listener_open_unix(listeners, endpoint, kind, diag);
			break;
		case ENDPOINT_INET:
			listener_open_inet(listeners, endpoint, kind, diag);
			break;
		}
	}
	if (diag->error_count == errors_before)
		return true;
	listeners_close(listeners);
	return false;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->list[i];
		struct stat about;
		close(listener->fd);
		if (listener->path != NULL && lstat(listener->path, &about) == 0 &&
		    about.st_dev == listener->device && about.st_ino == listener->inode &&
		    unlink(listener->path) != 0)
			log_warning("%s: cannot remove the socket: %s", listener->path,
				    strerror(errno));
		free(listener->path);
	}
	free(listeners->list);
	*listeners = (struct listeners){0};
}
