/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/spf_macro.h"

#include "tap.h"

#include <stdlib.h>

static struct spf_macro_values values_of(const char *client)
{
	struct spf_macro_values values = {
		.sender = SPAN("strong-bad@email.example.com"),
		.local_part = SPAN("strong-bad"),
		.sender_domain = SPAN("email.example.com"),
		.domain = SPAN("email.example.com"),
		.helo = SPAN("mx.example.org"),
		.validated = SPAN("mx.example.org"),
	};
	netaddr_parse(span_of(client), &values.client);
	return values;
}

static void expand_is(struct spf_macro_values *values, const char *spec, const char *expected)
{
	char name[DNS_NAME_SIZE];

	bool is_name = spf_macro_expand(span_of(spec), values, name);
	tap_is(name, expected, "%s", spec);
	tap_ok(is_name == (expected[0] != '\0'), "and whether that is a name");
}

static void test_values(void)
{
	static const struct {
		const char *spec, *expected;
	} cases[] = {
		/* RFC 7208 7.4. */
		{"%{s}", "strong-bad@email.example.com"},
		{"%{o}", "email.example.com"},
		{"%{d}", "email.example.com"},
		{"%{d4}", "email.example.com"},
		{"%{d3}", "email.example.com"},
		{"%{d2}", "example.com"},
		{"%{d1}", "com"},
		{"%{dr}", "com.example.email"},
		{"%{d2r}", "example.email"},
		{"%{l}", "strong-bad"},
		{"%{l-}", "strong.bad"},
		{"%{lr}", "strong-bad"},
		{"%{lr-}", "bad.strong"},
		{"%{l1r-}", "strong"},
		{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
		{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
		{"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		 "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
		{"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		 "3.2.0.192.in-addr.strong.lp._spf.example.com"},
		{"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
		/* And others. */
		{"%{h}.%{p}", "mx.example.org.mx.example.org"},
		{"%{I}", "192.0.2.3"},
		{"%{i2}", "2.3"},
		{"%{i1r}", "192"},
		{"%{S}", "strong-bad%40email.example.com"},
		{"%{Lr-}", "bad.strong"},
		{"%{d99999999999}", "email.example.com"},
		{"a%%b%-c", "a%b%20c"},
		{"a%_b", "a b"},
		{"Mail.EXAMPLE.", "mail.example"},
		{"a..b", ""},
		{".a", ""},
		{"", ""},
		{"a.\\b", ""},
	};
	struct spf_macro_values values = values_of("192.0.2.3");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expand_is(&values, cases[i].spec, cases[i].expected);
}

static void test_ipv6(void)
{
	struct spf_macro_values values = values_of("2001:db8::cb01");

	expand_is(&values, "%{ir}.%{v}._spf.%{d2}",
		  "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf."
		  "example.com");
	expand_is(&values, "%{i}",
		  "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1");
	expand_is(&values, "%{i4}", "c.b.0.1");
	values = values_of("::ffff:192.0.2.3");
	expand_is(&values, "%{i}.%{v}", "192.0.2.3.in-addr");
}

static void test_parts(void)
{
	struct spf_macro_values values = values_of("192.0.2.3");

	values.domain = SPAN("example.com");
	expand_is(&values, "%{d2}", "example.com");
	expand_is(&values, "%{d3}", "example.com");
	values.local_part = SPAN("a,b/c_d=e+f-g");
	expand_is(&values, "%{l,}", "a.b/c_d=e+f-g");
	expand_is(&values, "%{l/}", "a,b.c_d=e+f-g");
	expand_is(&values, "%{l_=}", "a,b/c.d.e+f-g");
	expand_is(&values, "%{l3r,/_=+-.,,,,,,,,,}", "c.b.a");
	expand_is(&values, "%{L2/}", "a%2cb.c_d%3de%2bf-g");
	values.local_part = SPAN("user.");
	expand_is(&values, "%{l1}x", "x");
	expand_is(&values, "%{l1r}", "user");
	values.helo = SPAN("");
	expand_is(&values, "%{h}%{hr2-}a", "a");
	values.helo = SPAN("\001\377 ");
	expand_is(&values, "%{h}", "");
	expand_is(&values, "%{H}", "%01%ff%20");
}

/* RFC 7208 7.3: labels go from the left, until 253 bytes are left. */
static void test_long(void)
{
	enum { LOCAL = 2000 };
	static char local[LOCAL], spec[60000];
	struct spf_macro_values values = values_of("192.0.2.3");
	char name[DNS_NAME_SIZE], expected[DNS_NAME_SIZE];

	memset(local, 'x', sizeof(local));
	values.local_part = (struct span){local, sizeof(local)};
	expand_is(&values, "%{l}.example.com", "example.com");
	expand_is(&values, "a.%{l}.%{l}.example.com.", "example.com");
	expand_is(&values, "%{l}", "");
	expand_is(&values, "example.com%{l}", "");
	for (size_t i = 1; i < sizeof(local); i += 2)
		local[i] = '.';
	memset(expected, 'x', sizeof(expected));
	for (size_t i = 1; i < sizeof(expected); i += 2)
		expected[i] = '.';
	expected[DNS_NAME_SIZE - 1] = '\0';
	values.local_part.length = LOCAL - 1;
	expand_is(&values, "%{l}", expected);
	expand_is(&values, "%{lr}.", expected);
	expected[DNS_NAME_SIZE - 2] = 'y';
	expand_is(&values, "%{l500}.y.", expected);

	size_t length = 0;
	while (length + 4 <= sizeof(spec) - 1) {
		memcpy(spec + length, "%{d}", 4);
		length += 4;
	}
	memcpy(spec + length - 4, ".abc", 4);
	tap_ok(spf_macro_expand((struct span){spec, length}, &values, name), "60 KB of macros");
	tap_is_number((long long)strlen(name), 253, "have a name that fits");
	memset(spec, 'a', sizeof(spec));
	tap_ok(!spf_macro_expand((struct span){spec, sizeof(spec)}, &values, name),
	       "60 KB of one label are no name");
	memcpy(spec + sizeof(spec) - 8, ".example", 8);
	tap_ok(spf_macro_expand((struct span){spec, sizeof(spec)}, &values, name),
	       "60 KB of text lose their first label");
	tap_is(name, "example", "and what is left is the name");
}

static void test_uses(void)
{
	tap_ok(spf_macro_uses(SPAN("%{d}.%{p2r}"), 'p'), "%%{p} is seen");
	tap_ok(spf_macro_uses(SPAN("%{P}"), 'p'), "%%{P} too");
	tap_ok(!spf_macro_uses(SPAN("%%{p}.p.%{d}"), 'p'), "%%%%{p} is none");
}

/* What is no macro-string does no harm either. */
static void test_broken(void)
{
	static const char *const specs[] = {"%", "a%", "%a", "%{", "%{}", "%{d", "%{x}", "a%.b%%%"};
	struct spf_macro_values values = values_of("192.0.2.3");
	char name[DNS_NAME_SIZE];

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		spf_macro_expand(span_of(specs[i]), &values, name);
		tap_ok(!spf_macro_uses(span_of(specs[i]), 'p'), "broken: %s", specs[i]);
	}
}

int main(void)
{
	test_values();
	test_ipv6();
	test_parts();
	test_long();
	test_uses();
	test_broken();
	return tap_done();
}
