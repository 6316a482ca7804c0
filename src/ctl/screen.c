/* SPDX-License-Identifier: BSD-2-Clause */
#include "screen.h"

#include "base/memory.h"
#include "base/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const screen_paints[] = {
	[PAINT_NONE] = "",        [PAINT_GOOD] = "\033[32m", [PAINT_WARN] = "\033[33m",
	[PAINT_BAD] = "\033[31m", [PAINT_DIM] = "\033[2m",   [PAINT_BOLD] = "\033[1m",
};

static void (*screen_before)(void); /* NULL: nothing to do */

void screen_before_complaint(void (*before)(void))
{
	screen_before = before;
}

void screen_complain(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	char *shown = screen_text(text);
	if (screen_before != NULL)
		screen_before();
	fflush(stdout);
	fprintf(stderr, "sixgatectl: %s\n", shown);
	free(shown);
	free(text);
}

char *screen_text(const char *text)
{
	struct span span = span_of(text != NULL ? text : "");
	size_t size = span.length * 4 + 1; /* each byte may become \xNN */
	char *shown = mem_alloc(size);

	printable_line(shown, size, span);
	return shown;
}

void screen_print(const char *text)
{
	char *shown = screen_text(text);

	fputs(shown, stdout);
	free(shown);
}

void screen_print_painted(const struct ctl *ctl, enum paint paint, const char *text)
{
	const char *begin = screen_paint(ctl, paint);

	fputs(begin, stdout);
	screen_print(text);
	if (begin[0] != '\0')
		fputs("\033[0m", stdout);
}

const char *screen_paint(const struct ctl *ctl, enum paint paint)
{
	return ctl->has_colour ? screen_paints[paint] : "";
}

size_t screen_columns(const char *text)
{
	size_t columns = 0;

	for (; *text != '\0'; text++)
		if (((unsigned char)*text & 0xc0) != 0x80) /* not the rest of a character */
			columns++;
	return columns;
}

void screen_look(struct ctl *ctl)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO))
		return;
	ctl->width =
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
	ctl->has_colour = (no_colour == NULL || no_colour[0] == '\0') &&
			  (term == NULL || strcmp(term, "dumb") != 0);
}
