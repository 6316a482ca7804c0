/* SPDX-License-Identifier: BSD-2-Clause */
#include "printable.h"

#include <assert.h>
#include <stdint.h>

size_t utf8_character_length(const char *text, size_t length)
{
	const uint8_t *byte = (const uint8_t *)text;
	if (length == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;

	size_t need;
	uint8_t low = 0x80, high = 0xbf; /* what the second byte may be */
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
		need = 2;
	else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
		need = 3;
	else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (length < need)
		return 0;
	if (byte[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (byte[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (byte[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (byte[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (byte[1] < low || byte[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if (byte[i] < 0x80 || byte[i] > 0xbf)
			return 0;
	return need;
}

/* Marks that turn the direction of what stands behind them, or end a line (U+061C, U+200E, U+200F,
 * U+2028 to U+202E, U+2066 to U+2069): with them a stranger's name changes how the rest of a line
 * is shown. */
static bool printable_is_unruly(const uint8_t *character, size_t length)
{
	if (length == 2)
		return character[0] == 0xd8 && character[1] == 0x9c;
	if (length != 3 || character[0] != 0xe2)
		return false;
	uint8_t last = character[2];
	return character[1] == 0x80 ? last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae)
	       : character[1] == 0x81 ? last >= 0xa6 && last <= 0xa9
				      : false;
}

/* The length of a character that may be shown as it is, 0 for one that may not. */
static size_t printable_length(struct span span)
{
	size_t length = utf8_character_length(span.text, span.length);
	uint8_t first = (uint8_t)span.text[0];
	if (length == 1 && (first < 0x20 || first == 0x7f))
		return 0;
	/* U+0080 to U+009F: C1 controls, which terminals obey. */
	if (length == 2 && first == 0xc2 && (uint8_t)span.text[1] < 0xa0)
		return 0;
	return printable_is_unruly((const uint8_t *)span.text, length) ? 0 : length;
}

bool printable_is_clean(struct span span)
{
	while (span.length > 0) {
		size_t length = printable_length(span);
		if (length == 0)
			return false;
		span = span_from(span, length);
	}
	return true;
}

/* How many bytes at the beginning of span are copied as they are, without a look at what they mean:
 * nearly all that there ever is. */
static size_t printable_plain_length(struct span span, bool is_field)
{
	size_t length = 0;

	for (; length < span.length; length++) {
		char c = span.text[length];
		if (c < ' ' || c >= 0x7f || (is_field && (c == ' ' || c == ',' || c == '\\')))
			break;
	}
	return length;
}

static size_t printable_copy(char *out, size_t size, struct span span, bool is_field)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	assert(size > 0);
	while (span.length > 0) {
		size_t run = printable_plain_length(span, is_field);
		if (run > size - 1 - used)
			run = size - 1 - used;
		memcpy(out + used, span.text, run);
		used += run;
		span = span_from(span, run);
		if (span.length == 0)
			break;
		/* What is ASCII and stopped the run is to be escaped. */
		size_t length = printable_length(span);
		if (length == 1)
			length = 0;
		size_t need = length > 0 ? length : 4;
		if (used + need >= size)
			break;
		if (length > 0) {
			memcpy(out + used, span.text, length);
			span = span_from(span, length);
		} else {
			uint8_t byte = (uint8_t)span.text[0];
			out[used] = '\\';
			out[used + 1] = 'x';
			out[used + 2] = hex[byte >> 4];
			out[used + 3] = hex[byte & 15];
			span = span_from(span, 1);
		}
		used += need;
	}
	out[used] = '\0';
	return used;
}

size_t printable_line(char *out, size_t size, struct span span)
{
	return printable_copy(out, size, span, false);
}

size_t printable_field(char *out, size_t size, struct span span)
{
	return printable_copy(out, size, span, true);
}
