/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of sixgatectl: one table (command_table.c), from which usage, help and the tests of
 * manual and completion read.
 *
 * A command takes its own options; those that all have in common were taken out before it runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Options common to all commands, and what is known of where the output goes. */
struct ctl {
	const char *socket_path; /* borrowed from main() */
	bool is_json;            /* print what the socket said, and nothing else */
	bool has_colour;
	int width; /* columns of the terminal; 0: the output is no terminal, cut nothing */
};

/* The exit status. */
enum ctl_status { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

/* Whether it asks the daemon; if not, ctl has no socket_path. */
enum command_need { COMMAND_NEEDS_DAEMON, COMMAND_NEEDS_NOTHING };

struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;   /* one line, no full stop */
	const char *help;      /* lines for people, options and all */
	/* argv[0] is the command's name, argv[argc] NULL.  Returns an enum ctl_status, all that is
	 * wrong is told on stderr. */
	int (*run)(const struct ctl *ctl, int argc, char **argv);
	enum command_need need;
};

extern const struct command command_table[];
extern const size_t command_count;

/* NULL when there is no such command. */
const struct command *command_find(const char *name);

/* Tell on stderr how the command is used; returns CTL_USAGE. */
int command_usage(const char *name);
