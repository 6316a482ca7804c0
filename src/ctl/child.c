/* SPDX-License-Identifier: BSD-2-Clause */
#include "child.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Start it with its stdout in out, and signals as they are by default: we ignore SIGPIPE.  0 or an
 * error number. */
static int child_spawn(char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	int error = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Read all until its end; false when that does not come in time, or is too far. */
static bool child_collect(int fd, char *text, int timeout_ms)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	size_t length = 0;

	while (length < CHILD_OUTPUT_MAX) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left_ms = deadline_ms - clock_mono_ms();
		if (left_ms <= 0)
			return false;
		int polled = poll(&ready, 1, (int)left_ms);
		if (polled < 0 && errno != EINTR)
			return false;
		if (polled <= 0)
			continue;
		ssize_t got = read(fd, text + length, CHILD_OUTPUT_MAX - length);
		if (got <= 0)
			return got == 0;
		length += (size_t)got;
	}
	return false;
}

/* Whether it ended well; it is gone afterwards. */
static bool child_reap(pid_t pid, bool is_killed)
{
	int status = 0;

	if (is_killed)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *child_read(char *const argv[], int timeout_ms)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	int error = child_spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		errno = error;
		return NULL;
	}
	char *text = mem_alloc(CHILD_OUTPUT_MAX + 1);
	bool is_whole = child_collect(ends[0], text, timeout_ms);
	close(ends[0]);
	if (child_reap(pid, !is_whole) && is_whole)
		return text;
	free(text);
	errno = EIO;
	return NULL;
}
