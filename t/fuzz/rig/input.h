/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An input taken apart.  Inputs are texts where that is possible, so that people can read the
 * corpora: lines, and between parts of several lines a line "--".
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

static inline struct span input_of(const uint8_t *data, size_t size)
{
	return (struct span){size > 0 ? (const char *)data : "", size};
}

/* What stands before the next separator, which is taken as well; all of it when there is none. */
static inline struct span input_take(struct span *rest, char separator)
{
	size_t length = span_find(*rest, separator);
	struct span part = span_first(*rest, length);

	*rest = span_from(*rest, length < rest->length ? length + 1 : length);
	return part;
}

static inline struct span input_line(struct span *rest)
{
	return input_take(rest, '\n');
}

/* What stands before a line "--", which is taken as well; all of it when there is none. */
static inline struct span input_part(struct span *rest)
{
	struct span part = *rest;

	while (rest->length > 0) {
		size_t before = part.length - rest->length;
		if (span_equals(input_line(rest), SPAN("--")))
			return span_first(part, before);
	}
	return part;
}

/* The next byte; 0 at the end. */
static inline unsigned input_byte(struct span *rest)
{
	if (rest->length == 0)
		return 0;
	unsigned byte = (uint8_t)rest->text[0];
	*rest = span_from(*rest, 1);
	return byte;
}

/* The decimal number that text is, with its sign; 0 when it is none, or too large. */
static inline int64_t input_number(struct span text)
{
	bool is_negative = text.length > 0 && text.text[0] == '-';
	int64_t number = 0;

	for (size_t i = is_negative; i < text.length; i++)
		if (!ascii_is_digit(text.text[i]) || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, text.text[i] - '0', &number))
			return 0;
	return is_negative ? -number : number;
}
