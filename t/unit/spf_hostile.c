/* SPDX-License-Identifier: BSD-2-Clause */
/* SPF records that are made to do harm, and others that are only large. */
#include "lookup/spf_evaluate.h"

#include "base/memory.h"
#include "lookup/spf_record.h"
#include "spf_zone.h"
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct spf_evaluator *evaluator;

/* A zone that is made. */
struct text {
	char *bytes;
	size_t length, size;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (text->size - text->length < 512) {
		text->size = 2 * text->size + 4096;
		text->bytes = mem_resize(text->bytes, text->size);
	}
	va_start(arguments, format);
	int length = vsnprintf(text->bytes + text->length, 512, format, arguments);
	va_end(arguments);
	text->length += (size_t)length;
}

static void test_long_records(void)
{
	struct text text = {0};

	text_add(&text, "example.org TXT v=spf1");
	for (int i = 0; i < 200; i++)
		text_add(&text, " ip4:10.0.%d.0/24", i);
	for (int i = 0; i < 40; i++)
		text_add(&text, " ip6:2001:db8:%x::/48", i);
	text_add(&text, " -all\nname.example TXT v=spf1");
	for (int i = 0; i < 9; i++)
		text_add(&text, " include:%d%063d.example", i, 0);
	text_add(&text, " include:example.org ~all\n");
	for (int i = 0; i < 9; i++)
		text_add(&text, "%d%063d.example TXT v=spf1 ip4:192.0.2.%d ?all\n", i, 0, i);
	for (int i = 0; i < 10; i++)
		text_add(&text, "%d%062d.example TXT v=spf1 ip4:192.0.2.%d ?all\n", i, 0, i);
	text_add(&text, "labels.example TXT v=spf1");
	for (int i = 0; i < 10; i++)
		text_add(&text, " include:%d%062d.example", i, 0);
	text_add(&text, " -all\n");

	struct spf_case test = {"240 networks, and the last matches", text.bytes, "2001:db8:27::1",
				"a@example.org",
				.expected = "pass narrow example.org | ip6:2001:db8:27::/48"};
	spf_case_run(evaluator, &test);
	test.name = "240 networks, and the last of IPv4 matches";
	test.client = "10.0.199.1";
	test.expected = "pass narrow example.org | ip4:10.0.199.0/24";
	spf_case_run(evaluator, &test);
	test.name = "240 networks, and none matches";
	test.client = "192.0.2.1";
	test.expected = "fail example.org | -all";
	spf_case_run(evaluator, &test);
	test.name = "ten includes of long names, and none matches";
	test.client = "203.0.113.1";
	test.sender = "a@labels.example";
	test.expected = "fail labels.example | -all";
	spf_case_run(evaluator, &test);
	test.name = "ten includes of long names, and the last matches";
	test.client = "192.0.2.9";
	test.expected = "pass narrow labels.example | "
			"include:900000000000000000000000000000000000000000000000000000000000000."
			"example ip4:192.0.2.9";
	spf_case_run(evaluator, &test);
	test.name = "a label of 64 bytes is none";
	test.sender = "a@name.example";
	test.expected = "permerror name.example | name.example: no SPF record behind this term: "
			"include:0000000000000000000000000000000000000000000000000000000000000000."
			"example";
	spf_case_run(evaluator, &test);
	free(text.bytes);
}

static void test_bombs(void)
{
	struct text text = {0};

	for (int level = 0; level < 6; level++) {
		text_add(&text, "l%d.example TXT v=spf1", level);
		for (int i = 0; i < 10; i++)
			text_add(&text, " include:l%d.example", level + 1);
		text_add(&text, " -all\n");
	}
	text_add(&text, "l6.example TXT v=spf1 ?all\n");
	struct spf_case test = {
		"ten includes of ten includes of ...", text.bytes, "192.0.2.1", "a@l0.example",
		.expected = "permerror l0.example | l5.example: one term more that asks DNS "
			    "than allowed: include:l6.example"};
	struct spf_zone_cost cost = spf_case_run(evaluator, &test);
	tap_is_number((long long)cost.questions, 7, "cost seven questions");
	free(text.bytes);

	text = (struct text){0};
	text_add(&text, "wide.example TXT v=spf1");
	for (int i = 0; i < 700; i++)
		text_add(&text, " include:w%d.example", i);
	for (int i = 0; i < 700; i++) {
		text_add(&text, "\nw%d.example TXT v=spf1", i);
		for (int j = 0; j < 20; j++)
			text_add(&text, " ?mx:m%d-%d.example", i, j);
	}
	for (int i = 0; i < 10; i++)
		for (int j = 0; j < 20; j++)
			for (int k = 0; k < 10; k++)
				text_add(&text, "\nm%d-%d.example MX h%d-%d-%d.example", i, j, i, j,
					 k);
	test = (struct spf_case){
		"700 includes of 20 mx of ten hosts", text.bytes, "192.0.2.1", "a@wide.example",
		.expected = "permerror wide.example | w0.example: one term more that asks DNS "
			    "than allowed: ?mx:m0-9.example"};
	cost = spf_case_run(evaluator, &test);
	tap_ok(cost.questions <= 1 + 1 + 9 * 11 + SPF_PREFETCH_MAX, "few questions (%zu)",
	       cost.questions);
	free(text.bytes);
}

/* Macros that stand for nothing: one beside the other they take no room in a name. */
static void test_empty_macros(void)
{
	struct text text = {0};

	for (int level = 0; level < 10; level++) {
		text_add(&text, "%sl%d.example TXT v=spf1 include:", level > 0 ? "\n" : "", level);
		for (int i = 0; i < 80; i++)
			text_add(&text, "%%{l1-}");
		text_add(&text, "l%d.example -all", level + 1);
	}
	text_add(&text, "\nl10.example TXT v=spf1 ip4:192.0.2.1 -all\n");
	struct spf_question question = {.client = {32, {192, 0, 2, 1}},
					.sender = SPAN("a-@l0.example"),
					.helo = SPAN("h.example"),
					.limits = {10, 2}};
	struct spf_outcome outcome;
	struct spf_zone_cost cost;
	spf_zone_evaluate(evaluator, text.bytes, &question, SPF_ZONE_AT_ONCE, &outcome, &cost);
	tap_is_number(outcome.evidence.result, SPF_PASS, "ten includes behind 80 empty macros");
	tap_is_number((long long)cost.questions, 11, "cost eleven questions");
	free(text.bytes);
}

/* CVE-2023-42118: macros fill libspf2's buffer of 512 or 4096 bytes, then comes a literal. */
static void test_overflows(void)
{
	static const char *const shapes[] = {
		"exp=", "x=", "a:", "include:", "redirect=", "exists:"};
	static const int macros[] = {0, 1, 100, 126, 127, 128, 1023, 1024};
	static const int literals[] = {0, 1, 9, 10, 100, 500, 3600, 4096};

	for (size_t shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
		struct text text = {0};
		size_t ended = 0, tried = 0;
		for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
			for (size_t j = 0; j < sizeof(literals) / sizeof(literals[0]); j++) {
				struct spf_outcome outcome;
				struct spf_zone_cost cost;
				struct spf_question question = {.client = {32, {192, 0, 2, 1}},
								.sender = SPAN("a@e.example"),
								.helo = SPAN("h.example"),
								.limits = {10, 2}};
				text.length = 0;
				text_add(&text, "e.example TXT v=spf1 ~all %s", shapes[shape]);
				for (int n = 0; n < macros[i]; n++)
					text_add(&text, "%%{d}");
				for (int n = 0; n < literals[j]; n++)
					text_add(&text, "A");
				text_add(&text, ".example\n");
				size_t term = strlen(shapes[shape]) +
					      strlen("%{d}") * (size_t)macros[i] +
					      (size_t)literals[j] + strlen(".example");
				tried++;
				spf_zone_evaluate(evaluator, text.bytes, &question,
						  SPF_ZONE_AT_ONCE, &outcome, &cost);
				ended += outcome.evidence.result ==
					 (term > SPF_TERM_MAX ? SPF_PERMERROR : SPF_SOFTFAIL);
			}
		}
		tap_is_number((long long)ended, (long long)tried,
			      "%s behind ~all with any number of macros and bytes does no harm",
			      shapes[shape]);
		free(text.bytes);
	}
}

static void test_large_answers(void)
{
	struct text text = {0};
	struct spf_case test = {.client = "192.0.2.1", .sender = "a@large.example"};

	text_add(&text, "large.example TXT v=spf1");
	while (text.length < 16000)
		text_add(&text, " ip4:10.0.0.%d", (int)(text.length % 256));
	text_add(&text, " ip4:192.0.2.1 -all\n");
	test.name = "a record of nearly 16 KB";
	test.zone = text.bytes;
	test.expected = "pass narrow large.example | ip4:192.0.2.1";
	spf_case_run(evaluator, &test);

	text.length = 0;
	text_add(&text, "large.example TXT v=spf1 ip4:192.0.2.1");
	while (text.length < 60000)
		text_add(&text, " ip4:10.0.0.%d", (int)(text.length % 256));
	text_add(&text, " -all\ninclude.example TXT v=spf1 include:large.example ~all\n");
	test.name = "a record of 60 KB, and the first term matches";
	test.zone = text.bytes;
	test.expected = "permerror large.example | large.example: an SPF record of more than 16 KB";
	spf_case_run(evaluator, &test);
	test.name = "an include of it";
	test.sender = "a@include.example";
	test.expected =
		"permerror include.example | large.example: an SPF record of more than 16 KB";
	spf_case_run(evaluator, &test);
	test.sender = "a@large.example";

	text.length = 0;
	text_add(&text, "large.example TXT v=spf1 include:");
	while (text.length < 16000)
		text_add(&text, "%%{l}");
	text_add(&text, ".large.example -all\n");
	test.name = "16 KB of macros";
	test.zone = text.bytes;
	test.expected = "permerror large.example | large.example: a term of more than 512 bytes: "
			"include:%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}"
			"%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l";
	spf_case_run(evaluator, &test);

	text.length = 0;
	for (int i = 0; i < 2000; i++)
		text_add(&text, "large.example TXT verification=%d\n", i);
	text_add(&text, "large.example TXT ");
	for (int i = 0; i < 60000; i++)
		text_add(&text, "x");
	text_add(&text, "\n");
	test.name = "2000 TXT records and one of 60 KB, none of SPF";
	test.zone = text.bytes;
	test.expected = "none large.example | large.example: no SPF record";
	spf_case_run(evaluator, &test);
	text_add(&text, "large.example TXT v=spf1 a -all\n");
	for (int i = 0; i < 1000; i++)
		text_add(&text, "large.example A 10.0.%d.%d\n", i / 256, i % 256);
	text_add(&text, "large.example A 192.0.2.1\n");
	test.name = "and one of SPF, which leads to 1000 addresses";
	test.zone = text.bytes;
	test.expected = "pass narrow large.example | a";
	spf_case_run(evaluator, &test);
	test.name = "but not to this client";
	test.client = "192.0.2.2";
	test.expected = "fail large.example | -all";
	spf_case_run(evaluator, &test);
	free(text.bytes);
}

int main(void)
{
	evaluator = spf_evaluator_new();
	test_long_records();
	test_bombs();
	test_empty_macros();
	test_overflows();
	test_large_answers();
	spf_evaluator_free(&evaluator);
	return tap_done();
}
