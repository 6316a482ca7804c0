/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_view.h"

#include "table.h"

#include <stdio.h>
#include <string.h>

static const char *view_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static enum paint view_paint(const char *word)
{
	static const struct {
		const char *word;
		enum paint paint;
	} paints[] = {{"ok", PAINT_GOOD},        {"note", PAINT_WARN},    {"FAIL", PAINT_BAD},
		      {"unknown", PAINT_WARN},   {"accepts", PAINT_GOOD}, {"suspects", PAINT_WARN},
		      {"needs_dkim", PAINT_BAD}, {"refuses", PAINT_BAD}};

	for (size_t i = 0; i < sizeof(paints) / sizeof(paints[0]); i++)
		if (strcmp(word, paints[i].word) == 0)
			return paints[i].paint;
	return PAINT_DIM;
}

/* What a check is called. */
static const char *view_subject(const char *word)
{
	static const struct {
		const char *word, *text;
	} subjects[] = {{"ptr", "PTR"},
			{"forward", "forward"},
			{"spf", "SPF"},
			{"helo", "HELO"},
			{"helo_spf", "SPF of HELO"}};

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		if (strcmp(word, subjects[i].word) == 0)
			return subjects[i].text;
	return word;
}

static void view_print_checks(const struct ctl *ctl, const json_t *checks)
{
	static const struct table_column columns[] = {
		{.title = NULL}, {.title = NULL}, {.title = NULL}};
	/* Whole sentences: a line that is too long is the terminal's to fold. */
	const struct ctl uncut = {.has_colour = ctl->has_colour};
	struct table *table = table_new(columns, 3);
	const json_t *check;
	size_t i;

	json_array_foreach (checks, i, check) {
		const char *result = view_string(check, "result");
		table_add(table, PAINT_NONE, view_subject(view_string(check, "check")));
		table_add(table, view_paint(result), result);
		table_add(table, PAINT_NONE, view_string(check, "text"));
	}
	table_print(table, &uncut, 2, stdout);
	table_free(&table);
}

static void view_print_verdict(const struct ctl *ctl, const char *name, const json_t *verdict)
{
	const char *reply = view_string(verdict, "reply");

	printf("  %s: ", name);
	screen_print_painted(ctl, view_paint(view_string(verdict, "verdict")),
			     view_string(verdict, "text"));
	if (reply[0] != '\0')
		printf(" (%s)", reply);
	putchar('\n');
}

static void view_print_address(const struct ctl *ctl, const json_t *address)
{
	const json_t *verdicts = json_object_get(address, "verdicts");

	putchar('\n');
	screen_print_painted(ctl, PAINT_BOLD, view_string(address, "address"));
	putchar('\n');
	view_print_checks(ctl, json_object_get(address, "checks"));
	view_print_verdict(ctl, "Google", json_object_get(verdicts, "google"));
	view_print_verdict(ctl, "Microsoft", json_object_get(verdicts, "microsoft"));
}

static void view_print_title(const struct ctl *ctl, const char *title)
{
	putchar('\n');
	screen_print_painted(ctl, PAINT_BOLD, title);
	putchar('\n');
}

static void view_print_mend(const struct ctl *ctl, const char *title, const json_t *mend)
{
	const json_t *item;
	size_t i;

	if (json_array_size(mend) > 0)
		view_print_title(ctl, title);
	json_array_foreach (mend, i, item) {
		fputs("  ", stdout);
		screen_print(view_string(item, "text"));
		putchar('\n');
		if (view_string(item, "record")[0] == '\0')
			continue;
		fputs("    ", stdout);
		screen_print(view_string(item, "record"));
		putchar('\n');
	}
}

/* Lines as they go into a file, from the margin on: master.cf tells services from their options by
 * that. */
static void view_print_lines(const char *what, const char *where, const json_t *lines)
{
	const json_t *line;
	size_t i;

	if (json_array_size(lines) == 0)
		return;
	printf("\n  %s%s:\n\n", what, where);
	json_array_foreach (lines, i, line) {
		screen_print(json_string_value(line));
		putchar('\n');
	}
}

static void view_print_postfix(const struct ctl *ctl, const json_t *postfix)
{
	const char *file = view_string(postfix, "transport_file");

	if (!json_is_object(postfix))
		return;
	view_print_title(ctl, "Where reverse DNS cannot be had");
	fputs("  These lines let Postfix send to the domains named over IPv4 alone.  Domains that\n"
	      "  have their mailboxes at Google or Microsoft need a line each; their MX (`host -t "
	      "mx\n"
	      "  DOMAIN`) is in google.com, googlemail.com or mail.protection.outlook.com.\n",
	      stdout);
	view_print_lines("The file ", file, json_object_get(postfix, "transport"));
	view_print_lines("Into main.cf", "", json_object_get(postfix, "main_cf"));
	view_print_lines("At the end of master.cf", "", json_object_get(postfix, "master_cf"));
	view_print_lines("Then, and whenever the file has changed", "",
			 json_object_get(postfix, "commands"));
}

/* Sentences, one a line. */
static void view_print_sentences(const struct ctl *ctl, const char *title, const json_t *sentences)
{
	const json_t *sentence;
	size_t i;

	if (json_array_size(sentences) > 0)
		view_print_title(ctl, title);
	json_array_foreach (sentences, i, sentence) {
		fputs("  ", stdout);
		screen_print(json_string_value(sentence));
		putchar('\n');
	}
}

void outbound_view_print(const struct ctl *ctl, const json_t *report)
{
	const json_t *address;
	size_t i;

	fputs("Mail from ", stdout);
	screen_print(view_string(report, "sender"));
	printf(" (%s), HELO ", view_string(report, "sender_source"));
	screen_print(view_string(report, "helo"));
	printf(" (%s)\n", view_string(report, "helo_source"));
	json_array_foreach (json_object_get(report, "addresses"), i, address) {
		view_print_address(ctl, address);
	}
	view_print_sentences(ctl, "Notes", json_object_get(report, "notes"));
	view_print_mend(ctl, "What to mend", json_object_get(report, "mend"));
	view_print_mend(ctl, "What could be better", json_object_get(report, "better"));
	view_print_postfix(ctl, json_object_get(report, "postfix"));
	view_print_sentences(ctl, "What cannot be seen from here",
			     json_object_get(report, "unseen"));
}
