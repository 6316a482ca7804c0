/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A piece of text that belongs to somebody else: a pointer and a length, no NUL behind it.
 *
 * What comes over the wire is looked at where it lies; who wants it longer than its buffer lives
 * copies it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *text; /* borrowed */
	size_t length;    /* bytes */
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

static inline struct span span_of(const char *string)
{
	return (struct span){string, strlen(string)};
}

static inline bool span_equals(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

/* ASCII letters compare equal in either case, as mail domains and table keys do. */
static inline bool span_equals_nocase(struct span a, struct span b)
{
	return a.length == b.length &&
	       (a.length == 0 || strncasecmp(a.text, b.text, a.length) == 0);
}

static inline struct span span_from(struct span span, size_t offset)
{
	return (struct span){span.text + offset, span.length - offset};
}

/* The part of span before text[length]. */
static inline struct span span_first(struct span span, size_t length)
{
	return (struct span){span.text, length};
}

static inline bool span_starts_with(struct span span, struct span prefix)
{
	return span.length >= prefix.length && span_equals(span_first(span, prefix.length), prefix);
}

/* Whether c is one of the bytes of set; a NUL never is, although strchr(3) would find it. */
static inline bool ascii_is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Without the blanks (space, tab, carriage return, newline) at both ends. */
static inline struct span span_trim(struct span span)
{
	while (span.length > 0 && ascii_is_one_of(span.text[0], " \t\r\n"))
		span = span_from(span, 1);
	while (span.length > 0 && ascii_is_one_of(span.text[span.length - 1], " \t\r\n"))
		span.length--;
	return span;
}

/* Offset of the first (last) byte c, or span.length when there is none. */
static inline size_t span_find(struct span span, char c)
{
	const char *at = span.length > 0 ? memchr(span.text, c, span.length) : NULL;
	return at != NULL ? (size_t)(at - span.text) : span.length;
}

static inline size_t span_find_last(struct span span, char c)
{
	const char *at =
		span.text != NULL && span.length > 0 ? memrchr(span.text, c, span.length) : NULL;
	return at != NULL ? (size_t)(at - span.text) : span.length;
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A token of RFC 2045 section 5.1: what may stand in a header without quotes. */
static inline bool span_is_token(struct span span)
{
	for (size_t i = 0; i < span.length; i++)
		if (span.text[i] <= ' ' || span.text[i] > '~' ||
		    ascii_is_one_of(span.text[i], "()<>@,;:\\\"/[]?="))
			return false;
	return span.length > 0;
}

/* The next word of *rest, separated by any of the bytes in separators; an empty span at the end. */
static inline struct span span_next_word(struct span *rest, const char *separators)
{
	while (rest->length > 0 && ascii_is_one_of(rest->text[0], separators))
		*rest = span_from(*rest, 1);
	size_t length = 0;
	while (length < rest->length && !ascii_is_one_of(rest->text[length], separators))
		length++;
	struct span word = span_first(*rest, length);
	*rest = span_from(*rest, length);
	return word;
}
