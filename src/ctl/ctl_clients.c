/* SPDX-License-Identifier: BSD-2-Clause */
/* known, allow, forget-client: clients that need not wait. */
#include "client.h"
#include "commands.h"
#include "listing.h"
#include "table.h"
#include "base/words.h"

#include "base/clock.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct table_column clients_columns[] = {
	{.title = "STATE"},     {.title = "CLIENT", .may_shrink_to = 16},
	{.title = "BY"},        {.title = "PASSES", .align = TABLE_RIGHT},
	{.title = "LAST SEEN"}, {.title = "EXPIRES"},
};

static void clients_add_row(struct table *table, const json_t *client)
{
	const char *state = json_string_value(json_object_get(client, "state"));
	int64_t now_s = clock_wall_s();
	char words[WORDS_SIZE];

	table_add(table, state != NULL && strcmp(state, "known") == 0 ? PAINT_GOOD : PAINT_WARN,
		  state);
	table_add(table, PAINT_NONE, json_string_value(json_object_get(client, "client")));
	const char *by = json_string_value(json_object_get(client, "by"));
	bool is_allowed = by != NULL && strcmp(by, "allow") == 0;
	table_add(table, PAINT_NONE, by);
	/* Who was allowed did not have to pass so often. */
	table_add(table, PAINT_NONE,
		  is_allowed ? "-" : words_count(words, listing_number(client, "passes")));
	table_add(table, PAINT_NONE, words_age(words, listing_number(client, "last_seen"), now_s));
	table_add(table, PAINT_NONE, words_age(words, listing_number(client, "expires"), now_s));
}

int known_run(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{"client", required_argument, NULL, 'c'},
						{"learning", no_argument, NULL, 'L'},
						{"limit", required_argument, NULL, 'l'},
						{"all", no_argument, NULL, 'a'},
						{0}};
	const char *client = NULL, *state = "known";
	int64_t limit = LISTING_DEFAULT_LIMIT;
	int option;

	optind = 0; /* glibc: start anew */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'c')
			client = optarg;
		else if (option == 'L')
			state = "learning";
		else if (option == 'a')
			limit = INT64_MAX;
		else if (option != 'l' || !listing_parse_limit(argv[0], optarg, &limit))
			return command_usage(argv[0]);
	}
	if (optind < argc) {
		screen_complain("%s: %s: expected options only", argv[0], argv[optind]);
		return command_usage(argv[0]);
	}
	const struct client_field fields[] = {{"client", client}, {"state", state}};
	const struct listing listing = {
		.path = "/clients",
		.rows = "clients",
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
		.limit = limit,
		.columns = clients_columns,
		.column_count = sizeof(clients_columns) / sizeof(clients_columns[0]),
		.add_row = clients_add_row,
		.none = "There is no such client.",
		.rest = "There are more; --all shows them, --limit some of them.",
	};
	return listing_print(ctl, &listing);
}

int allow_run(const struct ctl *ctl, int argc, char **argv)
{
	struct client_answer answer;

	if (argc != 2 || argv[1][0] == '-') {
		screen_complain("%s: expected one client", argv[0]);
		return command_usage(argv[0]);
	}
	json_t *body = json_pack("{s:s}", "client", argv[1]);
	if (body == NULL) {
		screen_complain("%s: the client is not UTF-8", argv[0]);
		return CTL_USAGE;
	}
	const struct client_request request = {.method = "POST", .path = "/clients", .body = body};
	int status = client_ask_json(ctl, &request, &answer);
	json_decref(body);
	if (status != CTL_DONE)
		return status;
	if (answer.json != NULL) {
		screen_print(json_string_value(json_object_get(answer.json, "client")));
		puts(" is known now, and need not wait.");
	}
	client_answer_clear(&answer);
	return CTL_DONE;
}

int forget_client_run(const struct ctl *ctl, int argc, char **argv)
{
	bool is_all = argc == 2 && strcmp(argv[1], "--all") == 0;

	if (argc != 2 || (argv[1][0] == '-' && !is_all)) {
		screen_complain("%s: expected one client, or --all for all of them", argv[0]);
		return command_usage(argv[0]);
	}
	const struct client_field fields[] = {{"client", is_all ? NULL : argv[1]},
					      {"all", is_all ? "yes" : NULL}};
	return listing_remove(ctl, "/clients", fields, 2, "client", "clients");
}
