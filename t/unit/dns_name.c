/* SPDX-License-Identifier: BSD-2-Clause */
/* The values of src/lookup: names, answers, and the table of answers. */
#include "lookup/dns_name.h"

#include "lookup/dns_answer.h"
#include "lookup/dns_table.h"
#include "tap.h"

#include <stdio.h>

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-123456789"
#define NAME_191 LABEL_63 "." LABEL_63 "." LABEL_63
#define NAME_253 NAME_191 ".abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-1234567"

static void test_names(void)
{
	static const struct {
		const char *text, *expected; /* NULL: no name */
		const char *what;
	} cases[] = {
		{"mail.example", "mail.example", "a name"},
		{"Mail.EXAMPLE.", "mail.example", "the dot at the end goes, letters are small"},
		{"example", "example", "one label"},
		{"_spf.example", "_spf.example", "an underscore"},
		{"1.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa", "digits"},
		{"a@b!.example", "a@b!.example", "what a sender's local part brings"},
		{LABEL_63 ".example", LABEL_63 ".example", "a label of 63 bytes"},
		{NAME_253, NAME_253, "a name of 253 bytes"},
		{NAME_253 ".", NAME_253, "and a dot"},
		{"", NULL, "nothing"},
		{".", NULL, "the root"},
		{"..", NULL, "two dots"},
		{".example", NULL, "a dot in front"},
		{"a..example", NULL, "an empty label"},
		{"example..", NULL, "an empty label at the end"},
		{LABEL_63 "x.example", NULL, "a label of 64 bytes"},
		{NAME_253 "x", NULL, "a name of 254 bytes"},
		{NAME_253 "x.", NULL, "254 bytes and a dot"},
		{"a b.example", NULL, "a blank"},
		{"a\\.example", NULL, "a backslash"},
		{"caf\xc3\xa9.example", NULL, "bytes that are not ASCII"},
		{"a\x7f.example", NULL, "a control byte"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[DNS_NAME_SIZE];
		bool is_name = dns_name_fold(span_of(cases[i].text), name);
		tap_is(is_name ? name : NULL, cases[i].expected, "name: %s", cases[i].what);
	}
	char name[DNS_NAME_SIZE] = "before";
	tap_ok(!dns_name_fold(SPAN("a\0b.example"), name) && name[0] == '\0',
	       "name: a NUL makes it none, and it is empty then");
}

static void test_addresses(void)
{
	static const struct {
		const char *addr, *expected;
	} cases[] = {
		{"192.0.2.10", "10.2.0.192.in-addr.arpa"},
		{"::ffff:192.0.2.10", "10.2.0.192.in-addr.arpa"},
		{"2001:db8::ab", "b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
				 "ip6.arpa"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[DNS_NAME_SIZE];
		struct netaddr addr;
		netaddr_parse(span_of(cases[i].addr), &addr);
		dns_name_of_address(&addr, name);
		tap_is(name, cases[i].expected, "where the names of %s are", cases[i].addr);
	}
}

static void test_within(void)
{
	static const struct {
		const char *name, *domain;
		bool is_within;
	} cases[] = {
		{"example.org", "example.org", true},
		{"a.example.org", "example.org", true},
		{"aexample.org", "example.org", false},
		{"example.org", "a.example.org", false},
		{"b.a.example.org", "example.org", true},
		{"example.net", "example.org", false},
		{"org", "example.org", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(dns_name_is_within(span_of(cases[i].name), span_of(cases[i].domain)) ==
			       cases[i].is_within,
		       "%s is %sin %s", cases[i].name, cases[i].is_within ? "" : "not ",
		       cases[i].domain);
}

static void test_answer(void)
{
	struct dns_answer *made = dns_answer_new(DNS_FOUND, 300);
	size_t empty_bytes = dns_answer_size_bytes(made);

	for (int i = 0; i < 1000; i++) {
		char text[16];
		snprintf(text, sizeof(text), "text %d", i);
		dns_answer_add_text(made, span_of(text));
	}
	dns_answer_add_text(made, SPAN(""));
	dns_answer_add_text(made, SPAN("a\0b"));
	dns_answer_limit_ttl(made, 400);
	tap_is_number(dns_answer_ttl_s(made), 300, "answer: a larger TTL does not count");
	dns_answer_limit_ttl(made, 20);

	const struct dns_answer *answer = made, *held = dns_answer_hold(made);
	dns_answer_release(&answer);
	tap_ok(answer == NULL, "answer: who lets go has it no more");
	tap_is_number((long long)dns_answer_count(held), 1002, "answer: another holder has it");
	tap_is_number(dns_answer_ttl_s(held), 20, "answer: the least TTL counts");
	tap_ok(span_equals(dns_answer_text(held, 999), SPAN("text 999")) &&
		       dns_answer_text(held, 1000).length == 0 &&
		       span_equals(dns_answer_text(held, 1001), SPAN("a\0b")),
	       "answer: texts are what was added, empty ones and a NUL too");
	tap_ok(dns_answer_size_bytes(held) >= empty_bytes + 1000 * sizeof("text"),
	       "answer: its texts count in its size");
	dns_answer_release(&held);
	dns_answer_release(&held);

	const struct dns_answer *none = dns_answer_new(DNS_NO_DATA, 0);
	tap_ok(dns_answer_count(none) == 0 && dns_answer_status(none) == DNS_NO_DATA,
	       "answer: none has no records");
	dns_answer_release(&none);
}

static void test_table(void)
{
	struct dns_table table;
	dns_table_init(&table, 20);

	tap_ok(dns_table_ask(&table, DNS_A, SPAN("a.example")) == NULL && table.count == 1,
	       "table: what is not known is noted");
	tap_ok(dns_table_ask(&table, DNS_A, SPAN("A.EXAMPLE.")) == NULL && table.count == 1,
	       "table: the same in other letters is the same");
	tap_ok(dns_table_ask(&table, DNS_TXT, SPAN("a.example")) == NULL && table.count == 2,
	       "table: another type is another question");
	const struct dns_answer *answer = dns_table_ask(&table, DNS_A, SPAN("a..example"));
	tap_ok(answer != NULL && dns_answer_status(answer) == DNS_NO_NAME && table.count == 2,
	       "table: what is no name is answered");

	const struct dns_answer *found = dns_answer_new(DNS_NO_DATA, 5);
	dns_table_answer(&table, 1, found);
	tap_ok(dns_table_ask(&table, DNS_TXT, SPAN("a.example")) == found,
	       "table: the answer is there");
	dns_answer_release(&found);
	for (int i = 2; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d.example", i);
		dns_table_ask(&table, DNS_A, span_of(name));
	}
	answer = dns_table_ask(&table, DNS_A, SPAN("one.more.example"));
	tap_ok(table.count == 20 && answer != NULL && dns_answer_status(answer) == DNS_FAILED,
	       "table: a question beyond its bound could not be told");
	dns_table_clear(&table);
}

int main(void)
{
	test_names();
	test_addresses();
	test_within();
	test_answer();
	test_table();
	return tap_done();
}
