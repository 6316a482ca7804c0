/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that all commands have in common, help, and the command that is meant. */
#include "command.h"
#include "screen.h"
#include "version.h"

#include "base/config.h"
#include "base/memory.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAIN_DEFAULT_SOCKET "/run/sixgate/admin"

struct main_options {
	const char *socket_path, *config_path; /* borrowed; NULL: not given */
	bool is_json, wants_help, wants_version;
	char **rest; /* owned; the command and its arguments, NULL behind */
	int rest_count;
};

/* The value of an option: "--socket=PATH", or the next argument, or what hangs on to the letter.
 * NULL: this argument is another option; *at moves over what was taken. */
static const char *main_value(char **argv, int argc, int *at, const char *letter, const char *name)
{
	const char *argument = argv[*at];
	size_t length = name != NULL ? strlen(name) : 0;

	if (strcmp(argument, letter) == 0 || (name != NULL && strcmp(argument, name) == 0)) {
		if (*at + 1 >= argc) {
			screen_complain("%s: expected a value behind it", argument);
			exit(CTL_USAGE);
		}
		*at += 1;
		assert(argv[*at] != NULL); /* only argv[argc] is */
		return argv[*at];
	}
	if (name != NULL && strncmp(argument, name, length) == 0 && argument[length] == '=')
		return argument + length + 1;
	return NULL;
}

/* Take out the common options, wherever they stand before "--". */
static struct main_options main_parse(int argc, char **argv)
{
	struct main_options options = {.rest = mem_alloc(sizeof(char *) * ((size_t)argc + 1))};

	for (int i = 1; i < argc; i++) {
		const char *value;
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				options.rest[options.rest_count++] = argv[i++];
			break;
		}
		if ((value = main_value(argv, argc, &i, "-s", "--socket")) != NULL)
			options.socket_path = value;
		else if ((value = main_value(argv, argc, &i, "-c", NULL)) != NULL)
			options.config_path = value;
		else if (strcmp(argv[i], "--json") == 0)
			options.is_json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			options.wants_help = true;
		else if (strcmp(argv[i], "--version") == 0)
			options.wants_version = true;
		else
			options.rest[options.rest_count++] = argv[i];
	}
	return options;
}

static void main_print_usage(FILE *to)
{
	fputs("Usage: sixgatectl [-s PATH | -c FILE] [--json] COMMAND [ARGUMENTS]\n\n"
	      "Commands:\n",
	      to);
	for (size_t i = 0; i < command_count; i++)
		fprintf(to, "  %-15s%s\n", command_table[i].name, command_table[i].summary);
	fputs("\n"
	      "Options, before or behind the command:\n"
	      "  -s, --socket PATH  the admin socket\n"
	      "  -c FILE            take admin_listen from this sixgate.conf\n"
	      "                     (by default " CONFIG_DEFAULT_FILE ")\n"
	      "  --json             print what the daemon said, for scripts\n"
	      "  --help             this, or the help of the command\n"
	      "  --version          print the version\n\n"
	      "Exit status: 0 done, 1 no such thing or refused, 2 usage, 3 no daemon there.\n"
	      "sixgatectl help COMMAND tells more; so does sixgatectl(1).\n",
	      to);
}

static int main_help(const char *name)
{
	const struct command *command = name != NULL ? command_find(name) : NULL;

	if (name == NULL) {
		main_print_usage(stdout);
		return CTL_DONE;
	}
	if (command == NULL) {
		screen_complain("%s: there is no such %s; sixgatectl --help lists them", name,
				name[0] == '-' ? "option" : "command");
		return CTL_USAGE;
	}
	printf("Usage: sixgatectl %s%s%s\n\n%s.\n", command->name,
	       command->arguments[0] != '\0' ? " " : "", command->arguments, command->summary);
	if (command->help[0] != '\0')
		printf("\n%s", command->help);
	return CTL_DONE;
}

/* What is written behind admin_listen, or its default; NULL: no such setting.  The row is looked
 * for by its name, and its text is taken even when other settings are wrong: this is the program
 * that is asked what is wrong. */
static char *main_configured_socket(const struct config *config)
{
	for (size_t i = 0; i < config_table_count; i++) {
		if (strcmp(config_table[i].name, "admin_listen") != 0)
			continue;
		const char *text = config->written[i] != NULL ? config->written[i]
							      : config_table[i].default_text;
		struct span word = span_trim(span_of(text));
		if (span_starts_with(word, SPAN("unix:")))
			return mem_copy_text(word.text + 5, word.length - 5);
		return mem_copy_string("");
	}
	return NULL;
}

/* The path of the socket; NULL after telling why there is none.  Free it. */
static char *main_socket(const struct main_options *options)
{
	struct diag diag = {0};

	if (options->socket_path != NULL) {
		const char *path = options->socket_path;
		return mem_copy_string(strncmp(path, "unix:", 5) == 0 ? path + 5 : path);
	}
	if (options->config_path != NULL && access(options->config_path, R_OK) != 0) {
		screen_complain("%s: cannot read it: %m", options->config_path);
		return NULL;
	}
	struct config *config = config_read(options->config_path, NULL, 0, &diag);
	char *path = main_configured_socket(config);
	config_free(&config);
	diag_clear(&diag);
	if (path == NULL)
		return mem_copy_string(MAIN_DEFAULT_SOCKET);
	if (path[0] == '\0') {
		screen_complain("admin_listen names no unix socket; give one with -s");
		free(path);
		return NULL;
	}
	return path;
}

static int main_run(const struct main_options *options)
{
	const char *name = options->rest_count > 0 ? options->rest[0] : NULL;

	if (options->wants_version) {
		puts("sixgatectl " SIXGATE_VERSION);
		return CTL_DONE;
	}
	if (name != NULL && strcmp(name, "help") == 0)
		return main_help(options->rest_count > 1 ? options->rest[1] : NULL);
	if (options->wants_help)
		return main_help(name);
	if (name == NULL) {
		main_print_usage(stderr);
		return CTL_USAGE;
	}
	const struct command *command = command_find(name);
	if (command == NULL)
		return main_help(name);
	bool needs_daemon = command->need == COMMAND_NEEDS_DAEMON;
	char *path = needs_daemon ? main_socket(options) : NULL;
	if (path == NULL && needs_daemon)
		return CTL_USAGE;
	struct ctl ctl = {.socket_path = path, .is_json = options->is_json};
	screen_look(&ctl);
	int status = command->run(&ctl, options->rest_count, options->rest);
	free(path);
	return status;
}

int main(int argc, char **argv)
{
	struct main_options options = main_parse(argc, argv);

	/* A daemon that goes away while it is asked is told as an error, and so is a full disk. */
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int status = main_run(&options);
	free(options.rest);
	curl_global_cleanup();
	if (fflush(stdout) != 0 && status == CTL_DONE) {
		/* Who has closed the pipe, as head(1) does, has seen enough. */
		if (errno != EPIPE)
			screen_complain("standard output: %m");
		status = CTL_REFUSED;
	}
	return status;
}
