/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes, ages and durations in words.  Pure: the time is an argument.
 *
 * Words are rounded down to the unit that people would use, so that "3 min ago" is true until it is
 * "4 min ago".  Who needs the seconds has --json.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WORDS_SIZE = 48 };

/* "3 min ago", "now", "in 2 h", "never" for 0; returns out. */
char *words_age(char out[static WORDS_SIZE], int64_t time_s, int64_t now_s);

/* "7 s", "3 min", "5 h", "12 days". */
char *words_span(char out[static WORDS_SIZE], int64_t span_s);

/* "0.30 ms", "12 ms", "2.1 s", "4 min", for what was measured. */
char *words_duration(char out[static WORDS_SIZE], double duration_s);

/* "512 bytes", "12.3 KiB", "4.0 MiB". */
char *words_size(char out[static WORDS_SIZE], int64_t size_bytes);

/* "1,234,567". */
char *words_count(char out[static WORDS_SIZE], int64_t count);

/* "12.5%" of whole; "" when there is no whole. */
char *words_percent(char out[static WORDS_SIZE], int64_t part, int64_t whole);
