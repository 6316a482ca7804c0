/* SPDX-License-Identifier: BSD-2-Clause */
/* Domains in UTF-8. */
#include "lookup/idn.h"

#include "tap.h"

#define U_10     "\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274"
#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789"
#define NAME_191 LABEL_63 "." LABEL_63 "." LABEL_63

static void test_fold(void)
{
	static const struct {
		const char *text, *expected; /* NULL: no name */
		const char *what;
	} cases[] = {
		{"Mail.EXAMPLE.", "mail.example", "ASCII is folded"},
		{"a--b.xn--.xn--x", "a--b.xn--.xn--x", "whatever IDNA thinks of it"},
		{"50%._spf.example", "50%._spf.example", "or of its characters"},
		{"", NULL, "nothing"},
		{"a..example", NULL, "an empty label"},
		{"m\303\274nchen.example", "xn--mnchen-3ya.example", "m\303\274nchen"},
		{"M\303\234nchen.Example.", "xn--mnchen-3ya.example", "in capitals, with a dot"},
		{"mu\314\210nchen.example", "xn--mnchen-3ya.example", "in two characters"},
		{"fa\303\237.example", "xn--fa-hia.example", "sharp s is not ss"},
		{"_x.b\303\274-cher.example", "_x.xn--b-cher-3ya.example", "underscore, hyphen"},
		{"a\343\200\202\303\274.example", "a.xn--tda.example", "an ideographic full stop"},
		{"\344\276\213\343\201\210.\343\203\206\343\202\271\343\203\210",
		 "xn--r8jz45g.xn--zckzah", "no ASCII at all"},
		{"xn--mnchen-3ya.\303\274.example", "xn--mnchen-3ya.xn--tda.example",
		 "an A-label beside a U-label"},
		{U_10 U_10 U_10 ".example", "xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
		 "30 times"},
		{"\377\376.example", NULL, "no UTF-8"},
		{"m\374nchen.example", NULL, "Latin-1"},
		{"\303", NULL, "half a character"},
		{"\300\256.example", NULL, "a dot in two bytes"},
		{"\355\240\200.example", NULL, "a surrogate"},
		{"\364\220\200\200.example", NULL, "beyond Unicode"},
		{"\360\237\222\251.example", NULL, "an emoji, which IDNA2008 does not know"},
		{"\303\274\342\200\256.example", NULL, "a change of direction"},
		{"a\303\274 b.example", NULL, "a blank"},
		{"\303\274\343\200\200b.example", NULL, "an ideographic blank"},
		{"\303\274\357\274\240b.example", NULL, "a wide @"},
		{"\303\274\357\274\274.example", NULL, "a wide backslash"},
		{"-\303\274.example", NULL, "a hyphen in front"},
		{".\303\274.example", NULL, "a dot in front"},
		{"\303\274..example", NULL, "an empty label beside it"},
		{"xn--a.\303\274.example", NULL, "an A-label that is none"},
		{U_10 U_10 U_10 U_10 U_10 U_10 ".example", NULL, "a label of 60 characters"},
		{NAME_191 "." U_10 U_10 U_10 U_10 U_10 ".example", NULL,
		 "a name that is too long as A-labels"},
		{NAME_191 "." LABEL_63 ".\303\274", NULL, "one that is too long anyway"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[DNS_NAME_SIZE] = "before";
		bool is_name = idn_fold(span_of(cases[i].text), name);
		tap_is(is_name ? name : NULL, cases[i].expected, "%s", cases[i].what);
		tap_ok(is_name || name[0] == '\0', "%s: and empty when it is none", cases[i].what);
	}
}

static void test_bounds(void)
{
	static char text[100000];
	char name[DNS_NAME_SIZE];

	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\303\274", 2);
	for (size_t length = 2; length <= sizeof(text); length *= 2)
		tap_ok(idn_fold((struct span){text, length}, name) == (length <= 64), "%zu bytes",
		       length);
	tap_ok(!idn_fold(SPAN("\303\274\0b.example"), name) && name[0] == '\0', "a NUL");
	/* Soft hyphens are nothing, however many. */
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\302\255", 2);
	tap_ok(!idn_fold((struct span){text, sizeof(text)}, name), "100 KB of nothing");
	tap_ok(!idn_fold((struct span){text, 1000}, name), "1000 bytes of nothing");
}

int main(void)
{
	test_fold();
	test_bounds();
	return tap_done();
}
