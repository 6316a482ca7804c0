/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write sixgate_metrics(7): the text of the file that is named, with the table of metrics in place
 * of its line "@METRICS@".  Part of the build; it is not installed.
 */
#include "daemon/stats_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An argument of a macro, in quotes. */
static void print_argument(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			putchar('"'); /* twice is one */
		fputs(*text == '\\' ? "\\e" : (const char[]){*text, '\0'}, stdout);
	}
	putchar('"');
}

static void print_literal(const char *text, const char *behind)
{
	printf(".Ql ");
	print_argument(text);
	printf("%s\n", behind);
}

static void print_label(const struct stats_label *label)
{
	printf(".It Ic %s\n", label->name);
	for (size_t i = 0; i < label->count; i++)
		print_literal(label->word(i), i + 1 < label->count ? " ," : "");
}

static void print_steps(const struct histogram_steps *steps)
{
	char bound[32];

	printf("Steps:\n");
	for (size_t i = 0; i < steps->count; i++) {
		snprintf(bound, sizeof(bound), "%g", steps->bounds[i]);
		printf("%s%s\n", bound, i + 1 < steps->count ? "," : ".");
	}
}

static void print_metric(const struct stats_metric *metric)
{
	printf(".It Ic %s Pq %s\n%s\n", metric->name, stats_type_word(metric->type), metric->help);
	if (metric->type == STATS_HISTOGRAM)
		print_steps(metric->steps);
	if (metric->labels[0].name == NULL)
		return;
	printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < STATS_LABELS_MAX && metric->labels[i].name != NULL; i++)
		print_label(&metric->labels[i]);
	printf(".El\n");
}

static void print_metrics(void)
{
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < stats_metric_count; i++)
		print_metric(&stats_metrics[i]);
	printf(".El\n");
}

int main(int argc, char **argv)
{
	char line[512];
	FILE *text = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (text == NULL) {
		fprintf(stderr, "usage: list_metrics FILE, which must be readable\n");
		return EXIT_FAILURE;
	}
	while (fgets(line, sizeof(line), text) != NULL) {
		if (strcmp(line, "@METRICS@\n") == 0)
			print_metrics();
		else
			fputs(line, stdout);
	}
	bool has_failed = ferror(text) || fflush(stdout) != 0;
	fclose(text);
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
