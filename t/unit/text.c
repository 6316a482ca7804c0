/* SPDX-License-Identifier: BSD-2-Clause */
/* printable, text_file, text_map, endpoint: what is done to texts. */
#include "base/endpoint.h"
#include "base/hash.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "base/text_map.h"

#include "tap.h"

#include <stdio.h>

static void test_printable(void)
{
	static const struct {
		struct span text;
		const char *line, *field;
	} cases[] = {
		{SPAN("plain"), "plain", "plain"},
		{SPAN("a b, c"), "a b, c", "a\\x20b\\x2c\\x20c"},
		{SPAN("back\\slash"), "back\\slash", "back\\x5cslash"},
		{SPAN("new\nline\r\t"), "new\\x0aline\\x0d\\x09", "new\\x0aline\\x0d\\x09"},
		{SPAN("nul\0!"), "nul\\x00!", "nul\\x00!"},
		{SPAN("esc\033[31m"), "esc\\x1b[31m", "esc\\x1b[31m"},
		{SPAN("m\303\274ller"), "m\303\274ller", "m\303\274ller"},
		{SPAN("\303"), "\\xc3", "\\xc3"},
		{SPAN("\302\233c1"), "\\xc2\\x9bc1", "\\xc2\\x9bc1"},
		{SPAN("\300\257overlong"), "\\xc0\\xafoverlong", "\\xc0\\xafoverlong"},
		{SPAN("\355\240\200surrogate"), "\\xed\\xa0\\x80surrogate",
		 "\\xed\\xa0\\x80surrogate"},
		{SPAN("\364\220\200\200far"), "\\xf4\\x90\\x80\\x80far", "\\xf4\\x90\\x80\\x80far"},
		{SPAN("\342\200\256liame"), "\\xe2\\x80\\xaeliame", "\\xe2\\x80\\xaeliame"},
		{SPAN("\342\201\246i"), "\\xe2\\x81\\xa6i", "\\xe2\\x81\\xa6i"},
		{SPAN("\330\234m\342\200\246"), "\\xd8\\x9cm\342\200\246",
		 "\\xd8\\x9cm\342\200\246"},
		{SPAN("\360\237\230\200"), "\360\237\230\200", "\360\237\230\200"},
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		printable_line(out, sizeof(out), cases[i].text);
		tap_is(out, cases[i].line, "log line case %zu", i);
		printable_field(out, sizeof(out), cases[i].text);
		tap_is(out, cases[i].field, "log field case %zu", i);
	}
	printable_line(out, 4, SPAN("a\nbc"));
	tap_is(out, "a", "a byte that does not fit escaped is left out whole");
	printable_line(out, 4, SPAN("aa\303\274"));
	tap_is(out, "aa", "so is a character of two bytes");
	tap_ok(printable_is_clean(SPAN("text \303\274")) && !printable_is_clean(SPAN("a\nb")),
	       "control characters are not clean");
}

static void test_lines(void)
{
	static const char text[] = "# comment\n"
				   "\n"
				   "one = 1\n"
				   "two =\n"
				   "  2a\n"
				   "# within\n"
				   "\n"
				   "\t2b\n"
				   "  \n"
				   "three = 3";
	static const struct {
		const char *line;
		unsigned number;
	} expected[] = {{"one = 1", 3}, {"two =  2a\t2b", 4}, {"three = 3", 10}};
	struct text_file file;
	struct span line;
	unsigned number = 0;
	size_t count = 0;

	text_file_from_memory(&file, "test", SPAN(text));
	while (text_file_next(&file, &line, &number) && count < 3) {
		char copy[64];
		snprintf(copy, sizeof(copy), "%.*s", (int)line.length, line.text);
		tap_is(copy, expected[count].line, "logical line %zu", count + 1);
		tap_is_number(number, expected[count].number, "and where it begins");
		count++;
	}
	tap_is_number((long long)count, 3, "three logical lines");
	text_file_clear(&file);

	text_file_from_memory(&file, "test", SPAN("# nothing\n\n   \n"));
	tap_ok(!text_file_next(&file, &line, &number),
	       "comments and blank lines alone are nothing");
	text_file_clear(&file);
}

static void test_map(void)
{
	struct text_map map = {0};
	unsigned value;
	bool all = true;
	char key[32];

	tap_ok(!text_map_find(&map, SPAN("x"), &value), "an empty map has nothing");
	for (unsigned i = 0; i < 5000; i++) {
		int length = snprintf(key, sizeof(key), "key %u", i);
		value = i;
		all = all && text_map_add(&map, (struct span){key, (size_t)length}, &value);
	}
	for (unsigned i = 0; i < 5000; i++) {
		int length = snprintf(key, sizeof(key), "key %u", i);
		all = all && text_map_find(&map, (struct span){key, (size_t)length}, &value) &&
		      value == i;
	}
	tap_ok(all, "5000 keys are all found with their values");
	value = 1;
	tap_ok(!text_map_add(&map, SPAN("key 17"), &value) && value == 17,
	       "a key that is there keeps its value and tells it");
	tap_ok(!text_map_find(&map, SPAN("key 5000"), &value), "what was not added is not found");
	text_map_clear(&map);

	/* UndefinedBehaviorSanitizer saw it. */
	value = 7;
	text_map_add(&map, SPAN(""), &value);
	tap_ok(text_map_find(&map, SPAN(""), &value) && value == 7,
	       "an empty key alone is found, and points to something");
	text_map_clear(&map);
}

static void test_endpoints(void)
{
	static const struct {
		const char *text, *host, *port, *path; /* all NULL: an error */
	} cases[] = {
		{"unix:/run/x", NULL, NULL, "/run/x"},
		{"inet:127.0.0.1:10030", "127.0.0.1", "10030", NULL},
		{"inet:[::1]:10030", "::1", "10030", NULL},
		{"inet:localhost:policy", "localhost", "policy", NULL},
		{"inet:::1:10030", NULL, NULL, NULL},
		{"inet::10030", NULL, NULL, NULL},
		{"inet:127.0.0.1:", NULL, NULL, NULL},
		{"inet:10030", NULL, NULL, NULL},
		{"inet:127.0.0.1:0", NULL, NULL, NULL},
		{"inet:127.0.0.1:65535", "127.0.0.1", "65535", NULL},
		{"inet:127.0.0.1:65536", NULL, NULL, NULL},
		{"inet:127.0.0.1:10030x", NULL, NULL, NULL},
		{"inet:127.0.0.1:-1", NULL, NULL, NULL},
		{"unix:", NULL, NULL, NULL},
		{"/run/x", NULL, NULL, NULL},
		{"unix:/"
		 "0123456789012345678901234567890123456789012345678901234567890123456789012345678"
		 "90123456789012345678901234567890123",
		 NULL, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint endpoint;
		const char *why = endpoint_parse(&endpoint, span_of(cases[i].text));
		bool valid = cases[i].port != NULL || cases[i].path != NULL;
		tap_ok((why == NULL) == valid, "\"%.40s\" is %s", cases[i].text,
		       valid ? "an endpoint" : "none");
		if (valid && why == NULL) {
			tap_is(endpoint.host, cases[i].host, "its host");
			tap_is(endpoint.port, cases[i].port, "its port");
			tap_is(endpoint.path, cases[i].path, "its path");
		}
		endpoint_clear(&endpoint);
	}
}

int main(void)
{
	hash_init();
	test_printable();
	test_lines();
	test_map();
	test_endpoints();
	return tap_done();
}
