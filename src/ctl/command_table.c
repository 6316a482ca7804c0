/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include "commands.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

/* In the order of the help: what is looked at, what is mended, the daemon itself. */
const struct command command_table[] = {
	{"health", "", "Whether all is well, in one line, for monitoring",
	 "Exit status 0 when it is, 1 when it is not.\n", health_run},
	{"metrics", "", "What is counted, for Prometheus", "", metrics_run},
	{"reload", "", "Read settings and tables again, and tell what is wrong with them",
	 "As SIGHUP does; when anything is wrong, all stay as they were.\n", reload_run},
};
const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(command_table[i].name, name) == 0)
			return &command_table[i];
	return NULL;
}

int command_usage(const char *name)
{
	const struct command *command = command_find(name);

	if (command != NULL)
		fprintf(stderr, "Usage: sixgatectl %s %s\n", command->name, command->arguments);
	return CTL_USAGE;
}
