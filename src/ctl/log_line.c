/* SPDX-License-Identifier: BSD-2-Clause */
#include "log_line.h"

#include "base/memory.h"
#include "base/span.h"

#include <stddef.h>
#include <stdlib.h>

static const struct {
	const char *name;
	size_t offset; /* of the field in struct log_line */
} log_line_fields[] = {
	{"action", offsetof(struct log_line, action)},
	{"reason", offsetof(struct log_line, reason)},
	{"client_name", offsetof(struct log_line, client_name)},
	{"client_address", offsetof(struct log_line, client_address)},
	{"sender", offsetof(struct log_line, sender)},
	{"recipient", offsetof(struct log_line, recipient)},
	{"helo_name", offsetof(struct log_line, helo_name)},
	{"greylist", offsetof(struct log_line, greylist)},
};
enum { LOG_LINE_FIELD_COUNT = sizeof(log_line_fields) / sizeof(log_line_fields[0]) };

static char **log_line_field(struct log_line *line, size_t number)
{
	return (char **)(void *)((char *)line + log_line_fields[number].offset);
}

static int log_line_hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	char lower = ascii_lower(c);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The value as it was before it was made printable; NULL when it cannot have been written by us, or
 * has a NUL in it, which no address has. */
static char *log_line_unescape(struct span value)
{
	char *out = mem_alloc(value.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < value.length; i++) {
		char c = value.text[i];
		if (c == '\\') {
			int high = -1, low = -1;
			if (value.length - i >= 4 && value.text[i + 1] == 'x') {
				high = log_line_hex_digit(value.text[i + 2]);
				low = log_line_hex_digit(value.text[i + 3]);
			}
			if (high < 0 || low < 0 || high + low == 0) {
				free(out);
				return NULL;
			}
			c = (char)(high * 16 + low);
			i += 3;
		}
		out[length++] = c;
	}
	out[length] = '\0';
	return out;
}

/* From "action=" on; an empty span when there is none. */
static struct span log_line_begin(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "action=")) != NULL) {
		if (at == text || ascii_is_one_of(at[-1], " \t"))
			return span_trim(span_of(at));
		at++;
	}
	return (struct span){text, 0};
}

/* What is up to the next ", ". */
static struct span log_line_next(struct span *rest)
{
	size_t length = 0;

	while (length < rest->length &&
	       !(rest->text[length] == ',' &&
		 (length + 1 == rest->length || rest->text[length + 1] == ' ')))
		length++;
	struct span item = span_first(*rest, length);
	*rest = span_trim(span_from(*rest, length < rest->length ? length + 1 : length));
	return item;
}

/* False when the value is none of ours.  Of fields that are repeated the first counts. */
static bool log_line_take(struct log_line *line, struct span item)
{
	size_t sign = span_find(item, '=');

	for (size_t i = 0; i < LOG_LINE_FIELD_COUNT; i++) {
		char **field = log_line_field(line, i);
		if (!span_equals(span_first(item, sign), span_of(log_line_fields[i].name)) ||
		    sign == item.length || *field != NULL)
			continue;
		*field = log_line_unescape(span_from(item, sign + 1));
		return *field != NULL;
	}
	return true;
}

const char *log_line_parse(struct log_line *line, const char *text)
{
	struct span rest = log_line_begin(text);

	*line = (struct log_line){0};
	if (rest.length == 0)
		return "no line of sixgated's: there is no action= in it";
	while (rest.length > 0)
		if (!log_line_take(line, log_line_next(&rest)))
			return "a field has a \\ that is not followed by x and two digits";
	/* A sender may be called "h:", but no address is; with privacy all have hashes. */
	if (line->client_address != NULL && strncmp(line->client_address, "h:", 2) == 0)
		return "the line was written with privacy = yes: it has hashes in place of "
		       "addresses, and cannot be explained";
	if (line->client_address == NULL || line->client_address[0] == '\0')
		return "there is no client_address= in the line";
	if (line->sender == NULL)
		return "there is no sender= in the line";
	if (line->recipient == NULL || line->recipient[0] == '\0')
		return "there is no recipient= in the line";
	return NULL;
}

void log_line_clear(struct log_line *line)
{
	for (size_t i = 0; i < LOG_LINE_FIELD_COUNT; i++)
		free(*log_line_field(line, i));
	*line = (struct log_line){0};
}
