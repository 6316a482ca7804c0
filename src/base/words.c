/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

char *words_span(char out[static WORDS_SIZE], int64_t span_s)
{
	/* Two of a unit before it is used: "90 min" says more than "1 h". */
	static const struct {
		int64_t from_s, unit_s;
		const char *name;
	} units[] = {
		{2 * 86400, 86400, "days"}, {2 * 3600, 3600, "h"}, {120, 60, "min"}, {0, 1, "s"}};

	if (span_s < 0)
		span_s = 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_s >= units[i].from_s) {
			snprintf(out, WORDS_SIZE, "%" PRId64 " %s", span_s / units[i].unit_s,
				 units[i].name);
			break;
		}
	return out;
}

char *words_age(char out[static WORDS_SIZE], int64_t time_s, int64_t now_s)
{
	char span[WORDS_SIZE];

	if (time_s <= 0)
		snprintf(out, WORDS_SIZE, "never");
	else if (time_s == now_s)
		snprintf(out, WORDS_SIZE, "now");
	else if (time_s < now_s)
		snprintf(out, WORDS_SIZE, "%.40s ago", words_span(span, now_s - time_s));
	else /* not the difference of what may be any number */
		snprintf(out, WORDS_SIZE, "in %.40s",
			 words_span(span, now_s > 0 ? time_s - now_s : time_s));
	return out;
}

char *words_duration(char out[static WORDS_SIZE], double duration_s)
{
	if (!(duration_s > 0))
		snprintf(out, WORDS_SIZE, "0 ms");
	else if (duration_s < 0.01)
		snprintf(out, WORDS_SIZE, "%.2f ms", duration_s * 1000);
	else if (duration_s < 0.9995)
		snprintf(out, WORDS_SIZE, "%.0f ms", duration_s * 1000);
	else if (duration_s < 9.95)
		snprintf(out, WORDS_SIZE, "%.1f s", duration_s);
	else if (duration_s < 1e15)
		words_span(out, (int64_t)(duration_s + 0.5));
	else
		snprintf(out, WORDS_SIZE, "for ever");
	return out;
}

char *words_size(char out[static WORDS_SIZE], int64_t size_bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)size_bytes / 1024;
	size_t unit = 0;

	if (size_bytes < 1024) {
		snprintf(out, WORDS_SIZE, "%" PRId64 " byte%s", size_bytes < 0 ? 0 : size_bytes,
			 size_bytes == 1 ? "" : "s");
		return out;
	}
	while (size >= 1023.95) { /* what "%.1f" would show as 1024.0 */
		size /= 1024;
		unit++;
	}
	snprintf(out, WORDS_SIZE, "%.1f %s", size, units[unit]);
	return out;
}

char *words_count(char out[static WORDS_SIZE], int64_t count)
{
	char digits[WORDS_SIZE];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count);
	size_t to = 0;

	for (size_t i = 0; i < length; i++) {
		bool is_behind_digit = i > 0 && digits[i - 1] != '-';
		if (is_behind_digit && (length - i) % 3 == 0)
			out[to++] = ',';
		out[to++] = digits[i];
	}
	out[to] = '\0';
	return out;
}

char *words_percent(char out[static WORDS_SIZE], int64_t part, int64_t whole)
{
	out[0] = '\0';
	if (whole > 0)
		snprintf(out, WORDS_SIZE, "%.1f%%", 100.0 * (double)part / (double)whole);
	return out;
}
