/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/spf_record.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static struct dns_answer *answer_of(struct span text)
{
	struct dns_answer *answer = dns_answer_new(DNS_FOUND, 60);

	dns_answer_add_text(answer, text);
	return answer;
}

static enum spf_record_status parse(struct span text)
{
	const struct dns_answer *answer = answer_of(text);
	struct spf_record record;
	struct span problem;

	enum spf_record_status status = spf_record_parse(&record, answer, &problem);
	spf_record_clear(&record);
	dns_answer_release(&answer);
	return status;
}

static void test_valid(void)
{
	static const char *const cases[] = {
		"v=spf1",
		"V=SPF1 ",
		"v=spf1   A    -ALL   ",
		"v=spf1 +all -all ~all ?all",
		"v=spf1 a mx ptr",
		"v=spf1 a/24 a//64 a/24//64 a/0 a//0 mx/32//128",
		"v=spf1 a:example.org/24 a:example.org//64 a:example.org/24//64",
		"v=spf1 a:example.org. include:_spf.example.org redirect=example.org.",
		"v=spf1 a:1.2.3.4a a:x.a-1 a:x.1-1 a:.org a:a..org",
		"v=spf1 a:a/8.org a:foo:8080.org a:foo=bar.org a:!#$&.org",
		"v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0 ip4:255.255.255.255/32",
		"v=spf1 ip6:2001:db8:: ip6:2001:DB8::/32 ip6:::/0 ip6:::ffff:192.0.2.1/128",
		"v=spf1 exists:%{ir}.%{v}._spf.%{d2}",
		"v=spf1 exists:%{l1r+-}.%{S}.%{o2,/_=.}.%{H}.%{p}",
		"v=spf1 exists:a%{d} include:%{d}.org a:%% a:%_ a:%- mx:%{d}/24",
		"v=spf1 a:%{d999999999999999999}",
		"v=spf1 redirect=example.org exp=%{d} unknown=%{c}%{r}%{t}x a=b A.b-c_d=",
		"v=spf1 x=1 x=1 all= a=b",
		"v=spf1 moo.cow-far_out=man:dog/cat",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is_number(parse(span_of(cases[i])), SPF_RECORD_FOUND, "valid: %s", cases[i]);
}

static void test_invalid(void)
{
	static const char *const cases[] = {
		"v=spf1 \tall",
		"v=spf1 all:example.org",
		"v=spf1 all/8",
		"v=spf1 all.",
		"v=spf1 !all",
		"v=spf1 --all",
		"v=spf1 -",
		"v=spf1 -x=y",
		"v=spf1 unknown",
		"v=spf1 unknown:example.org",
		"v=spf1 include",
		"v=spf1 include:",
		"v=spf1 include:example.org/24",
		"v=spf1 exists",
		"v=spf1 exists:",
		"v=spf1 exists:example.org//64",
		"v=spf1 ptr:",
		"v=spf1 ptr/24",
		"v=spf1 ptr:example.org/24",
		"v=spf1 a:",
		"v=spf1 a:/24",
		"v=spf1 a/",
		"v=spf1 a//",
		"v=spf1 a/33",
		"v=spf1 a/024",
		"v=spf1 a/00",
		"v=spf1 a//129",
		"v=spf1 a/24/24",
		"v=spf1 a/24/64",
		"v=spf1 a//64/24",
		"v=spf1 a///64",
		"v=spf1 a/2400",
		"v=spf1 a:example.org/2400",
		"v=spf1 a:example.org//64//64",
		"v=spf1 a:museum",
		"v=spf1 a:museum.",
		"v=spf1 a:192.0.2.1",
		"v=spf1 a:192.0.2.1/24",
		"v=spf1 a:x.-a",
		"v=spf1 a:x.a-",
		"v=spf1 a:example.org..",
		"v=spf1 a:example.org:8080",
		"v=spf1 a:example.org,",
		"v=spf1 a:%{d}org",
		"v=spf1 mx:example.%",
		"v=spf1 ip4",
		"v=spf1 ip4:",
		"v=spf1 ip4/24",
		"v=spf1 ip4:192.0.2",
		"v=spf1 ip4:192.0.2.1.",
		"v=spf1 ip4:192.0.2.01",
		"v=spf1 ip4:192.0.2.256",
		"v=spf1 ip4:192.0.2.1/33",
		"v=spf1 ip4:192.0.2.1/",
		"v=spf1 ip4:192.0.2.1/08",
		"v=spf1 ip4:192.0.2.1//32",
		"v=spf1 ip4:192.0.2.1:25",
		"v=spf1 ip4:2001:db8::",
		"v=spf1 ip6:192.0.2.1",
		"v=spf1 ip6:2001:db8::%eth0",
		"v=spf1 ip6:2001:db8::/129",
		"v=spf1 ip6:2001:db8::/1280",
		"v=spf1 ip6:2001:db8:::1",
		"v=spf1 exists:%{a}.org",
		"v=spf1 exists:%{}.org",
		"v=spf1 exists:%{d",
		"v=spf1 exists:%d.org",
		"v=spf1 exists:%(d).org",
		"v=spf1 exists:%{d0}",
		"v=spf1 exists:%{dr2}",
		"v=spf1 exists:%{d2;}",
		"v=spf1 exists:%{c}",
		"v=spf1 exists:%{R}.org",
		"v=spf1 exists:%{t}.org",
		"v=spf1 redirect=",
		"v=spf1 redirect=museum",
		"v=spf1 redirect:example.org",
		"v=spf1 redirect=a.org redirect=a.org",
		"v=spf1 REDIRECT=a.org redirect=b.org",
		"v=spf1 exp=",
		"v=spf1 exp=-all",
		"v=spf1 exp=%{r}.org",
		"v=spf1 exp=a.org exp=a.org",
		"v=spf1 x=%a",
		"v=spf1 x=%",
		"v=spf1 =x",
		"v=spf1 9x=y",
		"v=spf1 all \177",
		"v=spf1 a:m\303\274ller.org",
		"v=spf1 x=m\303\274ller.org",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is_number(parse(span_of(cases[i])), SPF_RECORD_INVALID, "invalid: %s",
			      cases[i]);
	tap_is_number(parse(SPAN("v=spf1 a:a\0b.org -all")), SPF_RECORD_INVALID, "invalid: a NUL");
	tap_is_number(parse(SPAN("v=spf1 -all\0")), SPF_RECORD_INVALID,
		      "invalid: a NUL at the end");
}

static void test_choice(void)
{
	static const char *const none[] = {"",        "v=spf",      "v=spf10",    "v=spf1\tall",
					   " v=spf1", "v=spf1-all", "spf2.0/pra", "v = spf1"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		tap_is_number(parse(span_of(none[i])), SPF_RECORD_NONE, "no record: \"%s\"",
			      none[i]);

	struct dns_answer *answer = answer_of(SPAN("something else"));
	struct spf_record record;
	struct span problem;
	dns_answer_add_text(answer, SPAN("v=spf1 ~all"));
	dns_answer_add_text(answer, SPAN("v=spf1x"));
	tap_is_number(spf_record_parse(&record, answer, &problem), SPF_RECORD_FOUND,
		      "one among others");
	tap_is_number((long long)record.count, 1, "with its term");
	spf_record_clear(&record);
	dns_answer_add_text(answer, SPAN("v=spf1"));
	tap_is_number(spf_record_parse(&record, answer, &problem), SPF_RECORD_SEVERAL,
		      "several are an error");
	spf_record_clear(&record);
	const struct dns_answer *held = answer;
	dns_answer_release(&held);
}

/* All that a term is, as a text. */
static void describe(const struct spf_term *term, char *out, size_t size)
{
	char network[NETWORK_TEXT_SIZE] = "-";

	if (term->mechanism == SPF_MECHANISM_IP4 || term->mechanism == SPF_MECHANISM_IP6)
		network_format(&term->network, network);
	snprintf(out, size, "%d %c <%.*s> <%.*s> %s %s %d %d", (int)term->mechanism,
		 term->qualifier, (int)term->text.length, term->text.text, (int)term->domain.length,
		 term->domain.text, term->has_macros ? "macros" : "plain", network,
		 (int)term->prefix_v4, (int)term->prefix_v6);
}

static void test_terms(void)
{
	static const char *const expected[] = {
		"3 + <mx> <> plain - 32 128",
		"2 ? <?a:a.org/24//64> <a.org> plain - 24 64",
		"3 ~ <~MX//0> <> plain - 32 0",
		"1 - <-include:%{d}.org> <%{d}.org> macros - 32 128",
		"5 + <ip4:192.0.2.1/24> <> plain 192.0.2.0/24 0 0",
		"6 + <+ip6:2001:db8::1> <> plain 2001:db8::1/128 0 0",
		"6 + <ip6:::ffff:192.0.2.1> <> plain ::ffff:192.0.2.1/128 0 0",
		"4 + <ptr:b.org> <b.org> plain - 32 128",
		"7 + <exists:a%%> <a%%> macros - 32 128",
		"0 - <-all> <> plain - 32 128",
	};
	const struct dns_answer *answer = answer_of(
		SPAN("v=spf1 mx ?a:a.org/24//64 redirect=%{d}x.org ~MX//0 -include:%{d}.org "
		     "ip4:192.0.2.1/24 x=y +ip6:2001:db8::1 ip6:::ffff:192.0.2.1 ptr:b.org "
		     "exists:a%% -all"));
	struct spf_record record;
	struct span problem;
	char text[256];

	tap_is_number(spf_record_parse(&record, answer, &problem), SPF_RECORD_FOUND, "a record");
	tap_is_number((long long)record.count, sizeof(expected) / sizeof(expected[0]), "its terms");
	for (size_t i = 0; i < record.count && i < sizeof(expected) / sizeof(expected[0]); i++) {
		describe(&record.terms[i], text, sizeof(text));
		tap_is(text, expected[i], "term %d", (int)i);
	}
	tap_ok(span_equals(record.redirect, SPAN("%{d}x.org")), "redirect, wherever it stands");
	tap_ok(record.redirect_has_macros, "and that it has macros");
	spf_record_clear(&record);
	dns_answer_release(&answer);
}

static void test_problem(void)
{
	const struct dns_answer *answer = answer_of(SPAN("v=spf1 a ip4:1.2.3 mx: -all"));
	struct spf_record record;
	struct span problem;

	spf_record_parse(&record, answer, &problem);
	tap_ok(span_equals(problem, SPAN("ip4:1.2.3")), "the first term that is wrong is told");
	spf_record_clear(&record);
	dns_answer_release(&answer);
}

static void test_long(void)
{
	enum { TERMS = (SPF_RECORD_MAX - 7) / 3 };
	static char text[65535];
	struct spf_record record;
	struct span problem;

	memcpy(text, "v=spf1 ", 7);
	for (size_t i = 7; i < sizeof(text); i += 3)
		memcpy(text + i, "mx ", sizeof(text) - i < 3 ? sizeof(text) - i : 3);
	const struct dns_answer *answer = answer_of((struct span){text, 7 + 3 * TERMS});
	tap_is_number(spf_record_parse(&record, answer, &problem), SPF_RECORD_FOUND, "16 KB");
	tap_is_number((long long)record.count, TERMS, "have all their terms");
	spf_record_clear(&record);
	dns_answer_release(&answer);

	for (size_t i = 7; i < sizeof(text); i++)
		text[i] = "x=xx xx="[(i - 7) % 8];
	tap_is_number(parse((struct span){text, SPF_RECORD_MAX}), SPF_RECORD_FOUND,
		      "as long as it may be");
	tap_is_number(parse((struct span){text, SPF_RECORD_MAX + 1}), SPF_RECORD_LONG,
		      "a byte longer");
	struct dns_answer *answers = answer_of((struct span){text, sizeof(text)});
	tap_is_number(spf_record_parse(&record, answers, &problem), SPF_RECORD_LONG, "64 KB");
	spf_record_clear(&record);
	dns_answer_add_text(answers, SPAN("v=spf1 -all"));
	tap_is_number(spf_record_parse(&record, answers, &problem), SPF_RECORD_SEVERAL,
		      "it is a record beside others");
	spf_record_clear(&record);
	answer = answers;
	dns_answer_release(&answer);

	text[0] = 'x';
	answers = answer_of((struct span){text, sizeof(text)});
	dns_answer_add_text(answers, SPAN("v=spf1 -all"));
	tap_is_number(spf_record_parse(&record, answers, &problem), SPF_RECORD_FOUND,
		      "64 KB of something else do no harm");
	spf_record_clear(&record);
	answer = answers;
	dns_answer_release(&answer);
}

/* A record whose second term has length bytes. */
static void is_parsed_with_term(const char *head, size_t length, enum spf_record_status expected)
{
	char text[SPF_TERM_MAX + 100];
	size_t used = (size_t)snprintf(text, sizeof(text), "v=spf1 a %s", head);
	size_t end = strlen("v=spf1 a ") + length - strlen("%{l1-}");

	while (used < end)
		text[used++] = 'x';
	used += (size_t)snprintf(text + used, sizeof(text) - used, "%%{l1-} -all");
	const struct dns_answer *answer = answer_of((struct span){text, used});
	struct spf_record record;
	struct span problem;
	tap_is_number(spf_record_parse(&record, answer, &problem), expected,
		      "a term \"%s...\" of %zu bytes", head, length);
	if (expected == SPF_RECORD_LONG_TERM)
		tap_is_number((long long)problem.length, (long long)length, "... is what is wrong");
	spf_record_clear(&record);
	dns_answer_release(&answer);
}

static void test_long_terms(void)
{
	static const char *const heads[] = {"include:", "-exists:", "redirect=", "exp=", "other="};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		is_parsed_with_term(heads[i], SPF_TERM_MAX, SPF_RECORD_FOUND);
		is_parsed_with_term(heads[i], SPF_TERM_MAX + 1, SPF_RECORD_LONG_TERM);
	}
}

int main(void)
{
	test_valid();
	test_invalid();
	test_choice();
	test_terms();
	test_problem();
	test_long();
	test_long_terms();
	return tap_done();
}
