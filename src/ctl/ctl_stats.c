/* SPDX-License-Identifier: BSD-2-Clause */
/* stats: what Sixgate does to the mail. */
#include "client.h"
#include "commands.h"
#include "screen.h"
#include "stats_view.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATS_INTERVAL_S = 2, STATS_INTERVAL_MAX_S = 3600 };

/* Ask and write; with --json what came. */
static int stats_draw(const struct ctl *ctl, FILE *to)
{
	const struct client_request request = {.method = "GET", .path = "/stats"};
	struct client_answer answer;

	int status = client_ask_json(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	if (answer.json != NULL)
		stats_view_print(answer.json, ctl, to);
	client_answer_clear(&answer);
	return CTL_DONE;
}

int stats_run(const struct ctl *ctl, int argc, char **argv)
{
	char *end = NULL;
	long interval_s = STATS_INTERVAL_S;

	if (argc == 1)
		return stats_draw(ctl, stdout);
	if (strcmp(argv[1], "--watch") != 0 || argc > 3) {
		screen_complain("%s: %s: expected --watch or nothing", argv[0], argv[argc - 1]);
		return command_usage(argv[0]);
	}
	if (argc == 3)
		interval_s = strtol(argv[2], &end, 10);
	if (interval_s < 1 || interval_s > STATS_INTERVAL_MAX_S || (end != NULL && *end != '\0')) {
		screen_complain("%s: --watch: \"%s\": expected seconds from 1 to %d", argv[0],
				argv[2], STATS_INTERVAL_MAX_S);
		return command_usage(argv[0]);
	}
	struct ctl quiet = *ctl;
	if (ctl->is_json)
		quiet.width = 0; /* no terminal is taken over for it */
	return watch_run(&quiet, (int)interval_s, stats_draw);
}
