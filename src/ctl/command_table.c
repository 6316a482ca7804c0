/* SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include "commands.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

#define HELP_FILTER                                                                                \
	"  --client CLIENT       an address (its network), a network (all in "                     \
	"it),\n"                                                                                   \
	"                        farm:NAME, domain:NAME, or a pattern with *\n"                    \
	"  --sender SENDER       user@domain, domain, .domain, user@, <>, or a pattern with *\n"   \
	"  --recipient RECIPIENT the same\n"                                                       \
	"  --state STATE         waiting or passed\n"

/* In the order of the help: what is looked at, what is mended, the daemon itself. */
const struct command command_table[] = {
	{"stats", "[--watch [SECONDS]]", "What Sixgate does to the mail",
	 "  --watch [SECONDS]  refresh in place every two seconds, or as many; q ends it\n",
	 stats_run, COMMAND_NEEDS_DAEMON},
	{"health", "", "Whether all is well, in one line, for monitoring",
	 "Exit status 0 when it is, 1 when it is not.\n", health_run, COMMAND_NEEDS_DAEMON},
	{"metrics", "", "What is counted, for Prometheus", "", metrics_run, COMMAND_NEEDS_DAEMON},
	{"explain", "--client ADDR [--name N] --sender S --recipient R [--helo H] | --log LINE",
	 "What would be answered now, and why",
	 "  --client ADDR         the client's address\n"
	 "  --name NAME           its name, when Postfix has found one\n"
	 "  --sender SENDER       the sender; <> for a bounce\n"
	 "  --recipient RECIPIENT the recipient\n"
	 "  --helo NAME           the name in HELO\n"
	 "  --log LINE            in place of all these: a line of sixgated's log; - reads it "
	 "from\n"
	 "                        the standard input\n"
	 "Nothing is changed by asking.\n",
	 explain_run, COMMAND_NEEDS_DAEMON},
	{"list", "[--client C] [--sender S] [--recipient R] [--state STATE] [--limit N | --all]",
	 "Greylist entries, newest first",
	 HELP_FILTER "  --limit NUMBER        show so many (100)\n"
		     "  --all                 show all\n",
	 list_run, COMMAND_NEEDS_DAEMON},
	{"forget", "[--client C] [--sender S] [--recipient R] [--state STATE] [--all] [--dry-run]",
	 "Remove greylist entries",
	 HELP_FILTER "  --all                 remove every entry\n"
		     "  --dry-run             only tell how many would be removed\n",
	 forget_run, COMMAND_NEEDS_DAEMON},
	{"known", "[--client C] [--learning] [--limit N | --all]", "Clients that need not wait",
	 "  --client CLIENT  as for list\n"
	 "  --learning       those that are on their way to it\n"
	 "  --limit NUMBER   show so many (100)\n"
	 "  --all            show all\n",
	 known_run, COMMAND_NEEDS_DAEMON},
	{"allow", "CLIENT", "Make a client known now",
	 "CLIENT is an address, a network as list shows it, domain:NAME or farm:NAME/DOMAIN.\n"
	 "Of a farm's hosts the address does not count: take farm:NAME/DOMAIN.\n",
	 allow_run, COMMAND_NEEDS_DAEMON},
	{"forget-client", "CLIENT | --all", "Make a client unknown again", "  --all  all clients\n",
	 forget_client_run, COMMAND_NEEDS_DAEMON},
	{"outbound", "[--ip ADDR]... [--from USER@DOMAIN] [--helo NAME] [--dns ADDR[:PORT]]",
	 "Whether Google and Microsoft would take this host's mail",
	 "  --ip ADDR           check this address; may be given more than once.  By default\n"
	 "                      those of this host\n"
	 "  --from USER@DOMAIN  the sender; by default in Postfix's myorigin\n"
	 "  --helo NAME         the name in HELO; by default Postfix's smtp_helo_name\n"
	 "  --dns ADDR[:PORT]   ask this name server; by default those of resolv.conf\n"
	 "It needs no daemon.  Exit status 0 when both would take it from every address, 1 when "
	 "not.\n",
	 outbound_run, COMMAND_NEEDS_NOTHING},
	{"config", "[--all]", "Settings in force that are not defaults", "  --all  defaults, too\n",
	 config_run, COMMAND_NEEDS_DAEMON},
	{"reload", "", "Read settings and tables again, and tell what is wrong with them",
	 "As SIGHUP does; when anything is wrong, all stay as they were.\n", reload_run,
	 COMMAND_NEEDS_DAEMON},
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
		fprintf(stderr, "Usage: sixgatectl %s%s%s\n", command->name,
			command->arguments[0] != '\0' ? " " : "", command->arguments);
	return CTL_USAGE;
}
