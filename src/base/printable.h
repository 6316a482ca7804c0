/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from outside, made fit to be shown.
 *
 * Envelope addresses and host names are a stranger's bytes.  They go into log lines, where a
 * newline or an escape sequence would let the stranger write lines of his own, and into answers,
 * which Postfix refuses when they are not UTF-8.
 */
#pragma once

#include "span.h"

#include <stdbool.h>

/* Length in bytes of the valid UTF-8 character at text[0..length), or 0 (RFC 3629 section 4). */
size_t utf8_character_length(const char *text, size_t length);

/* Whether all of span is UTF-8 without control characters (tab counts as one, and what turns the
 * direction of writing). */
bool printable_is_clean(struct span span);

/*
 * Copy span into out, at most size - 1 bytes and a NUL; returns the length.  Control characters and
 * bytes that are not UTF-8 become \xNN.
 */
size_t printable_line(char *out, size_t size, struct span span);

/*
 * The same for one field of a log line: blank, comma and backslash become \xNN too, so that a
 * sender called "x, action=pass" stays one field and no value can be mistaken for another.
 */
size_t printable_field(char *out, size_t size, struct span span);
