/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of what a name server sends. */
#include "lookup/dns_packet.h"

#include "base/memory.h"
#include "packet.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES_MAX = 20, SHOWN_SIZE = 1024, NO_ERROR = 0, SERVFAIL = 2, NXDOMAIN = 3 };

/* "found 300 [a] [b]", "alias 60 name". */
static void show(const struct dns_answer *answer, enum dns_type type,
		 const struct dns_packet_alias *alias, char shown[static SHOWN_SIZE])
{
	static const char *const words[] = {"found", "no-name", "no-data", "failed"};
	size_t length;

	if (answer == NULL) {
		snprintf(shown, SHOWN_SIZE, "alias %lld %s", (long long)alias->ttl_s,
			 alias->target);
		return;
	}
	length = (size_t)snprintf(shown, SHOWN_SIZE, "%s %lld", words[dns_answer_status(answer)],
				  (long long)dns_answer_ttl_s(answer));
	for (size_t i = 0; i < dns_answer_count(answer) && length < SHOWN_SIZE; i++) {
		char text[256];
		if (type == DNS_A || type == DNS_AAAA) {
			netaddr_format(dns_answer_address(answer, i), text);
		} else {
			struct span value = dns_answer_text(answer, i);
			for (size_t at = 0; at <= value.length; at++)
				text[at] = at == value.length       ? '\0'
					   : value.text[at] == '\0' ? '$'
								    : value.text[at];
		}
		length += (size_t)snprintf(shown + length, SHOWN_SIZE - length, " [%s]", text);
	}
}

static void is_parsed(const struct packet *packet, enum dns_type type, const char *name,
		      const char *expected, const char *what)
{
	struct dns_packet_alias alias;
	char shown[SHOWN_SIZE];
	/* In memory of its own size, so that reading beyond its end is seen. */
	uint8_t *bytes = mem_alloc(packet->length + 1);

	bytes = mem_resize(bytes, packet->length > 0 ? packet->length : 1);
	memcpy(bytes, packet->bytes, packet->length);
	const struct dns_answer *answer =
		dns_packet_parse(bytes, packet->length, type, name, INT64_MAX, &alias);
	show(answer, type, &alias, shown);
	tap_is(shown, expected, "%s", what);
	dns_answer_release(&answer);
	free(bytes);
}

static void test_answers(void)
{
	static const struct {
		const char *what;
		enum dns_type type;
		const char *expected;
		unsigned rcode;
		const char *lines[LINES_MAX];
	} cases[] = {
		{"an address", DNS_A, "found 300 [192.0.2.1]", NO_ERROR, {"an @ 300 A 192.0.2.1"}},
		{"two addresses: the smaller TTL counts",
		 DNS_A,
		 "found 60 [192.0.2.1] [192.0.2.2]",
		 NO_ERROR,
		 {"an @ 300 A 192.0.2.1", "an @ 60 A 192.0.2.2"}},
		{"an IPv6 address",
		 DNS_AAAA,
		 "found 300 [2001:db8::1]",
		 NO_ERROR,
		 {"an @ 300 AAAA 2001:db8::1"}},
		{"an IPv4-mapped address is no IPv4 address",
		 DNS_AAAA,
		 "found 300 [::ffff:192.0.2.1]",
		 NO_ERROR,
		 {"an @ 300 AAAA ::ffff:192.0.2.1"}},
		{"a name is folded",
		 DNS_PTR,
		 "found 300 [mail.example.org]",
		 NO_ERROR,
		 {"an @ 300 PTR Mail.Example.ORG"}},
		{"names that cannot be asked about are empty, and counted",
		 DNS_PTR,
		 "found 300 [] [] [] [ok.example]",
		 NO_ERROR,
		 {"an @ 300 PTR a\\.b.example", "an @ 300 PTR a\\000b.example", "an @ 300 PTR .",
		  "an @ 300 PTR ok.example"}},
		{"a mail exchanger",
		 DNS_MX,
		 "found 300 [mx.example]",
		 NO_ERROR,
		 {"an @ 300 MX MX.example"}},
		{"a null MX (RFC 7505) is an empty name",
		 DNS_MX,
		 "found 300 []",
		 NO_ERROR,
		 {"an @ 300 MX ."}},
		{"a text",
		 DNS_TXT,
		 "found 300 [v=spf1 -all]",
		 NO_ERROR,
		 {"an @ 300 TXT v=spf1 -all"}},
		{"the strings of a text are joined without anything between",
		 DNS_TXT,
		 "found 300 [v=spf1 -all]",
		 NO_ERROR,
		 {"an @ 300 TXT v=spf|1 |-all"}},
		{"of texts that are not SPF's it is kept that there are any",
		 DNS_TXT,
		 "found 300 [] [V=SPF1]",
		 NO_ERROR,
		 {"an @ 300 TXT a", "an @ 300 TXT ", "an @ 300 TXT v=spf10 -all",
		  "an @ 300 TXT V=SPF1", "an @ 300 TXT b"}},
		{"two SPF records stay two, and three become two",
		 DNS_TXT,
		 "found 300 [v=spf1 -all] [v=spf1]",
		 NO_ERROR,
		 {"an @ 300 TXT v=spf1 -all", "an @ 300 TXT v=spf1 +all",
		  "an @ 300 TXT v=spf1 ?all"}},
		{"a text without any string is empty",
		 DNS_TXT,
		 "found 300 []",
		 NO_ERROR,
		 {"an @ 300 TXT # "}},
		{"a NUL in a text is a byte like others",
		 DNS_TXT,
		 "found 300 [v=spf1 $b]",
		 NO_ERROR,
		 {"an @ 300 TXT # 09763d73706631200062"}},
		{"a week is too long to be kept",
		 DNS_A,
		 "found 86400 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 604800 A 192.0.2.1"}},
		{"a TTL with its highest bit set is 0 (RFC 2181)",
		 DNS_A,
		 "found 0 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 2147483648 A 192.0.2.1"}},
		{"a TTL of 0", DNS_A, "found 0 [192.0.2.1]", NO_ERROR, {"an @ 0 A 192.0.2.1"}},
		{"records of other names, types and classes do not count",
		 DNS_TXT,
		 "found 300 [v=spf1 mine]",
		 NO_ERROR,
		 {"an other.example 1 TXT other", "an @ 1 A 192.0.2.1", "an @ 1 CH-TXT chaos",
		  "an @ 300 TXT v=spf1 mine", "ar @ 1 TXT additional"}},
	};
	static struct packet packet;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		packet_begin(&packet, 1, PACKET_RESPONSE | PACKET_RECURSION, cases[i].rcode,
			     "X.example", (int)cases[i].type);
		for (size_t line = 0; cases[i].lines[line] != NULL; line++)
			packet_add(&packet, cases[i].lines[line]);
		is_parsed(&packet, cases[i].type, "x.example", cases[i].expected, cases[i].what);
	}
}

static void test_none(void)
{
	static const struct {
		const char *what, *expected;
		unsigned rcode;
		const char *lines[LINES_MAX];
	} cases[] = {
		{"no such name", "no-name 60", NXDOMAIN, {"ns example 60 SOA 900"}},
		{"no such name: the SOA's MINIMUM is smaller than its TTL",
		 "no-name 30",
		 NXDOMAIN,
		 {"ns example 60 SOA 30"}},
		{"no such name, said for a day: kept for an hour",
		 "no-name 3600",
		 NXDOMAIN,
		 {"ns example 86400 SOA 86400"}},
		{"no such name without an SOA: not kept", "no-name 0", NXDOMAIN, {NULL}},
		{"no such name with an SOA that is cut",
		 "no-name 0",
		 NXDOMAIN,
		 {"ns example 60 SOA # 0000000000"}},
		{"no record of the type", "no-data 60", NO_ERROR, {"ns example 60 SOA 900"}},
		{"no record of the type without an SOA: not kept", "no-data 0", NO_ERROR, {NULL}},
		{"a referral does not say that there is none",
		 "failed 0",
		 NO_ERROR,
		 {"ns example 60 NS ns.example"}},
		{"a record of another name only",
		 "no-data 0",
		 NO_ERROR,
		 {"an other.example 60 A 192.0.2.1"}},
		{"the server failed", "failed 0", SERVFAIL, {"ns example 60 SOA 900"}},
		{"the server failed, and has records",
		 "failed 0",
		 SERVFAIL,
		 {"an @ 60 A 192.0.2.1"}},
		{"a result that nobody knows", "failed 0", 11, {NULL}},
		{"a result in EDNS (BADVERS)", "failed 0", NO_ERROR, {"ar . 16777216 OPT "}},
		{"EDNS without a result", "no-data 0", NO_ERROR, {"ar . 32768 OPT "}},
	};
	static struct packet packet;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		packet_begin(&packet, 1, PACKET_RESPONSE | PACKET_RECURSION, cases[i].rcode,
			     "x.example", DNS_A);
		for (size_t line = 0; cases[i].lines[line] != NULL; line++)
			packet_add(&packet, cases[i].lines[line]);
		is_parsed(&packet, DNS_A, "x.example", cases[i].expected, cases[i].what);
	}
}

static void test_cnames(void)
{
	static const struct {
		const char *what, *expected;
		unsigned rcode;
		const char *lines[LINES_MAX];
	} cases[] = {
		{"a CNAME",
		 "found 60 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 60 CNAME y.example", "an y.example 300 A 192.0.2.1"}},
		{"a chain of CNAMEs, backwards, in any case",
		 "found 50 [192.0.2.1]",
		 NO_ERROR,
		 {"an z.example 300 A 192.0.2.1", "an Y.example 50 CNAME Z.example",
		  "an @ 60 CNAME y.Example"}},
		{"records that the chain does not lead to do not count",
		 "found 60 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 60 CNAME y.example", "an z.example 300 A 192.0.2.66",
		  "an y.example 300 A 192.0.2.1", "an a.example 1 CNAME z.example"}},
		{"a name with a CNAME has no records of its own",
		 "found 60 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 60 A 192.0.2.66", "an @ 60 CNAME y.example",
		  "an y.example 300 A 192.0.2.1"}},
		{"no such name behind a CNAME",
		 "no-name 20",
		 NXDOMAIN,
		 {"an @ 20 CNAME y.example", "ns example 60 SOA 900"}},
		{"no record behind a CNAME",
		 "no-data 20",
		 NO_ERROR,
		 {"an @ 20 CNAME y.example", "ns example 60 SOA 900"}},
		{"nothing about what a CNAME leads to",
		 "alias 20 y.example",
		 NO_ERROR,
		 {"an @ 20 CNAME Y.example"}},
		{"nothing about what two CNAMEs lead to",
		 "alias 10 z.example",
		 NO_ERROR,
		 {"an @ 20 CNAME y.example", "an y.example 10 CNAME z.example"}},
		{"a CNAME to what cannot be asked about",
		 "no-name 0",
		 NO_ERROR,
		 {"an @ 20 CNAME a\\.b.example"}},
		{"a CNAME to what cannot be asked about, but is there",
		 "found 20 [192.0.2.1]",
		 NO_ERROR,
		 {"an @ 20 CNAME a\\.b.example", "an a\\.b.example 60 A 192.0.2.1"}},
		{"a CNAME to the root", "no-name 0", NO_ERROR, {"an @ 20 CNAME ."}},
		{"a CNAME to itself", "failed 0", NO_ERROR, {"an @ 20 CNAME x.example"}},
		{"CNAMEs in a circle",
		 "failed 0",
		 NO_ERROR,
		 {"an @ 20 CNAME y.example", "an y.example 20 CNAME x.example"}},
		{"CNAMEs in a circle with records",
		 "failed 0",
		 NO_ERROR,
		 {"an @ 20 CNAME y.example", "an y.example 20 CNAME x.example",
		  "an y.example 60 A 192.0.2.1"}},
		{"a CNAME that is cut", "failed 0", NO_ERROR, {"an @ 20 CNAME # 0179"}},
		{"a CNAME with something behind it",
		 "failed 0",
		 NO_ERROR,
		 {"an @ 20 CNAME # 01790000"}},
		{"a CNAME of another class", "no-data 0", NO_ERROR, {"an @ 20 CH-TXT x"}},
	};
	static struct packet packet;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		packet_begin(&packet, 1, PACKET_RESPONSE, cases[i].rcode, "x.example", DNS_A);
		for (size_t line = 0; cases[i].lines[line] != NULL; line++)
			packet_add(&packet, cases[i].lines[line]);
		is_parsed(&packet, DNS_A, "x.example", cases[i].expected, cases[i].what);
	}
}

static void test_long_chain(size_t cnames, const char *expected, const char *what)
{
	static struct packet packet;
	char line[64];

	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "n0.example", DNS_A);
	for (size_t i = 0; i < cnames; i++) {
		snprintf(line, sizeof(line), "an n%zu.example 60 CNAME n%zu.example", i, i + 1);
		packet_add(&packet, line);
	}
	snprintf(line, sizeof(line), "an n%zu.example 60 A 192.0.2.1", cnames);
	packet_add(&packet, line);
	is_parsed(&packet, DNS_A, "n0.example", expected, what);
}

static void test_malformed_data(void)
{
	static const struct {
		const char *what;
		enum dns_type type;
		const char *line;
	} cases[] = {
		{"an address of 3 bytes", DNS_A, "an @ 60 A # c00002"},
		{"an address of 5 bytes", DNS_A, "an @ 60 A # c000020101"},
		{"no address", DNS_A, "an @ 60 A # "},
		{"an IPv6 address of 4 bytes", DNS_AAAA, "an @ 60 AAAA # c0000201"},
		{"a string that goes beyond its record", DNS_TXT, "an @ 60 TXT # 04616263"},
		{"a second string that does", DNS_TXT, "an @ 60 TXT # 016105"},
		{"no name", DNS_PTR, "an @ 60 PTR # "},
		{"a name without its end", DNS_PTR, "an @ 60 PTR # 0161"},
		{"a name that points behind the packet", DNS_PTR, "an @ 60 PTR # cfff"},
		{"a name that points to itself", DNS_PTR, "an @ 60 PTR # c027"},
		{"a label of a kind that is not known", DNS_PTR, "an @ 60 PTR # 4161"},
		{"something behind the name", DNS_PTR, "an @ 60 PTR # 01610061"},
		{"a mail exchanger without name", DNS_MX, "an @ 60 MX # 000a"},
		{"half a preference", DNS_MX, "an @ 60 MX # 00"},
	};
	static struct packet packet;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example",
			     (int)cases[i].type);
		packet_add(&packet, cases[i].line);
		is_parsed(&packet, cases[i].type, "x.example", "failed 0", cases[i].what);
	}
}

static void test_wrong_packets(void)
{
	static struct packet packet;

	packet_begin(&packet, 1, PACKET_RECURSION, NO_ERROR, "x.example", DNS_A);
	packet_add(&packet, "an @ 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "a question instead of an answer");
	packet_begin(&packet, 1, PACKET_RESPONSE | PACKET_TRUNCATED, NO_ERROR, "x.example", DNS_A);
	packet_add(&packet, "an @ 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "a truncated answer");
	packet_begin(&packet, 1, PACKET_RESPONSE | 0x2800, NO_ERROR, "x.example", DNS_A);
	packet_add(&packet, "an @ 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "another operation (an update)");
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "y.example", DNS_A);
	packet_add(&packet, "an x.example 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "the answer to another name");
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example", DNS_TXT);
	packet_add(&packet, "an x.example 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "the answer to another type");
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, NULL, 0);
	packet_add(&packet, "an x.example 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "x.example", "failed 0", "an answer without question");
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "a@b$.example", DNS_A);
	packet_add(&packet, "an @ 60 A 192.0.2.1");
	is_parsed(&packet, DNS_A, "a@b$.example", "found 60 [192.0.2.1]",
		  "a name with bytes that libc escapes");
}

/* Cut at every length, and each byte set to some values: whatever it is, it is an answer. */
static void test_damage(void)
{
	static const char *const lines[] = {
		"an @ 60 CNAME y.example", "an y.example 60 TXT v=sp|f1 a", "an y.example 60 TXT b",
		"ns example 60 SOA 60", "ar . 0 OPT "};
	static struct packet packet, damaged;
	struct dns_packet_alias alias;
	size_t answers = 0, failed = 0;

	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example", DNS_TXT);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		packet_add(&packet, lines[i]);
	is_parsed(&packet, DNS_TXT, "x.example", "found 60 [v=spf1 a] []",
		  "a packet with everything");
	for (size_t length = 0; length < packet.length; length++) {
		const struct dns_answer *answer = dns_packet_parse(packet.bytes, length, DNS_TXT,
								   "x.example", INT64_MAX, &alias);
		failed += answer != NULL && dns_answer_status(answer) == DNS_FAILED;
		dns_answer_release(&answer);
	}
	tap_is_number((long long)failed, (long long)packet.length, "cut anywhere it is a failure");
	for (size_t at = 0; at < 256 * packet.length; at++) {
		damaged = packet;
		packet_poke(&damaged, at / 256, (uint8_t)at);
		const struct dns_answer *answer = dns_packet_parse(
			damaged.bytes, damaged.length, DNS_TXT, "x.example", INT64_MAX, &alias);
		answers += answer == NULL || (dns_answer_count(answer) > 0) ==
						     (dns_answer_status(answer) == DNS_FOUND);
		dns_answer_release(&answer);
	}
	tap_is_number((long long)answers, (long long)(256 * packet.length),
		      "with any byte changed there are records exactly if they were found");
}

static void test_large(void)
{
	static struct packet packet;
	struct dns_packet_alias alias;

	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example", DNS_TXT);
	packet_add_long_text(&packet, 64000);
	const struct dns_answer *answer = dns_packet_parse(packet.bytes, packet.length, DNS_TXT,
							   "x.example", INT64_MAX, &alias);
	tap_is_number((long long)dns_answer_text(answer, 0).length, DNS_PACKET_TEXT_MAX,
		      "of an SPF record of 64000 bytes what shows that it is too long");
	tap_ok(dns_answer_size_bytes(answer) < DNS_PACKET_TEXT_MAX + 1000, "... takes no more");
	dns_answer_release(&answer);
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example", DNS_A);
	for (int i = 0; i < 4000; i++)
		packet_add(&packet, "an @ 60 A 192.0.2.1");
	answer = dns_packet_parse(packet.bytes, packet.length, DNS_A, "x.example", 10, &alias);
	tap_is_number((long long)dns_answer_count(answer), DNS_PACKET_ADDRESSES_MAX,
		      "of 4000 addresses the first 256");
	tap_is_number(dns_answer_ttl_s(answer), 10, "the TTL of the chain before is a bound");
	dns_answer_release(&answer);
	packet_begin(&packet, 1, PACKET_RESPONSE, NO_ERROR, "x.example", DNS_PTR);
	for (int i = 0; i < 4000; i++)
		packet_add(&packet, "an @ 60 PTR @");
	answer = dns_packet_parse(packet.bytes, packet.length, DNS_PTR, "x.example", 10, &alias);
	tap_is_number((long long)dns_answer_count(answer), DNS_PACKET_NAMES_MAX,
		      "of 4000 names the first hundred");
	dns_answer_release(&answer);
}

int main(void)
{
	test_answers();
	test_none();
	test_cnames();
	test_long_chain(DNS_PACKET_CNAMES_MAX, "found 60 [192.0.2.1]", "16 CNAMEs are followed");
	test_long_chain(DNS_PACKET_CNAMES_MAX + 1, "failed 0", "17 CNAMEs are too many");
	test_malformed_data();
	test_wrong_packets();
	test_large();
	test_damage();
	return tap_done();
}
