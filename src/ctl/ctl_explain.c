/* SPDX-License-Identifier: BSD-2-Clause */
/* explain: what would be answered to a request, and why. */
#include "client.h"
#include "commands.h"
#include "log_line.h"
#include "screen.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Borrowed; NULL: not given. */
struct explain_question {
	const char *client, *name, *sender, *recipient, *helo, *log;
};

static bool explain_parse(struct explain_question *question, int argc, char **argv)
{
	static const struct option options[] = {{"client", required_argument, NULL, 'c'},
						{"name", required_argument, NULL, 'n'},
						{"sender", required_argument, NULL, 'f'},
						{"recipient", required_argument, NULL, 't'},
						{"helo", required_argument, NULL, 'h'},
						{"log", required_argument, NULL, 'l'},
						{0}};
	int option;

	*question = (struct explain_question){0};
	optind = 0; /* glibc: start anew */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		const char **value = option == 'c'   ? &question->client
				     : option == 'n' ? &question->name
				     : option == 'f' ? &question->sender
				     : option == 't' ? &question->recipient
				     : option == 'h' ? &question->helo
				     : option == 'l' ? &question->log
						     : NULL;
		if (value == NULL)
			return false;
		*value = optarg;
	}
	bool has_request =
		question->client != NULL && question->sender != NULL && question->recipient != NULL;
	bool has_any = question->client != NULL || question->name != NULL ||
		       question->sender != NULL || question->recipient != NULL ||
		       question->helo != NULL;
	if (optind < argc)
		screen_complain("%s: %s: expected options only; quote the line behind --log",
				argv[0], argv[optind]);
	else if (question->log != NULL ? has_any : !has_request)
		screen_complain("%s: expected --client, --sender and --recipient, or else --log",
				argv[0]);
	else
		return true;
	return false;
}

/* Fill question from a line of the log; false after telling what is wrong with it. */
static bool explain_read_log(struct explain_question *question, struct log_line *line,
			     const char *command)
{
	char *input = NULL;
	size_t size = 0;
	const char *text = question->log;

	if (strcmp(text, "-") == 0)
		text = getline(&input, &size, stdin) > 0 ? input : "";
	const char *error = log_line_parse(line, text);
	free(input);
	if (error != NULL) {
		screen_complain("%s: --log: %s", command, error);
		return false;
	}
	*question = (struct explain_question){.client = line->client_address,
					      .name = line->client_name,
					      .sender = line->sender,
					      .recipient = line->recipient,
					      .helo = line->helo_name};
	return true;
}

static enum paint explain_paint(const char *result)
{
	static const struct {
		const char *word;
		enum paint paint;
	} paints[] = {{"pass", PAINT_GOOD},      {"yes", PAINT_GOOD},   {"known", PAINT_GOOD},
		      {"accept", PAINT_GOOD},    {"ok", PAINT_GOOD},    {"passed", PAINT_GOOD},
		      {"fail", PAINT_BAD},       {"reject", PAINT_BAD}, {"permerror", PAINT_BAD},
		      {"temperror", PAINT_WARN}, {"defer", PAINT_WARN}, {"greylist", PAINT_WARN},
		      {"softfail", PAINT_WARN},  {"new", PAINT_WARN},   {"early", PAINT_WARN}};

	for (size_t i = 0; i < sizeof(paints) / sizeof(paints[0]); i++)
		if (strcmp(result, paints[i].word) == 0)
			return paints[i].paint;
	return PAINT_NONE;
}

static const char *explain_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* The columns that the texts of a member of all steps take. */
static int explain_width(const json_t *steps, const char *name)
{
	const json_t *step;
	size_t i, width = 0;

	json_array_foreach (steps, i, step) {
		char *shown = screen_text(explain_string(step, name));
		if (screen_columns(shown) > width)
			width = screen_columns(shown);
		free(shown);
	}
	return width < 40 ? (int)width : 40;
}

static void explain_print_padded(const struct ctl *ctl, enum paint paint, const char *text,
				 int width)
{
	char *shown = screen_text(text);
	int columns = (int)screen_columns(shown);

	screen_print_painted(ctl, paint, text);
	printf("%*s  ", columns < width ? width - columns : 0, "");
	free(shown);
}

static void explain_print_steps(const struct ctl *ctl, const json_t *steps)
{
	int name_width = explain_width(steps, "step"),
	    result_width = explain_width(steps, "result");
	const json_t *step, *detail;
	size_t i, j;

	json_array_foreach (steps, i, step) {
		const char *result = explain_string(step, "result");
		explain_print_padded(ctl, PAINT_BOLD, explain_string(step, "step"), name_width);
		explain_print_padded(ctl, explain_paint(result), result, result_width);
		screen_print(explain_string(step, "text"));
		putchar('\n');
		json_array_foreach (json_object_get(step, "details"), j, detail) {
			printf("%*s", name_width + result_width + 6, "");
			screen_print_painted(ctl, PAINT_DIM, json_string_value(detail));
			putchar('\n');
		}
	}
}

static void explain_print_verdict(const struct ctl *ctl, const char *when, const char *action,
				  const char *reason, bool is_dry)
{
	fputs(when, stdout);
	screen_print_painted(ctl, explain_paint(action), action);
	fputs(reason[0] != '\0' ? " (" : "", stdout);
	screen_print(reason);
	fputs(reason[0] != '\0' ? ")" : "", stdout);
	puts(is_dry ? "; not done, as greylist = dry: the mail passes" : "");
}

static json_t *explain_body(const struct explain_question *question)
{
	return json_pack("{s:s, s:s*, s:s, s:s, s:s*}", "client_address", question->client,
			 "client_name", question->name, "sender",
			 strcmp(question->sender, "<>") == 0 ? "" : question->sender, "recipient",
			 question->recipient, "helo_name", question->helo);
}

/* line has what was answered then, or nothing. */
static int explain_ask(const struct ctl *ctl, const struct explain_question *question,
		       const struct log_line *line)
{
	struct client_answer answer;
	json_t *body = explain_body(question);

	if (body == NULL) {
		screen_complain("explain: an address that is not UTF-8 cannot be asked about");
		return CTL_REFUSED;
	}
	const struct client_request request = {.method = "POST", .path = "/explain", .body = body};
	int status = client_ask_json(ctl, &request, &answer);
	json_decref(body);
	if (status != CTL_DONE)
		return status;
	if (answer.json != NULL) {
		const json_t *verdict = json_object_get(answer.json, "verdict");
		explain_print_steps(ctl, json_object_get(answer.json, "steps"));
		putchar('\n');
		if (line->action != NULL)
			explain_print_verdict(ctl, "Then: ", line->action,
					      line->reason != NULL ? line->reason : "",
					      line->greylist != NULL &&
						      strcmp(line->greylist, "dry") == 0);
		explain_print_verdict(ctl, "Now: ", explain_string(verdict, "action"),
				      explain_string(verdict, "reason"),
				      json_is_true(json_object_get(verdict, "dry")));
		fputs("Answer: ", stdout);
		screen_print(explain_string(verdict, "answer"));
		putchar('\n');
	}
	client_answer_clear(&answer);
	return CTL_DONE;
}

int explain_run(const struct ctl *ctl, int argc, char **argv)
{
	struct explain_question question;
	struct log_line line = {0};

	if (!explain_parse(&question, argc, argv))
		return command_usage(argv[0]);
	int status = CTL_REFUSED;
	if (question.log == NULL || explain_read_log(&question, &line, argv[0]))
		status = explain_ask(ctl, &question, &line);
	log_line_clear(&line);
	return status;
}
