/* SPDX-License-Identifier: BSD-2-Clause */
/* The pure parts of sixgatectl: words, tables, lines of the log. */
#include "ctl/log_line.h"
#include "ctl/outbound_addresses.h"
#include "ctl/outbound_postfix.h"
#include "ctl/stats_view.h"
#include "ctl/table.h"
#include "base/words.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_ages(void)
{
	static const struct {
		int64_t time_s, now_s;
		const char *words;
	} cases[] = {
		{1000, 1000, "now"},
		{999, 1000, "1 s ago"},
		{881, 1000, "119 s ago"},
		{880, 1000, "2 min ago"},
		{10000 - 7199, 10000, "119 min ago"},
		{10000 - 7200, 10000, "2 h ago"},
		{1000000 - 172800, 1000000, "2 days ago"},
		{1090, 1000, "in 90 s"},
		{1000 + 86400 * 35, 1000, "in 35 days"},
		{0, 1000, "never"},
		{-5, 1000, "never"},
		{INT64_MAX, 1000, "in 106751991167300 days"},
	};
	char words[WORDS_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(words_age(words, cases[i].time_s, cases[i].now_s), cases[i].words, "age: %s",
		       cases[i].words);
}

static void test_durations_and_sizes(void)
{
	static const struct {
		double duration_s;
		const char *words;
	} durations[] = {{0, "0 ms"},      {-1, "0 ms"},      {0.0003, "0.30 ms"},
			 {0.012, "12 ms"}, {0.9996, "1.0 s"}, {2.1, "2.1 s"},
			 {9.96, "10 s"},   {240, "4 min"},    {1e300, "for ever"}};
	static const struct {
		int64_t size_bytes;
		const char *words;
	} sizes[] = {{0, "0 bytes"},        {1, "1 byte"},        {1023, "1023 bytes"},
		     {1024, "1.0 KiB"},     {1048575, "1.0 MiB"}, {1234567, "1.2 MiB"},
		     {INT64_MAX, "8.0 EiB"}};
	static const struct {
		int64_t count;
		const char *words;
	} counts[] = {{0, "0"},          {999, "999"},  {1000, "1,000"}, {1234567, "1,234,567"},
		      {-1000, "-1,000"}, {-100, "-100"}};
	char words[WORDS_SIZE];

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		tap_is(words_duration(words, durations[i].duration_s), durations[i].words,
		       "duration: %s", durations[i].words);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		tap_is(words_size(words, sizes[i].size_bytes), sizes[i].words, "size: %s",
		       sizes[i].words);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		tap_is(words_count(words, counts[i].count), counts[i].words, "count: %s",
		       counts[i].words);
	tap_is(words_percent(words, 1, 8), "12.5%", "a share");
	tap_is(words_percent(words, 0, 0), "", "no share of nothing");
}

static char *printed(const struct table *table, int width)
{
	const struct ctl ctl = {.width = width};
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	table_print(table, &ctl, 0, to);
	fclose(to);
	return text;
}

static void test_tables(void)
{
	static const struct table_column columns[] = {
		{.title = "NAME", .may_shrink_to = 4},
		{.title = "N", .align = TABLE_RIGHT},
		{.title = "NOTE"},
	};
	struct table *table = table_new(columns, 3);
	const char *cells[] = {"grüße@b.example", "7", "x", "a\033b", "1,000", ""};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		table_add(table, PAINT_NONE, cells[i]);
	tap_is_number((long long)table_row_count(table), 2, "titles are no row");
	char *wide = printed(table, 0), *narrow = printed(table, 20), *tiny = printed(table, 3);
	tap_is(wide,
	       "NAME                 N  NOTE\n"
	       "grüße@b.example      7  x\n"
	       "a\\x1bb           1,000\n",
	       "columns are aligned by characters, lines end without blanks");
	tap_is(narrow,
	       "NAME         N  NOTE\n"
	       "grüße@…      7  x\n"
	       "a\\x1bb   1,000\n",
	       "what does not fit ends in an ellipsis");
	tap_is(tiny,
	       "NAME      N  NOTE\n"
	       "grü…      7  x\n"
	       "a\\x…  1,000\n",
	       "a column shrinks no further than it may");
	free(wide);
	free(narrow);
	free(tiny);
	table_free(&table);
}

static void test_log_lines(void)
{
	static const struct {
		const char *name, *text, *sender, *error;
	} cases[] = {
		{"a line", "action=pass, client_address=::1, sender=a, recipient=b", "a", NULL},
		{"syslog's prefix",
		 "x sixgated[7]: action=pass, client_address=::1, sender=a, recipient=b", "a",
		 NULL},
		{"escapes",
		 "action=pass, client_address=::1, sender=a\\x2c\\x20recipient=c\\x5c, recipient=b",
		 "a, recipient=c\\", NULL},
		{"a bounce", "action=pass, client_address=::1, sender=, recipient=b", "", NULL},
		{"half an escape", "action=pass, client_address=::1, sender=\\x2, recipient=b",
		 NULL, "a field has a \\ that is not followed by x and two digits"},
		{"a NUL", "action=pass, client_address=::1, sender=\\x00, recipient=b", NULL,
		 "a field has a \\ that is not followed by x and two digits"},
		{"another program's", "transaction=pass, client_address=::1", NULL,
		 "no line of sixgated's: there is no action= in it"},
		{"no sender", "action=pass, client_address=::1, recipient=b", NULL,
		 "there is no sender= in the line"},
		{"nothing", "", NULL, "no line of sixgated's: there is no action= in it"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_line line;
		const char *error = log_line_parse(&line, cases[i].text);
		tap_is(error, cases[i].error, "log line, error: %s", cases[i].name);
		if (cases[i].error == NULL)
			tap_is(line.sender, cases[i].sender, "log line: %s", cases[i].name);
		log_line_clear(&line);
	}
}

static void test_quantiles(void)
{
	json_t *histogram =
		json_loads("{\"count\": 10, \"buckets\": [{\"le\": 1, \"count\": 5},"
			   "{\"le\": 2, \"count\": 9}, {\"le\": \"+Inf\", \"count\": 10}]}",
			   0, NULL);

	tap_ok(stats_view_quantile(histogram, 0.5) == 1, "half of them were below the first bound");
	tap_ok(stats_view_quantile(histogram, 0.9) == 2, "nine of ten below the second");
	tap_ok(isinf(stats_view_quantile(histogram, 0.99)), "the last is above all bounds");
	tap_ok(stats_view_quantile(NULL, 0.5) < 0, "nothing was counted");
	json_decref(histogram);
}

static void test_own_addresses(void)
{
	static const struct {
		const char *line, *address;
		enum outbound_stay stay;
	} cases[] = {
		{"20010db8000000000000000000000025 02 40 00 80     eth0\n", "2001:db8::25",
		 OUTBOUND_STAYS},
		{"20010db8000000000000000000000026 02 40 00 00     eth0\n", "2001:db8::26",
		 OUTBOUND_STAYS},
		{"20010db80000000000000000000000aa 02 40 00 01     eth0\n", "2001:db8::aa",
		 OUTBOUND_TEMPORARY},
		{"20010db80000000000000000000000ae 02 40 00 21     eth0\n", "2001:db8::ae",
		 OUTBOUND_LEAVES},
		{"20010db80000000000000000000000ab 02 40 00 20     eth0\n", "2001:db8::ab",
		 OUTBOUND_LEAVES},
		{"20010db80000000000000000000000ac 02 40 00 c0     eth0\n", "2001:db8::ac",
		 OUTBOUND_LEAVES},
		{"20010db80000000000000000000000ad 02 40 00 88     eth0\n", "2001:db8::ad",
		 OUTBOUND_LEAVES},
	};
	struct netaddr address;
	enum outbound_stay stay;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETADDR_TEXT_SIZE] = "";
		if (outbound_addresses_parse_line(cases[i].line, &address, &stay))
			netaddr_format(&address, text);
		tap_is(text, cases[i].address, "own address: %s", cases[i].address);
		tap_ok(stay == cases[i].stay, "own address: %s: whether it stays",
		       cases[i].address);
	}
	tap_ok(!outbound_addresses_parse_line("20010db8 02 40", &address, &stay),
	       "own address: a line that is none");

	struct outbound_addresses list = {.count = 0};
	for (unsigned i = 0; i < 2 * OUTBOUND_ADDRESSES_MAX; i++) {
		address = (struct netaddr){.bits = 32, .bytes = {192, 0, 2, (uint8_t)(i / 2)}};
		outbound_addresses_add(&list, &address);
	}
	tap_ok(list.count == OUTBOUND_ADDRESSES_MAX && !list.has_more,
	       "own addresses: each is there once");
	address.bytes[3] = 255;
	outbound_addresses_add(&list, &address);
	tap_ok(list.count == OUTBOUND_ADDRESSES_MAX && list.has_more,
	       "own addresses: what is too many is told");
}

static void test_protocols(void)
{
	static const struct {
		const char *value;
		bool ipv4, ipv6;
	} cases[] = {{"", true, true},      {"all", true, true},        {"ipv4", true, false},
		     {"ipv6", false, true}, {"ipv6, ipv4", true, true}, {"ipv4 ipv6", true, true}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outbound_postfix postfix = {.is_there = true};
		char line[64];
		snprintf(line, sizeof(line), "inet_protocols = %s\nx\n", cases[i].value);
		outbound_postfix_read_values(&postfix, line);
		tap_ok(outbound_postfix_uses(&postfix, "ipv4") == cases[i].ipv4 &&
			       outbound_postfix_uses(&postfix, "ipv6") == cases[i].ipv6,
		       "inet_protocols = %s", cases[i].value);
		outbound_postfix_clear(&postfix);
	}
}

int main(void)
{
	test_ages();
	test_durations_and_sizes();
	test_tables();
	test_log_lines();
	test_quantiles();
	test_own_addresses();
	test_protocols();
	return tap_done();
}
