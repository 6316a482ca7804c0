/* SPDX-License-Identifier: BSD-2-Clause */
/* config: the settings in force. */
#include "client.h"
#include "commands.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

/* In the form of sixgate.conf, so that what is printed can be put there; a default is a comment. */
static void config_print_setting(const struct ctl *ctl, const json_t *setting)
{
	bool is_default = json_is_true(json_object_get(setting, "is_default"));
	enum paint paint = is_default ? PAINT_DIM : PAINT_NONE;

	if (json_is_true(json_object_get(setting, "waits_for_restart"))) {
		screen_print_painted(ctl, PAINT_WARN,
				     "# changed in the file, but it waits for a restart:");
		putchar('\n');
	}
	screen_print_painted(ctl, paint, is_default ? "# " : "");
	screen_print_painted(ctl, paint, json_string_value(json_object_get(setting, "name")));
	screen_print_painted(ctl, paint, " = ");
	screen_print_painted(ctl, paint, json_string_value(json_object_get(setting, "value")));
	putchar('\n');
}

int config_run(const struct ctl *ctl, int argc, char **argv)
{
	const struct client_request request = {.method = "GET", .path = "/config"};
	struct client_answer answer;
	const json_t *setting;
	size_t i;

	bool is_all = argc == 2 && strcmp(argv[1], "--all") == 0;
	if (argc > 2 || (argc == 2 && !is_all)) {
		screen_complain("%s: %s: expected --all or nothing", argv[0], argv[argc - 1]);
		return command_usage(argv[0]);
	}
	int status = client_ask_json(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	json_array_foreach (json_object_get(answer.json, "settings"), i, setting)
		if (is_all || !json_is_true(json_object_get(setting, "is_default")) ||
		    json_is_true(json_object_get(setting, "waits_for_restart")))
			config_print_setting(ctl, setting);
	client_answer_clear(&answer);
	return CTL_DONE;
}
