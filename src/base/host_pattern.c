/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_pattern.h"

const char *host_pattern_check(struct span pattern)
{
	bool label_is_empty = true;

	if (pattern.length > 0 && pattern.text[0] == '.')
		pattern = span_from(pattern, 1);
	for (size_t i = 0; i < pattern.length; i++) {
		char c = pattern.text[i];
		if (c == '.' && label_is_empty)
			return "an empty label";
		label_is_empty = c == '.';
		if (c != '.' && c != '-' && c != '_' && !ascii_is_digit(c) &&
		    !(c >= 'a' && c <= 'z'))
			return "a character that host names do not have";
	}
	if (label_is_empty)
		return "an empty label";
	/* Everybody below a top-level domain is nobody in particular. */
	return span_find(pattern, '.') == pattern.length ? "only one label" : NULL;
}
