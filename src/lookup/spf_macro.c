/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_macro.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>

static bool spf_macro_parse_delimiters(struct span text, struct spf_macro_piece *piece)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (!ascii_is_one_of(text.text[i], ".-+,/_="))
			return false;
		if (!ascii_is_one_of(text.text[i], piece->delimiters))
			piece->delimiters[count++] = text.text[i];
	}
	return true;
}

/* "%{", letter, transformers, delimiters, "}": *rest begins behind the "{". */
static bool spf_macro_next_letter(struct span *rest, struct spf_macro_piece *piece)
{
	enum { KEEP_MAX = 1000 }; /* more parts than anything has */
	size_t end = span_find(*rest, '}');
	struct span inside = span_first(*rest, end);

	if (end == rest->length || end == 0)
		return false;
	*rest = span_from(*rest, end + 1);
	piece->letter = ascii_lower(inside.text[0]);
	if (!ascii_is_one_of(piece->letter, "slodiphcrtv"))
		return false;
	piece->is_url_escaped = piece->letter != inside.text[0];
	inside = span_from(inside, 1);
	bool has_digits = inside.length > 0 && ascii_is_digit(inside.text[0]);
	for (; inside.length > 0 && ascii_is_digit(inside.text[0]); inside = span_from(inside, 1))
		if (piece->keep < KEEP_MAX)
			piece->keep = piece->keep * 10 + (unsigned)(inside.text[0] - '0');
	if (has_digits && piece->keep == 0)
		return false;
	if (inside.length > 0 && ascii_lower(inside.text[0]) == 'r') {
		piece->is_reversed = true;
		inside = span_from(inside, 1);
	}
	return spf_macro_parse_delimiters(inside.length > 0 ? inside : SPAN("."), piece);
}

bool spf_macro_next(struct span *rest, struct spf_macro_piece *piece)
{
	*piece = (struct spf_macro_piece){0};
	if (rest->text[0] != '%') {
		size_t length = span_find(*rest, '%');
		piece->literal = span_first(*rest, length);
		*rest = span_from(*rest, length);
		for (size_t i = 0; i < length; i++)
			if (piece->literal.text[i] <= ' ' || piece->literal.text[i] > '~')
				return false;
		return true;
	}
	piece->is_expand = true;
	char second = rest->length > 1 ? rest->text[1] : '\0';
	*rest = span_from(*rest, rest->length > 1 ? 2 : 1);
	switch (second) {
	case '{':
		return spf_macro_next_letter(rest, piece);
	case '%':
		piece->literal = SPAN("%");
		return true;
	case '_':
		piece->literal = SPAN(" ");
		return true;
	case '-':
		piece->literal = SPAN("%20");
		return true;
	}
	return false;
}

bool spf_macro_uses(struct span spec, char letter)
{
	struct spf_macro_piece piece;

	while (spec.length > 0)
		if (spf_macro_next(&spec, &piece) && piece.letter == letter)
			return true;
	return false;
}

enum {
	/* Text of %{i}: 32 nibbles and 31 dots. */
	SPF_MACRO_ADDRESS_SIZE = 63 + 1,
	/* A name, a dot at its end, and the byte before, which tells whether a label begins. */
	SPF_MACRO_ROOM = DNS_NAME_SIZE - 1 + 2,
};

/* The last bytes of an expansion, which is written from its end, as the rest does not matter. */
struct spf_macro_tail {
	char bytes[SPF_MACRO_ROOM];
	size_t free; /* bytes that are not written yet, before those that are */
};

static void spf_macro_put(struct spf_macro_tail *tail, struct span text)
{
	size_t length = text.length < tail->free ? text.length : tail->free;

	if (length == 0)
		return;
	tail->free -= length;
	memcpy(tail->bytes + tail->free, text.text + text.length - length, length);
}

/* RFC 7208 7.3: what is not unreserved in RFC 3986 becomes %XX. */
static void spf_macro_put_escaped(struct spf_macro_tail *tail, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = text.length; i-- > 0 && tail->free > 0;) {
		char c = text.text[i];
		if (ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
		    ascii_is_one_of(c, "-._~")) {
			spf_macro_put(tail, (struct span){&c, 1});
			continue;
		}
		char escaped[] = {'%', hex[(uint8_t)c >> 4], hex[(uint8_t)c & 15]};
		spf_macro_put(tail, (struct span){escaped, sizeof(escaped)});
	}
}

static struct span spf_macro_address(const struct netaddr *addr,
				     char text[static SPF_MACRO_ADDRESS_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	if (addr->bits == 32) {
		netaddr_format(addr, text);
		return span_of(text);
	}
	for (size_t i = 0; i < sizeof(addr->bytes); i++) {
		text[used++] = hex[addr->bytes[i] >> 4];
		text[used++] = '.';
		text[used++] = hex[addr->bytes[i] & 15];
		text[used++] = '.';
	}
	return (struct span){text, used - 1};
}

static struct span spf_macro_value(const struct spf_macro_values *values, char letter,
				   char address[static SPF_MACRO_ADDRESS_SIZE])
{
	switch (letter) {
	case 's':
		return values->sender;
	case 'l':
		return values->local_part;
	case 'o':
		return values->sender_domain;
	case 'd':
		return values->domain;
	case 'h':
		return values->helo;
	case 'p':
		return values->validated;
	case 'i':
		return spf_macro_address(&values->client, address);
	case 'v':
		return values->client.bits == 32 ? SPAN("in-addr") : SPAN("ip6");
	}
	return (struct span){"", 0};
}

/* Take the first or the last part off *rest; false: that was all of it. */
static bool spf_macro_take_part(struct span *rest, const char *delimiters, bool is_first,
				struct span *part)
{
	size_t at = is_first ? 0 : rest->length;

	if (is_first) {
		while (at < rest->length && !ascii_is_one_of(rest->text[at], delimiters))
			at++;
		*part = span_first(*rest, at);
		if (at == rest->length)
			return false;
		*rest = span_from(*rest, at + 1);
	} else {
		while (at > 0 && !ascii_is_one_of(rest->text[at - 1], delimiters))
			at--;
		*part = span_from(*rest, at);
		if (at == 0)
			return false;
		*rest = span_first(*rest, at - 1);
	}
	return true;
}

/* Write what piece stands for.  As that is done from the right, the parts to keep come first. */
static void spf_macro_put_piece(struct spf_macro_tail *tail, const struct spf_macro_piece *piece,
				const struct spf_macro_values *values)
{
	char address[SPF_MACRO_ADDRESS_SIZE];
	unsigned parts = 0;
	bool is_more = true;

	if (piece->letter == '\0') {
		spf_macro_put(tail, piece->literal);
		return;
	}
	struct span rest = spf_macro_value(values, piece->letter, address), part;
	while (is_more && tail->free > 0 && (piece->keep == 0 || parts < piece->keep)) {
		if (parts++ > 0)
			spf_macro_put(tail, SPAN("."));
		is_more = spf_macro_take_part(&rest, piece->delimiters, piece->is_reversed, &part);
		if (piece->is_url_escaped)
			spf_macro_put_escaped(tail, part);
		else
			spf_macro_put(tail, part);
	}
}

bool spf_macro_expand(struct span spec, const struct spf_macro_values *values,
		      char name[static DNS_NAME_SIZE])
{
	struct spf_macro_tail tail = {.free = sizeof(tail.bytes)};
	struct spf_macro_piece piece;
	size_t count = 0;

	name[0] = '\0';
	if (spec.length == 0)
		return false;
	/* Where pieces end is known only from the left. */
	struct span *pieces = mem_alloc(spec.length * sizeof(*pieces));
	for (struct span rest = spec; rest.length > 0; count++) {
		pieces[count] = rest;
		spf_macro_next(&rest, &piece);
	}
	while (count-- > 0 && tail.free > 0)
		if (spf_macro_next(&pieces[count], &piece))
			spf_macro_put_piece(&tail, &piece, values);
	free(pieces);

	struct span text = {tail.bytes + tail.free, sizeof(tail.bytes) - tail.free};
	if (text.length > 0 && text.text[text.length - 1] == '.')
		text.length--;
	while (text.length >= DNS_NAME_SIZE) {
		size_t dot = span_find(text, '.');
		if (dot == text.length)
			return false;
		text = span_from(text, dot + 1);
	}
	return dns_name_fold_question(text, name);
}
