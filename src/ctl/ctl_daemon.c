/* SPDX-License-Identifier: BSD-2-Clause */
/* health, metrics, reload: the daemon itself. */
#include "client.h"
#include "commands.h"
#include "screen.h"

#include <stdio.h>

/* These commands take no arguments. */
static bool daemon_has_arguments(int argc, char **argv)
{
	if (argc > 1)
		screen_complain("%s: %s: it takes no arguments", argv[0], argv[1]);
	return argc > 1;
}

int health_run(const struct ctl *ctl, int argc, char **argv)
{
	const struct client_request request = {
		.method = "GET", .path = "/health", .takes_any_status = true};
	struct client_answer answer;

	if (daemon_has_arguments(argc, argv))
		return command_usage(argv[0]);
	int status = client_ask_json(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	bool is_healthy = answer.status == 200;
	if (answer.json != NULL) {
		const char *line = json_string_value(json_object_get(answer.json, "line"));
		if (line == NULL)
			line = json_string_value(json_object_get(answer.json, "error"));
		if (line == NULL)
			line = is_healthy ? "OK" : "not healthy";
		screen_print_painted(ctl, is_healthy ? PAINT_GOOD : PAINT_BAD, line);
		putchar('\n');
	}
	client_answer_clear(&answer);
	return is_healthy ? CTL_DONE : CTL_REFUSED;
}

/* The text is for a program, which reads it by lines; it is handed on as it is. */
int metrics_run(const struct ctl *ctl, int argc, char **argv)
{
	const struct client_request request = {.method = "GET", .path = "/metrics"};
	struct client_answer answer;

	if (daemon_has_arguments(argc, argv))
		return command_usage(argv[0]);
	int status = client_ask(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	for (char *line = answer.text, *end; *line != '\0'; line = end) {
		end = line;
		while (*end != '\0' && *end != '\n')
			end++;
		if (*end == '\n')
			*end++ = '\0';
		screen_print(line);
		putchar('\n');
	}
	client_answer_clear(&answer);
	return CTL_DONE;
}

int reload_run(const struct ctl *ctl, int argc, char **argv)
{
	const struct client_request request = {.method = "POST", .path = "/reload"};
	struct client_answer answer;
	const json_t *message;
	size_t i;

	if (daemon_has_arguments(argc, argv))
		return command_usage(argv[0]);
	int status = client_ask_json(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	if (answer.json != NULL) {
		json_array_foreach (json_object_get(answer.json, "messages"), i, message) {
			screen_print_painted(ctl, PAINT_WARN, json_string_value(message));
			putchar('\n');
		}
		puts("Settings and tables were read again.");
	}
	client_answer_clear(&answer);
	return CTL_DONE;
}
