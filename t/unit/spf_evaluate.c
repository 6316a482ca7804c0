/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/spf_evaluate.h"

#include "spf_zone.h"
#include "tap.h"

#include <stdlib.h>

static struct spf_evaluator *evaluator;

static const char zone[] = "example.org TXT v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 "
			   "a:mail.example.org mx -all\n"
			   "example.org TXT something else\n"
			   "example.org MX mx.example.org\n"
			   "mx.example.org A 198.51.100.9\n"
			   "mx.example.org AAAA 2001:db8:1::9\n"
			   "mail.example.org A 198.51.100.7\n"
			   "include.example TXT v=spf1 include:example.org ~all\n"
			   "redirect.example TXT v=spf1 redirect=_spf.%{d}\n"
			   "_spf.redirect.example TXT v=spf1 include:include.example ?all\n"
			   "neutral.example TXT v=spf1 a:mail.example.org\n"
			   "open.example TXT v=spf1 +all\n"
			   "wide.example TXT v=spf1 ip4:192.0.0.0/8 ip4:198.51.100.0/7 "
			   "ip6:2001:db8::/16 ip6:2000::/3 -all\n"
			   "nine.example TXT v=spf1 ip4:192.0.0.0/9 ip6:2001:db8::/17 -all\n"
			   "wide-a.example TXT v=spf1 a:mail.example.org/8 mx:example.org//0 -all\n"
			   "exists.example TXT v=spf1 exists:%{ir}.list.example -all\n"
			   "constant.example TXT v=spf1 exists:yes.example -all\n"
			   "byte.example TXT v=spf1 exists:%{i1r}.list.example -all\n"
			   "yes.example A 127.0.0.2\n"
			   "1.2.0.192.list.example A 127.0.0.2\n"
			   "192.list.example A 127.0.0.2\n"
			   "ptr.example TXT v=spf1 ptr:host.example -all\n"
			   "1.2.0.192.in-addr.arpa PTR a.other.example\n"
			   "1.2.0.192.in-addr.arpa PTR b.host.example\n"
			   "b.host.example A 192.0.2.1\n"
			   "a.other.example A 192.0.2.1\n"
			   "p.example TXT v=spf1 exists:%{p}.p.example -all\n"
			   "a.other.example.p.example A 127.0.0.2\n"
			   "self.example TXT v=spf1 ip4:127.0.0.1 ip6:::1 -all\n"
			   "two.example TXT v=spf1\n"
			   "two.example TXT v=spf1 -all\n"
			   "broken.example TXT v=spf1 a:museum -all\n"
			   "include-broken.example TXT v=spf1 include:broken.example -all\n"
			   "include-none.example TXT v=spf1 include:mail.example.org -all\n"
			   "down.example TXT @fail\n"
			   "include-down.example TXT v=spf1 ?include:down.example -all\n"
			   "mx-down.example TXT v=spf1 mx:down.example -all\n"
			   "down.example MX @fail\n"
			   "after-down.example TXT v=spf1 ip4:192.0.2.1 mx:down.example -all\n";

static void test_results(void)
{
	static const struct spf_case cases[] = {
		{"an ip4 term", zone, "192.0.2.1", "a@example.org",
		 .expected = "pass narrow example.org | ip4:192.0.2.0/24"},
		{"an ip6 term", zone, "2001:db8::1", "a@Example.ORG.",
		 .expected = "pass narrow example.org | ip6:2001:db8::/32"},
		{"an IPv4-mapped client is an IPv4 client", zone, "::ffff:192.0.2.1",
		 "a@example.org", .expected = "pass narrow example.org | ip4:192.0.2.0/24"},
		{"an a term", zone, "198.51.100.7", "a@example.org",
		 .expected = "pass narrow example.org | a:mail.example.org"},
		{"an mx term", zone, "198.51.100.9", "a@example.org",
		 .expected = "pass narrow example.org | mx"},
		{"nothing matches but all", zone, "203.0.113.1", "a@example.org",
		 .expected = "fail example.org | -all"},
		{"include", zone, "198.51.100.9", "a@include.example",
		 .expected = "pass narrow include.example | include:example.org mx"},
		{"an include that does not pass does not match", zone, "203.0.113.1",
		 "a@include.example", .expected = "softfail include.example | ~all"},
		{"redirect, and include in it", zone, "192.0.2.1", "a@redirect.example",
		 .expected = "pass narrow redirect.example | redirect=_spf.%{d} "
			     "include:include.example "
			     "include:example.org ip4:192.0.2.0/24"},
		{"redirect's all", zone, "203.0.113.1", "a@redirect.example",
		 .expected = "neutral redirect.example | redirect=_spf.%{d} ?all"},
		{"the end of a record", zone, "203.0.113.1", "a@neutral.example",
		 .expected = "neutral neutral.example | no term of the record matches"},
		{"the null sender is postmaster@HELO", zone, "192.0.2.1", "",
		 .expected = "pass narrow example.org (helo) | ip4:192.0.2.0/24",
		 .helo = "example.org"},
		{"a HELO of one label", zone, "192.0.2.1", "",
		 .expected = "none localhost (helo) | no domain to check", .helo = "localhost"},
		{"a HELO that is an address", zone, "192.0.2.1", "",
		 .expected = "none [192.0.2.1] (helo) | no domain to check", .helo = "[192.0.2.1]"},
		{"a sender without a domain", zone, "192.0.2.1", "root",
		 .expected = "none  | no domain to check"},
		{"a sender with blanks in its domain", zone, "192.0.2.1", "a@example.org spf=pass",
		 .expected = "none  | no domain to check"},
		{"a sender whose domain has no SPF record", zone, "192.0.2.1", "a@mail.example.org",
		 .expected = "none mail.example.org | mail.example.org: no SPF record"},
		{"a sender whose domain is not there", zone, "192.0.2.1", "a@gone.example",
		 .expected = "none gone.example | gone.example: no SPF record"},
		{"a loopback client gets no free ride", zone, "127.1.2.3", "a@example.org",
		 .expected = "fail example.org | -all"},
		{"nor an IPv6 one", zone, "::1", "a@example.org",
		 .expected = "fail example.org | -all"},
		{"nor does it get less than others", zone, "::1", "a@self.example",
		 .expected = "pass narrow self.example | ip6:::1"},
		{"two records", zone, "192.0.2.1", "a@two.example",
		 .expected = "permerror two.example | two.example: more than one SPF record"},
		{"a syntax error", zone, "192.0.2.1", "a@broken.example",
		 .expected = "permerror broken.example | broken.example: syntax error: a:museum"},
		{"a syntax error in an include", zone, "192.0.2.1", "a@include-broken.example",
		 .expected = "permerror include-broken.example | broken.example: syntax error: "
			     "a:museum"},
		{"an include of nothing", zone, "192.0.2.1", "a@include-none.example",
		 .expected = "permerror include-none.example | include-none.example: no SPF record "
			     "behind this "
			     "term: include:mail.example.org"},
		{"DNS fails for the first record", zone, "192.0.2.1", "a@down.example",
		 .expected = "temperror down.example | down.example: DNS could not tell now"},
		{"DNS fails for an include", zone, "192.0.2.1", "a@include-down.example",
		 .expected =
			 "temperror include-down.example | down.example: DNS could not tell now"},
		{"DNS fails for an mx", zone, "192.0.2.1", "a@mx-down.example",
		 .expected = "temperror mx-down.example | mx-down.example: DNS could not tell now: "
			     "mx:down.example"},
		{"DNS fails behind what matches", zone, "192.0.2.1", "a@after-down.example",
		 .expected = "pass narrow after-down.example | ip4:192.0.2.1"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		spf_case_run(evaluator, &cases[i]);
}

static void test_narrow(void)
{
	static const struct spf_case cases[] = {
		{"+all is everybody", zone, "192.0.2.1", "a@open.example",
		 .expected = "pass open.example | +all"},
		{"a /8", zone, "192.0.2.1", "a@wide.example",
		 .expected = "pass wide.example | ip4:192.0.0.0/8"},
		{"a /7", zone, "199.51.100.1", "a@wide.example",
		 .expected = "pass wide.example | ip4:198.51.100.0/7"},
		{"an IPv6 /16", zone, "2001:db8::1", "a@wide.example",
		 .expected = "pass wide.example | ip6:2001:db8::/16"},
		{"an IPv6 /3", zone, "3001:db8::1", "a@wide.example",
		 .expected = "pass wide.example | ip6:2000::/3"},
		{"a /9", zone, "192.0.2.1", "a@nine.example",
		 .expected = "pass narrow nine.example | ip4:192.0.0.0/9"},
		{"an IPv6 /17", zone, "2001:db8::1", "a@nine.example",
		 .expected = "pass narrow nine.example | ip6:2001:db8::/17"},
		{"an a with a /8", zone, "198.1.1.1", "a@wide-a.example",
		 .expected = "pass wide-a.example | a:mail.example.org/8"},
		{"an mx with an IPv6 /0", zone, "fd00::1", "a@wide-a.example",
		 .expected = "pass wide-a.example | mx:example.org//0"},
		{"an IPv6 /0 is not for IPv4", zone, "203.0.113.1", "a@wide-a.example",
		 .expected = "fail wide-a.example | -all"},
		{"exists about the client", zone, "192.0.2.1", "a@exists.example",
		 .expected = "pass narrow exists.example | exists:%{ir}.list.example"},
		{"exists about nobody", zone, "192.0.2.1", "a@constant.example",
		 .expected = "pass constant.example | exists:yes.example"},
		{"exists about the client's first byte", zone, "192.0.2.1", "a@byte.example",
		 .expected = "pass byte.example | exists:%{i1r}.list.example"},
		{"ptr", zone, "192.0.2.1", "a@ptr.example",
		 .expected = "pass narrow ptr.example | ptr:host.example"},
		{"exists about the client's name", zone, "192.0.2.1", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.p.example"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		spf_case_run(evaluator, &cases[i]);
}

static void test_limits(void)
{
	static const char limits[] =
		"ten.example TXT v=spf1 a:h.example a:h.example a:h.example a:h.example "
		"a:h.example "
		"a:h.example a:h.example a:h.example a:h.example exists:x.example ip4:192.0.2.1 "
		"-all\n"
		"eleven.example TXT v=spf1 a:h.example a:h.example a:h.example a:h.example "
		"a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example ?mx ~all\n"
		"nine.example TXT v=spf1 redirect=ten.example\n"
		"redirect11.example TXT v=spf1 a:h.example redirect=ten.example\n"
		"h.example A 192.0.2.7\n"
		"void2.example TXT v=spf1 a:x1.example mx:h.example ip4:192.0.2.1 -all\n"
		"void3.example TXT v=spf1 a:x1.example mx:h.example exists:x2.example -all\n"
		"hosts6.example TXT v=spf1 mx -all\n"
		"hosts6.example MX h1.example\n"
		"hosts6.example MX h2.example\n"
		"hosts6.example MX h3.example\n"
		"hosts6.example MX h4.example\n"
		"h1.example A 192.0.2.1\n"
		"h2.example A 192.0.2.2\n"
		"h3.example A 192.0.2.3\n"
		"h4.example A 192.0.2.4\n"
		"loop.example TXT v=spf1 include:loop.example -all\n"
		"loop1.example TXT v=spf1 include:loop2.example -all\n"
		"loop2.example TXT v=spf1 include:loop1.example -all\n"
		"circle.example TXT v=spf1 redirect=circle.example\n"
		"twenty.example TXT v=spf1 a:h.example/30 a:h.example/30 a:h.example/30 "
		"a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 "
		"a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 "
		"a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 a:h.example/30 "
		"a:h.example/30 a:h.example/30 -all\n"
		"v4only.example TXT v=spf1 a:h1.example a:h2.example a:h3.example -all\n"
		"v6gone.example TXT v=spf1 a:x1.example a:x2.example a:x3.example -all\n"
		"txt.example TXT v=spf1 a:loop.example a:loop1.example a:loop2.example -all\n"
		"null.example TXT v=spf1 mx -all\n"
		"null.example MX .\n";
	static const struct spf_case cases[] = {
		{"ten terms", limits, "203.0.113.1", "a@ten.example",
		 .expected = "fail ten.example | -all"},
		{"eleven terms", limits, "203.0.113.1", "a@eleven.example",
		 .expected = "permerror eleven.example | eleven.example: one term more that asks "
			     "DNS than "
			     "allowed: ?mx"},
		{"eleven terms, of which one matches first", limits, "192.0.2.7",
		 "a@eleven.example", .expected = "pass narrow eleven.example | a:h.example"},
		{"a redirect is a term", limits, "203.0.113.1", "a@nine.example",
		 .expected = "permerror nine.example | ten.example: one term more that asks DNS "
			     "than allowed: "
			     "exists:x.example"},
		{"twenty terms, when allowed",
		 limits,
		 "203.0.113.1",
		 "a@twenty.example",
		 .expected = "fail twenty.example | -all",
		 NULL,
		 {20, 2}},
		{"not one, when none is allowed but one",
		 limits,
		 "203.0.113.1",
		 "a@void2.example",
		 .expected = "permerror void2.example | void2.example: one term more that asks DNS "
			     "than "
			     "allowed: mx:h.example",
		 NULL,
		 {1, 2}},
		{"no more than libspf2 can, whatever is allowed",
		 limits,
		 "203.0.113.1",
		 "a@circle.example",
		 .expected = "permerror circle.example | circle.example: one term more that asks "
			     "DNS than "
			     "allowed: redirect=circle.example",
		 NULL,
		 {1000, 1000}},
		{"two terms that find nothing", limits, "192.0.2.1", "a@void2.example",
		 .expected = "pass narrow void2.example | ip4:192.0.2.1"},
		{"three terms that find nothing", limits, "203.0.113.1", "a@void3.example",
		 .expected = "permerror void3.example | void3.example: one term more that finds "
			     "nothing in DNS "
			     "than allowed: exists:x2.example"},
		{"IPv4-only MX hosts do not count for an IPv6 client", limits, "2001:db8::1",
		 "a@hosts6.example", .expected = "fail hosts6.example | -all"},
		{"nor do IPv4-only hosts", limits, "2001:db8::1", "a@v4only.example",
		 .expected = "fail v4only.example | -all"},
		{"hosts that are not there do, over IPv6 too", limits, "2001:db8::1",
		 "a@v6gone.example",
		 .expected = "permerror v6gone.example | v6gone.example: one term more that finds "
			     "nothing in DNS than allowed: a:x3.example"},
		{"names without an address do over IPv4", limits, "192.0.2.1", "a@txt.example",
		 .expected = "permerror txt.example | txt.example: one term more that finds "
			     "nothing in DNS than allowed: a:loop2.example"},
		{"a null MX has no host", limits, "192.0.2.1", "a@null.example",
		 .expected = "fail null.example | -all"},
		{"an include of itself", limits, "192.0.2.1", "a@loop.example",
		 .expected = "permerror loop.example | loop.example: one term more that asks DNS "
			     "than allowed: "
			     "include:loop.example"},
		{"an include in a circle", limits, "192.0.2.1", "a@loop1.example",
		 .expected = "permerror loop1.example | loop1.example: one term more that asks DNS "
			     "than "
			     "allowed: include:loop2.example"},
		{"a redirect to itself", limits, "192.0.2.1", "a@circle.example",
		 .expected = "permerror circle.example | circle.example: one term more that asks "
			     "DNS than "
			     "allowed: redirect=circle.example"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		spf_case_run(evaluator, &cases[i]);
}

static void test_macros(void)
{
	static const char macros[] =
		"example.com TXT v=spf1 exists:%{d2}.d2.example -all\n"
		"example.com.d2.example A 127.0.0.2\n"
		"comma.example TXT v=spf1 exists:%{l,}.l.example exists:%{l/}.l.example -all\n"
		"a.b.l.example A 127.0.0.2\n"
		"helo.example TXT v=spf1 exists:%{h}.%{o}.%{l} -all\n"
		"helo.example.helo.example.postmaster A 127.0.0.2\n"
		"grow.example TXT v=spf1 redirect=%{d}%{d}.example\n"
		"grow.examplegrow.example.example TXT v=spf1 redirect=%{d}%{d}.example\n"
		"blank.example TXT v=spf1 exists:a%_b.example -all\n"
		"a\\x20b.example A 127.0.0.2\n"
		"none.example TXT v=spf1 a:a..b.example a:%{h}..example ip4:192.0.2.1 -all\n"
		"p.example TXT v=spf1 exists:%{p}.p.example -all\n"
		"unknown.p.example A 127.0.0.2\n"
		"2.2.0.192.in-addr.arpa PTR forged.example\n"
		"forged.example A 203.0.113.1\n"
		"9.2.0.192.in-addr.arpa PTR other.example\n"
		"9.2.0.192.in-addr.arpa PTR sub.p.example\n"
		"9.2.0.192.in-addr.arpa PTR down.example\n"
		"down.example ANY @fail\n"
		"other.example A 192.0.2.9\n"
		"sub.p.example A 192.0.2.9\n"
		"sub.p.example.p.example A 127.0.0.2\n"
		"7.2.0.192.in-addr.arpa PTR @fail\n"
		"50%.example TXT v=spf1 a a:%{d}.x.example -all\n"
		"50%.example A 192.0.2.5\n"
		"50%.example.x.example A 192.0.2.6\n";
	static const struct spf_case cases[] = {
		{"%{d2} of two labels", macros, "192.0.2.1", "a@example.com",
		 .expected = "pass example.com | exists:%{d2}.d2.example"},
		{"delimiter ,", macros, "192.0.2.1", "a,b@comma.example",
		 .expected = "pass comma.example | exists:%{l,}.l.example"},
		{"delimiter /", macros, "192.0.2.1", "a/b@comma.example",
		 .expected = "pass comma.example | exists:%{l/}.l.example"},
		{"the null sender's parts", macros, "192.0.2.1", "",
		 .expected = "pass helo.example (helo) | exists:%{h}.%{o}.%{l}",
		 .helo = "helo.example."},
		{"a sender without a local part", macros, "192.0.2.1", "@helo.example.",
		 .expected = "pass helo.example | exists:%{h}.%{o}.%{l}", .helo = "helo.example"},
		{"a domain that grows", macros, "192.0.2.1", "a@grow.example",
		 .expected = "permerror grow.example | grow.examplegrow.example.example: no SPF "
			     "record behind "
			     "this term: redirect=%{d}%{d}.example"},
		{"a name with a blank", macros, "192.0.2.1", "a@blank.example",
		 .expected = "pass blank.example | exists:a%_b.example"},
		{"a domain with a %", macros, "192.0.2.5", "a@50%.example",
		 .expected = "pass narrow 50%.example | a"},
		{"a domain with a %, in a macro", macros, "192.0.2.6", "a@50%.example",
		 .expected = "pass narrow 50%.example | a:%{d}.x.example"},
		{"names that are none find nothing", macros, "192.0.2.1", "a@none.example",
		 .expected = "pass narrow none.example | ip4:192.0.2.1"},
		{"%{p} without a name", macros, "192.0.2.1", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.p.example"},
		{"%{p} with a name that leads elsewhere", macros, "192.0.2.2", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.p.example"},
		{"%{p} when DNS fails", macros, "192.0.2.7", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.p.example"},
		{"%{p} of several names", macros, "192.0.2.9", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.p.example"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		spf_case_run(evaluator, &cases[i]);
}

/* Domains in UTF-8, as SMTPUTF8 brings them. */
static void test_utf8(void)
{
	static const char utf8[] =
		"xn--mnchen-3ya.example TXT v=spf1 ip4:192.0.2.1 "
		"exists:%{h}.h.example exists:%{s}.s.example exists:%{o}.o.example "
		"exists:%{d}.%{l}.d.example -all\n"
		"xn--bro-hoa.example.h.example A 127.0.0.2\n"
		"b@xn--mnchen-3ya.example.s.example A 127.0.0.2\n"
		"xn--mnchen-3ya.example.d.d.example A 127.0.0.2\n"
		"xn--bro-hoa.example TXT v=spf1 exists:%{s}.s.example -all\n"
		"postmaster@xn--bro-hoa.example.s.example A 127.0.0.2\n";
	static const struct spf_case cases[] = {
		{"the A-label's record", utf8, "192.0.2.1", "a@m\303\274nchen.example",
		 .expected = "pass narrow xn--mnchen-3ya.example | ip4:192.0.2.1"},
		{"and its -all", utf8, "192.0.2.2", "a@m\303\274nchen.example",
		 .expected = "fail xn--mnchen-3ya.example | -all"},
		{"in capitals, and with a dot", utf8, "192.0.2.2", "a@M\303\234NCHEN.Example.",
		 .expected = "fail xn--mnchen-3ya.example | -all"},
		{"%{h}", utf8, "192.0.2.2", "a@m\303\274nchen.example",
		 .expected = "pass xn--mnchen-3ya.example | exists:%{h}.h.example",
		 .helo = "b\303\274ro.example"},
		{"%{s}", utf8, "192.0.2.2", "b@m\303\274nchen.example",
		 .expected = "pass xn--mnchen-3ya.example | exists:%{s}.s.example"},
		{"%{d}", utf8, "192.0.2.2", "d@m\303\274nchen.example",
		 .expected = "pass xn--mnchen-3ya.example | exists:%{d}.%{l}.d.example",
		 .helo = "\377"},
		{"a local part in UTF-8 is in no name", utf8, "192.0.2.2",
		 "\303\274@m\303\274nchen.example",
		 .expected = "fail xn--mnchen-3ya.example | -all"},
		{"HELO", utf8, "192.0.2.2", "",
		 .expected = "pass xn--bro-hoa.example (helo) | exists:%{s}.s.example",
		 .helo = "b\303\274ro.example"},
		{"what is no UTF-8 is no domain", utf8, "192.0.2.2", "a@m\374nchen.example",
		 .expected = "none  | no domain to check"},
		{"an emoji is in no domain", utf8, "192.0.2.2", "a@\360\237\222\251.example",
		 .expected = "none  | no domain to check"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spf_case test = cases[i];
		test.limits = (struct spf_limits){10, 10};
		spf_case_run(evaluator, &test);
	}
}

/* A fail that may rest on what DNS could not tell of the client's names. */
static void test_doubt(void)
{
	static const char doubt[] =
		"ptr.example TXT v=spf1 ptr -all\n"
		"soft.example TXT v=spf1 ptr ~all\n"
		"neutral.example TXT v=spf1 ptr ?all\n"
		"p.example TXT v=spf1 exists:%{p}.ok.example -all\n"
		"host.ptr.example.ok.example A 127.0.0.2\n"
		"include.example TXT v=spf1 include:ptr.example -all\n"
		"network.example TXT v=spf1 ip4:192.0.2.0/24 ptr -all\n"
		"early.example TXT v=spf1 -ip4:192.0.2.0/24 ptr -all\n"
		"void.example TXT v=spf1 ptr a:x1.example a:x2.example a:x3.example -all\n"
		/* 1: well; 2: no PTR now; 3: no address of its name now; 4: no name. */
		"1.2.0.192.in-addr.arpa PTR host.ptr.example\n"
		"host.ptr.example A 192.0.2.1\n"
		"2.2.0.192.in-addr.arpa PTR @fail\n"
		"3.2.0.192.in-addr.arpa PTR down.ptr.example\n"
		"down.ptr.example A @fail\n"
		/* 5: a name of another domain, which cannot be looked up now. */
		"5.2.0.192.in-addr.arpa PTR down.other.example\n"
		"down.other.example A @fail\n"
		/* 6: eleven names, 7: ten, none of which leads back. */
		"6.2.0.192.in-addr.arpa PTR n0.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n1.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n2.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n3.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n4.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n5.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n6.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n7.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n8.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n9.ptr.example\n"
		"6.2.0.192.in-addr.arpa PTR n10.ptr.example\n"
		"n10.ptr.example A 192.0.2.6\n"
		"7.2.0.192.in-addr.arpa PTR n0.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n1.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n2.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n3.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n4.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n5.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n6.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n7.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n8.ptr.example\n"
		"7.2.0.192.in-addr.arpa PTR n9.ptr.example\n";
	static const struct spf_case cases[] = {
		{"the client's name can be looked up", doubt, "192.0.2.1", "a@ptr.example",
		 .expected = "pass narrow ptr.example | ptr"},
		{"the PTR record cannot be looked up now", doubt, "192.0.2.2", "a@ptr.example",
		 .expected = "fail doubtful ptr.example | -all"},
		{"its name's address cannot be looked up now", doubt, "192.0.2.3", "a@ptr.example",
		 .expected = "fail doubtful ptr.example | -all"},
		{"there is no PTR record", doubt, "192.0.2.4", "a@ptr.example",
		 .expected = "fail ptr.example | -all"},
		{"nobody needs the address that cannot be looked up", doubt, "192.0.2.5",
		 "a@ptr.example", .expected = "fail ptr.example | -all"},
		{"eleven names, of which ten are looked at", doubt, "192.0.2.6", "a@ptr.example",
		 .expected = "fail doubtful ptr.example | -all"},
		{"ten names that do not lead back", doubt, "192.0.2.7", "a@ptr.example",
		 .expected = "fail ptr.example | -all"},
		{"%{p} of a name", doubt, "192.0.2.1", "a@p.example",
		 .expected = "pass narrow p.example | exists:%{p}.ok.example"},
		{"%{p} when the PTR record cannot be looked up now", doubt, "192.0.2.2",
		 "a@p.example", .expected = "fail doubtful p.example | -all"},
		{"%{p} when its name's address cannot be looked up now", doubt, "192.0.2.3",
		 "a@p.example", .expected = "fail doubtful p.example | -all"},
		{"%{p} without a PTR record", doubt, "192.0.2.4", "a@p.example",
		 .expected = "fail p.example | -all"},
		{"a softfail is in doubt too", doubt, "192.0.2.2", "a@soft.example",
		 .expected = "softfail doubtful soft.example | ~all"},
		{"a neutral speaks against nobody", doubt, "192.0.2.2", "a@neutral.example",
		 .expected = "neutral neutral.example | ?all"},
		{"in an include", doubt, "192.0.2.2", "a@include.example",
		 .expected = "fail doubtful include.example | -all"},
		{"a pass before the name is asked for", doubt, "192.0.2.2", "a@network.example",
		 .expected = "pass narrow network.example | ip4:192.0.2.0/24"},
		{"a fail before the name is asked for", doubt, "192.0.2.2", "a@early.example",
		 .expected = "fail early.example | -ip4:192.0.2.0/24"},
		{"a permerror is one, whatever the name is", doubt, "192.0.2.2", "a@void.example",
		 .expected = "permerror void.example | void.example: one term more that finds "
			     "nothing in DNS than allowed: a:x3.example"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		spf_case_run(evaluator, &cases[i]);
}

/* Names that are known are asked at once, without waiting for one another. */
static void test_rounds(void)
{
	static const char rounds[] =
		"example.org TXT v=spf1 a:a1.example.org a:a2.example.org mx:m.example.org "
		"include:i.example.org exists:e.example.org ptr:x.example -all\n"
		"a1.example.org A 192.0.2.1\n"
		"a2.example.org A 192.0.2.2\n"
		"m.example.org MX m1.example.org\n"
		"m.example.org MX m2.example.org\n"
		"m1.example.org A 192.0.2.3\n"
		"m2.example.org A 192.0.2.4\n"
		"i.example.org TXT v=spf1 a:a3.example.org ?all\n"
		"a3.example.org A 192.0.2.5\n";
	static const struct spf_case test = {"a record with six names", rounds, "203.0.113.1",
					     "a@example.org",
					     .expected = "fail example.org | -all"};
	struct spf_zone_cost cost = spf_case_run(evaluator, &test);

	tap_is_number((long long)cost.questions, 10, "is ten questions");
	tap_is_number((long long)cost.runs, 5, "and four rounds of them");
}

int main(void)
{
	evaluator = spf_evaluator_new();
	test_results();
	test_narrow();
	test_limits();
	test_macros();
	test_utf8();
	test_doubt();
	test_rounds();
	spf_evaluator_free(&evaluator);
	return tap_done();
}
