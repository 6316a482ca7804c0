/* SPDX-License-Identifier: BSD-2-Clause */
/* list, forget: greylist entries. */
#include "client.h"
#include "commands.h"
#include "listing.h"
#include "table.h"
#include "base/words.h"

#include "base/clock.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Which entries are meant; what is not given is NULL. */
struct entries_filter {
	const char *client, *sender, *recipient, *state;
	bool is_all, is_dry_run;
	int64_t limit;
};

static const struct option entries_list_options[] = {{"client", required_argument, NULL, 'c'},
						     {"sender", required_argument, NULL, 'f'},
						     {"recipient", required_argument, NULL, 't'},
						     {"state", required_argument, NULL, 'S'},
						     {"limit", required_argument, NULL, 'l'},
						     {"all", no_argument, NULL, 'a'},
						     {0}};
static const struct option entries_forget_options[] = {{"client", required_argument, NULL, 'c'},
						       {"sender", required_argument, NULL, 'f'},
						       {"recipient", required_argument, NULL, 't'},
						       {"state", required_argument, NULL, 'S'},
						       {"all", no_argument, NULL, 'a'},
						       {"dry-run", no_argument, NULL, 'n'},
						       {0}};

/* Read the options; false after telling what is wrong with them. */
static bool entries_parse(struct entries_filter *filter, const struct option *options, int argc,
			  char **argv)
{
	int option;

	*filter = (struct entries_filter){.limit = LISTING_DEFAULT_LIMIT};
	optind = 0; /* glibc: start anew */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			filter->client = optarg;
			break;
		case 'f':
			filter->sender = optarg;
			break;
		case 't':
			filter->recipient = optarg;
			break;
		case 'S':
			filter->state = optarg;
			break;
		case 'l':
			if (!listing_parse_limit(argv[0], optarg, &filter->limit))
				return false;
			break;
		case 'a':
			filter->is_all = true;
			break;
		case 'n':
			filter->is_dry_run = true;
			break;
		default:
			return false;
		}
	}
	if (optind < argc)
		screen_complain("%s: %s: expected options only", argv[0], argv[optind]);
	else if (filter->state != NULL && strcmp(filter->state, "waiting") != 0 &&
		 strcmp(filter->state, "passed") != 0)
		screen_complain("%s: --state: \"%s\": expected waiting or passed", argv[0],
				filter->state);
	else
		return true;
	return false;
}

static const struct table_column entries_columns[] = {
	{.title = "STATE"},
	{.title = "CLIENT", .may_shrink_to = 12},
	{.title = "SENDER", .may_shrink_to = 12},
	{.title = "RECIPIENT", .may_shrink_to = 12},
	{.title = "FIRST SEEN"},
	{.title = "LAST SEEN"},
	{.title = "PASSES", .align = TABLE_RIGHT},
	{.title = "EXPIRES"},
};

static void entries_add_row(struct table *table, const json_t *entry)
{
	const char *state = json_string_value(json_object_get(entry, "state"));
	const char *sender = json_string_value(json_object_get(entry, "sender"));
	int64_t now_s = clock_wall_s();
	char words[WORDS_SIZE];

	table_add(table, state != NULL && strcmp(state, "passed") == 0 ? PAINT_GOOD : PAINT_WARN,
		  state);
	table_add(table, PAINT_NONE, json_string_value(json_object_get(entry, "key")));
	table_add(table, PAINT_NONE, sender != NULL && sender[0] == '\0' ? "<>" : sender);
	table_add(table, PAINT_NONE, json_string_value(json_object_get(entry, "recipient")));
	table_add(table, PAINT_NONE, words_age(words, listing_number(entry, "first_seen"), now_s));
	table_add(table, PAINT_NONE, words_age(words, listing_number(entry, "last_seen"), now_s));
	table_add(table, PAINT_NONE, words_count(words, listing_number(entry, "passes")));
	table_add(table, PAINT_NONE, words_age(words, listing_number(entry, "expires"), now_s));
}

int list_run(const struct ctl *ctl, int argc, char **argv)
{
	struct entries_filter filter;

	if (!entries_parse(&filter, entries_list_options, argc, argv))
		return command_usage(argv[0]);
	const struct client_field fields[] = {{"client", filter.client},
					      {"sender", filter.sender},
					      {"recipient", filter.recipient},
					      {"state", filter.state}};
	const struct listing listing = {
		.path = "/entries",
		.rows = "entries",
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
		.limit = filter.is_all ? INT64_MAX : filter.limit,
		.columns = entries_columns,
		.column_count = sizeof(entries_columns) / sizeof(entries_columns[0]),
		.add_row = entries_add_row,
		.none = "There is no such entry.",
		.rest = "There are more; --all shows them, --limit some of them.",
	};
	return listing_print(ctl, &listing);
}

/* How many would go. */
static int entries_count(const struct ctl *ctl, const struct client_field *fields, size_t count)
{
	const struct listing listing = {.path = "/entries",
					.rows = "entries",
					.fields = fields,
					.field_count = count,
					.limit = INT64_MAX};
	char words[WORDS_SIZE];
	int64_t found;

	int status = listing_count(ctl, &listing, &found);
	if (status != CTL_DONE)
		return status;
	if (ctl->is_json)
		printf("{\"would_remove\": %lld}\n", (long long)found);
	else
		printf("%s %s would be forgotten.\n", words_count(words, found),
		       found == 1 ? "entry" : "entries");
	return found > 0 ? CTL_DONE : CTL_REFUSED;
}

int forget_run(const struct ctl *ctl, int argc, char **argv)
{
	struct entries_filter filter;

	if (!entries_parse(&filter, entries_forget_options, argc, argv))
		return command_usage(argv[0]);
	bool has_filter = filter.client != NULL || filter.sender != NULL ||
			  filter.recipient != NULL || filter.state != NULL;
	if (has_filter == filter.is_all) {
		screen_complain("%s: expected --client, --sender, --recipient or --state, or else "
				"--all for everything",
				argv[0]);
		return command_usage(argv[0]);
	}
	const struct client_field fields[] = {{"client", filter.client},
					      {"sender", filter.sender},
					      {"recipient", filter.recipient},
					      {"state", filter.state},
					      {"all", filter.is_all ? "yes" : NULL}};
	size_t count = sizeof(fields) / sizeof(fields[0]);
	if (filter.is_dry_run)
		return entries_count(ctl, fields, count - 1); /* all= is for deleting */
	return listing_remove(ctl, "/entries", fields, count, "entry", "entries");
}
