/* SPDX-License-Identifier: BSD-2-Clause */
/* access, farm, identity: the tables that people write, and who a client is. */
#include "rules/access.h"
#include "rules/farm.h"
#include "rules/identity.h"

#include "base/hash.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Write text to a new file, whose name is put into path. */
static void write_file(char path[static 32], const char *text)
{
	snprintf(path, 32, "/tmp/sixgate-table-XXXXXX");
	FILE *file = fdopen(mkstemp(path), "w");
	fputs(text, file);
	fclose(file);
}

static struct access_table *access_of(const char *text, struct diag *diag)
{
	char path[32];
	write_file(path, text);
	struct access_table *table = access_read(path, false, diag);
	unlink(path);
	return table;
}

static void test_access_order(void)
{
	static const char text[] = "user+ext@example.com\tREJECT 1\n"
				   "user@example.com\tREJECT 2\n"
				   "example.com\tREJECT 3\n"
				   ".example.com\tREJECT 4\n"
				   "com\tREJECT 5\n"
				   "user+ext@\tREJECT 6\n"
				   "user@\tREJECT 7\n"
				   "<>\tREJECT 8\n"
				   "deep.example.net\tREJECT 9\n"
				   ".example.net REJECT 10\n"
				   "[192.0.2.1] REJECT 11\n"
				   "\"a b\"@quoted.example REJECT 12\n"
				   "Upper@Case.Example REJECT 13\n"
				   "postmaster@ REJECT 14\n";
	static const struct {
		const char *address, *expected; /* NULL: nothing matches */
	} cases[] = {
		{"user+ext@example.com", "REJECT 1"},
		{"user@example.com", "REJECT 2"},
		{"user+other@example.com", "REJECT 2"},
		{"other@example.com", "REJECT 3"},
		{"user@sub.example.com", "REJECT 4"},
		{"other@a.b.example.com", "REJECT 4"},
		{"other@example.net", NULL},
		{"other@sub.example.net", "REJECT 10"},
		{"other@deep.example.net", "REJECT 9"},
		{"other@very.deep.example.net", "REJECT 9"},
		{"other@elsewhere.com", "REJECT 5"},
		{"user+ext@elsewhere.org", "REJECT 6"},
		{"user@elsewhere.org", "REJECT 7"},
		{"user+other@elsewhere.org", "REJECT 7"},
		{"", "REJECT 8"},
		{"other@[192.0.2.1]", "REJECT 11"},
		{"a b@quoted.example", "REJECT 12"},
		{"uPPER@cASE.eXAMPLE", "REJECT 13"},
		{"evilexample.com@x.org", NULL},
		{"other@evilexample.net", NULL},
		{"postmaster@elsewhere.org", "REJECT 14"},
		{"user", "REJECT 7"},
		{"@", NULL},
		{"other@example.com.", "REJECT 3"},
		{"other@example.com..", NULL},
	};
	struct diag diag = {0};
	struct access_table *table = access_of(text, &diag);

	tap_ok(table != NULL && diag.line_count == 0, "the table is valid");
	for (size_t i = 0; table != NULL && i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct access_entry *entry =
			access_find(table, span_of(cases[i].address), SPAN("+"));
		tap_is(entry != NULL ? entry->answer : NULL, cases[i].expected, "<%s>",
		       cases[i].address);
	}
	access_free(&table);
}

static void test_access_tells_where(void)
{
	struct diag diag = {0};
	struct access_table *table =
		access_of("# one\nExample.ORG OK\n.example.net 550 no\n", &diag);
	const struct access_entry *entry = access_find(table, SPAN("a@b.example.net"), SPAN("+"));

	tap_is(entry->pattern, ".example.net", "an entry tells its pattern");
	tap_is_number(entry->line, 3, "and its line");
	tap_is(access_find(table, SPAN("a@example.org"), SPAN("+"))->pattern, "example.org",
	       "the pattern is in lower case");
	tap_ok(strstr(access_path(table), "/") != NULL, "a table tells its file");
	access_free(&table);
}

static void test_access_delimiters(void)
{
	static const struct {
		const char *delimiters, *address;
		bool matches;
	} cases[] = {
		{"+", "base+x@example.org", true},           {"+-", "base-x@example.org", true},
		{"-", "base+x@example.org", false},          {"", "base+x@example.org", false},
		{"-", "owner-base@example.org", false},      {"+", "base@example.org", true},
		{"+-", "base+x-request@example.org", false}, {"+", "+base+x@example.org", false},
	};
	struct diag diag = {0};
	struct access_table *table =
		access_of("base@example.org OK\nowner@example.org OK\n", &diag);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok((access_find(table, span_of(cases[i].address),
				    span_of(cases[i].delimiters)) != NULL) == cases[i].matches,
		       "%s with recipient_delimiter \"%s\"", cases[i].address, cases[i].delimiters);
	access_free(&table);
}

static void test_access_values(void)
{
	static const struct {
		const char *value;
		int action; /* -1: an error */
	} cases[] = {
		{"OK", ACCESS_OK},
		{"ok", ACCESS_OK},
		{"OK with text", ACCESS_OK},
		{"1234567890", ACCESS_OK},
		{"DUNNO", ACCESS_DUNNO},
		{"REJECT", ACCESS_REJECT},
		{"reject 5.7.1 not you", ACCESS_REJECT},
		{"DEFER", ACCESS_DEFER},
		{"DEFER_IF_PERMIT 4.7.1 later", ACCESS_DEFER},
		{"450 4.7.1 later", ACCESS_DEFER},
		{"550 no", ACCESS_REJECT},
		{"550", ACCESS_OK}, /* all digits; a warning tells */
		{"REJECT\tnot\tyou", ACCESS_REJECT},
		{"REJECT not\n\tyou", ACCESS_REJECT}, /* a line continues */
		{"", -1},
		{"250 fine", -1},
		{"5500 no", -1},
		{"REJECTED", -1},
		{"HOLD", -1},
		{"FILTER smtp:x", -1},
		{"reject_unknown_client_hostname", -1},
		{"550 bad\001byte", -1},
		{"550 bad\377utf8", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[128];
		struct diag diag = {0};
		snprintf(text, sizeof(text), "a@example.org %s\n", cases[i].value);
		struct access_table *table = access_of(text, &diag);
		tap_ok((table != NULL) == (cases[i].action >= 0), "the action \"%s\" is %s",
		       cases[i].value, cases[i].action >= 0 ? "valid" : "an error");
		if (table != NULL)
			tap_is_number(access_find(table, SPAN("a@example.org"), SPAN("+"))->action,
				      cases[i].action, "and means what access(5) says");
		access_free(&table);
		diag_clear(&diag);
	}
}

static void test_access_messages(void)
{
	struct diag diag = {0};
	struct access_table *table = access_of("# two mistakes, two warnings\n"
					       "a@example.org OK\n"
					       "b@example.org MAYBE\n"
					       "\"c@example.org OK\n"
					       "A@example.org REJECT\n"
					       "d@example.org 550\n",
					       &diag);
	tap_ok(table == NULL, "a table with an error is no table");
	tap_is_number((long long)diag.error_count, 2, "all errors are told");
	tap_is_number((long long)diag.line_count, 4, "and all warnings");
	tap_ok(diag.line_count == 4 &&
		       strstr(diag.lines[0].text, ":3: b@example.org: \"MAYBE\": expected OK"),
	       "with line, what was found and what was expected");
	tap_ok(diag.line_count == 4 &&
		       strstr(diag.lines[2].text, ":5: a@example.org: is in line 2 already"),
	       "a second entry for a key is a warning");
	access_free(&table);
	diag_clear(&diag);

	char many[4096] = "";
	for (int i = 0; i < 60; i++)
		strcat(many, "twice@example.org OK\n");
	strcat(many, "a@example.org MAYBE\n");
	table = access_of(many, &diag);
	bool told = false;
	for (size_t i = 0; i < diag.line_count; i++)
		told = told || strstr(diag.lines[i].text, ":61: a@example.org: \"MAYBE\"") != NULL;
	tap_ok(table == NULL && told, "many warnings do not hide an error");
	diag_clear(&diag);

	static const char *const strange[] = {"@v.example", "*.w.example", "*@x.example",
					      "/^re$/",     "10.0.0.0/8",  "t.example."};
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "%s OK\n", strange[i]);
		table = access_of(text, &diag);
		tap_ok(table != NULL && diag.warning_count == 1,
		       "%s matches nothing, which is told", strange[i]);
		access_free(&table);
		diag_clear(&diag);
	}

	table = access_of("\xef\xbb\xbfmark.example REJECT\n", &diag);
	tap_ok(table != NULL && access_find(table, SPAN("a@mark.example"), SPAN("+")) != NULL,
	       "a byte order mark is no part of the first key");
	access_free(&table);

	table = access_read("/nonexistent/sender_access", true, &diag);
	tap_ok(table != NULL && access_find(table, SPAN("a@b"), SPAN("+")) == NULL,
	       "a default file that is missing is an empty table");
	access_free(&table);
	table = access_read("/nonexistent/sender_access", false, &diag);
	tap_ok(table == NULL && diag.error_count == 1, "a named file that is missing is an error");
	diag_clear(&diag);
	table = access_read("", false, &diag);
	tap_ok(table != NULL, "no file at all is an empty table");
	access_free(&table);
}

static void test_farms(void)
{
	static const char text[] = "# providers\n"
				   "google ptr:.google.example\n"
				   "  cidr:[2001:db8:51::]/48\n"
				   "gmx    ptr:mout.gmx.example ptr:.mout.gmx.example pass\n"
				   "isp    cidr:192.0.2.0/24 ptr:.Isp.Example\n"
				   "part   cidr:192.0.2.128/25 ptr:.part.isp.example\n";
	static const struct {
		const char *name, *address, *farm;
	} cases[] = {
		{"mail-1.google.example", "198.51.100.1", "google"},
		{"MAIL-1.Google.Example", "198.51.100.1", "google"},
		{"mail-1.google.example.", "198.51.100.1", "google"},
		{"a.b.c.google.example", "198.51.100.1", "google"},
		{"evilgoogle.example", "198.51.100.1", NULL},
		{"google.example", "198.51.100.1", NULL},
		{"google.example.evil.example", "198.51.100.1", NULL},
		{"mout.gmx.example", "198.51.100.1", "gmx"},
		{"x.mout.gmx.example", "198.51.100.1", "gmx"},
		{"www.gmx.example", "198.51.100.1", NULL},
		{"", "2001:db8:51:7::1", "google"},
		{"", "2001:db8:52::1", NULL},
		{"", "192.0.2.1", "isp"},
		{"", "192.0.2.200", "part"},
		{"a.part.isp.example", "198.51.100.1", "part"},
		{"a.isp.example", "198.51.100.1", "isp"},
		{"mail-1.google.example", "192.0.2.1", "google"},
		{"", "198.51.100.1", NULL},
		{"..", "198.51.100.1", NULL},
	};
	char path[32];
	struct diag diag = {0};

	write_file(path, text);
	struct farm_table *table = farm_read(path, false, &diag);
	unlink(path);
	tap_ok(table != NULL, "the farms are valid");
	for (size_t i = 0; table != NULL && i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr addr;
		netaddr_parse(span_of(cases[i].address), &addr);
		const struct farm *farm = farm_find(table, NULL, span_of(cases[i].name), &addr);
		tap_is(farm != NULL ? farm->name : NULL, cases[i].farm, "%s[%s]", cases[i].name,
		       cases[i].address);
		tap_ok(farm == NULL || farm->pass == (strcmp(farm->name, "gmx") == 0),
		       "and only the one with pass passes");
	}
	farm_free(&table);
	diag_clear(&diag);
}

/* Networks of one SPF domain, separated by blanks. */
static void add_networks(struct farm_networks *networks, const char *domain, const char *text)
{
	struct network list[8];
	size_t count = 0;
	struct span rest = span_of(text);

	for (struct span word = span_next_word(&rest, " "); word.length > 0;
	     word = span_next_word(&rest, " "))
		network_parse(word, &list[count++]);
	farm_networks_add(networks, span_of(domain), list, count);
}

static void test_farms_by_spf(void)
{
	static const char text[] = "first spf:_spf.first.example spf:More.First.Example\n"
				   "second ptr:.second.example spf:_spf.second.example\n"
				   "third cidr:192.0.2.64/26 spf:_spf.third.example pass\n";
	static const struct {
		const char *name, *address, *farm;
		const char *what;
	} cases[] = {
		{"", "192.0.2.1", "first", "the network of its SPF domain"},
		{"", "2001:db8:1::1", "first", "the other family, another domain"},
		{"", "198.51.100.1", "first", "the same network in three: first in the file"},
		{"", "198.51.100.200", "third", "a smaller network wins"},
		{"mx.second.example", "192.0.2.1", "second", "a name goes first"},
		{"", "192.0.2.65", "third", "cidr: goes before a smaller network of spf:"},
		{"", "203.0.113.1", "third", "a domain that is not in the table does not hide it"},
		{"", "203.0.114.1", NULL, "and is nobody's"},
		{"", "192.0.3.1", NULL, "outside of all"},
	};
	char path[32];
	struct diag diag = {0};

	write_file(path, text);
	struct farm_table *table = farm_read(path, false, &diag);
	unlink(path);
	tap_ok(table != NULL && farm_spf_count(table) == 4, "a table with four SPF domains");
	tap_is(farm_spf_domain(table, 1), "more.first.example", "in the order of the file, folded");

	struct farm_networks *resolved = farm_networks_new();
	add_networks(resolved, "_spf.third.example",
		     "198.51.100.0/24 198.51.100.128/25 203.0.113.0/24");
	add_networks(resolved, "_spf.second.example", "198.51.100.0/24");
	add_networks(resolved, "_spf.first.example", "192.0.2.0/24 192.0.2.64/27 198.51.100.0/24");
	add_networks(resolved, "more.first.example", "2001:db8:1::/48");
	add_networks(resolved, "gone.example", "203.0.113.1/32 203.0.113.0/25 203.0.114.0/24");
	farm_networks_sort(resolved);
	struct farm_match match;
	struct netaddr client;
	netaddr_parse(SPAN("198.51.100.200"), &client);
	farm_find_match(table, resolved, SPAN("mx.second.example"), &client, &match);
	tap_ok(match.way == FARM_BY_NAME && strcmp(match.pattern, ".second.example") == 0,
	       "recognised by the suffix of its name");
	farm_find_match(table, resolved, SPAN(""), &client, &match);
	tap_ok(match.way == FARM_BY_SPF && strcmp(match.pattern, "_spf.third.example") == 0 &&
		       match.network.prefix == 25,
	       "recognised by an SPF domain, and by which network of it");
	netaddr_parse(SPAN("192.0.2.65"), &client);
	farm_find_match(table, resolved, SPAN(""), &client, &match);
	tap_ok(match.way == FARM_BY_NETWORK && match.pattern[0] == 0 && match.network.prefix == 26,
	       "recognised by its network");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr addr;
		netaddr_parse(span_of(cases[i].address), &addr);
		const struct farm *farm = farm_find(table, resolved, span_of(cases[i].name), &addr);
		tap_is(farm != NULL ? farm->name : NULL, cases[i].farm, "%s[%s]: %s", cases[i].name,
		       cases[i].address, cases[i].what);
	}
	farm_networks_free(&resolved);
	farm_free(&table);
	diag_clear(&diag);
}

static void test_farm_mistakes(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"google",
		 "farms: google: no way to recognise it; expected ptr:.suffix, cidr:network or "
		 "spf:domain.name"},
		{"google pass", "farms: google: no way to recognise it; expected ptr:.suffix, "
				"cidr:network or spf:domain.name"},
		{"Google ptr:.x",
		 "farms: \"Google\": expected a name of small letters, digits and \"-\""},
		{"a ptr:.x.example\nb ptr:.x.example", "farms: b: .x.example is in line 1 already"},
		{"a cidr:10.0.0.0/8\nb cidr:10.0.0.0/8",
		 "farms: b: 10.0.0.0/8 is in line 1 already"},
		{"a cidr:10.0.0.1/8",
		 "farms: a: \"cidr:10.0.0.1/8\": bits are set behind the prefix; "
		 "expected cidr:192.0.2.0/24 or cidr:[2001:db8::]/32"},
		{"a ptr:.x..y", "farms: a: \"ptr:.x..y\": an empty label; expected ptr:.suffix or "
				"ptr:host.name"},
		{"a ptr:*.x",
		 "farms: a: \"ptr:*.x\": a character that host names do not have; expected "
		 "ptr:.suffix or ptr:host.name"},
		{"a pass ptr:.x", "farms: a: \"pass\": expected ptr:.suffix, ptr:host.name, "
				  "cidr:network or spf:domain.name, and \"pass\" only at the end"},
		{"a dns:x.example",
		 "farms: a: \"dns:x.example\": expected ptr:.suffix, ptr:host.name, "
		 "cidr:network or spf:domain.name, and \"pass\" only at the end"},
		{"a spf:example",
		 "farms: a: \"spf:example\": only one label; expected spf:domain.name"},
		{"a spf:", "farms: a: \"spf:\": an empty label; expected spf:domain.name"},
		{"a spf:.x.example",
		 "farms: a: \"spf:.x.example\": begins with a dot; expected spf:domain.name"},
		{"a spf:%{d}.x.example",
		 "farms: a: \"spf:%{d}.x.example\": a character that host names do not have; "
		 "expected spf:domain.name"},
		{"a spf:a23456789012345678901234567890123456789012345678901234567890abcd.example",
		 "farms: a: "
		 "\"spf:a23456789012345678901234567890123456789012345678901234567890abcd.example\":"
		 " "
		 "a label of more than 63 characters; expected spf:domain.name"},
		{"a spf:x.example\nb spf:X.Example", "farms: b: x.example is in line 1 already"},
		{"a ptr:.com",
		 "farms: a: \"ptr:.com\": only one label; expected ptr:.suffix or ptr:host.name"},
		{"a ptr:.x.y\na ptr:.y.y",
		 "farms: \"a\": a farm of this name is there already; put all its "
		 "ways on one line (lines that begin with a blank continue it)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[32];
		struct diag diag = {0};
		write_file(path, cases[i].text);
		struct farm_table *table = farm_read(path, false, &diag);
		unlink(path);
		tap_ok(table == NULL, "refused: %.40s", cases[i].text);
		const char *said =
			diag.line_count > 0 ? strstr(diag.lines[0].text, ": farms:") : NULL;
		tap_is(said != NULL ? said + 2 : NULL, cases[i].error, "and told clearly");
		farm_free(&table);
		diag_clear(&diag);
	}
}

/* Whose is a network that the SPF records of two shipped farms name? */
static void test_shipped_order(const struct farm_table *farms)
{
	static const struct {
		const char *owner, *includes, *farm;
	} cases[] = {
		{"spf.protection.outlook.com", "secureserver.net", "outlook"},
		{"sendgrid.net", "ebay.com", "sendgrid"},
		{"_spf.google.com", "_spf.atlassian.net", "google"},
		{"amazonses.com", "mail.zendesk.com", "amazon-ses"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct farm_networks *resolved = farm_networks_new();
		struct netaddr addr;
		add_networks(resolved, cases[i].includes, "192.0.2.0/24");
		add_networks(resolved, cases[i].owner, "192.0.2.0/24");
		farm_networks_sort(resolved);
		netaddr_parse(SPAN("192.0.2.1"), &addr);
		const struct farm *farm = farm_find(farms, resolved, (struct span){"", 0}, &addr);
		tap_is(farm != NULL ? farm->name : NULL, cases[i].farm,
		       "%s may include %s, whose networks they stay", cases[i].includes,
		       cases[i].owner);
		farm_networks_free(&resolved);
	}
}

static void test_shipped_files(void)
{
	static const char *const names[] = {"sender_access", "recipient_access"};
	char path[512];
	struct diag diag = {0};

	snprintf(path, sizeof(path), "%s/etc/farms", getenv("SIXGATE_SOURCE"));
	struct farm_table *farms = farm_read(path, false, &diag);
	tap_ok(farms != NULL && diag.line_count == 0 && farm_count(farms) > 60,
	       "etc/farms is valid, with more than 60 farms");
	tap_ok(farms != NULL && farm_spf_count(farms) > 60, "and more than 60 SPF domains");
	test_shipped_order(farms);
	farm_free(&farms);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/etc/%s", getenv("SIXGATE_SOURCE"), names[i]);
		struct access_table *table = access_read(path, false, &diag);
		tap_ok(table != NULL && diag.line_count == 0, "etc/%s is valid", names[i]);
		access_free(&table);
	}
	diag_clear(&diag);
}

static void test_identities(void)
{
	static const struct {
		const char *address, *network;
	} cases[] = {
		{"192.0.2.77", "192.0.2.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"::ffff:192.0.2.77", "192.0.2.0/24"},
		{"2002:c000:24d:1::1", "192.0.2.0/24"},
	};
	struct identities who;
	struct farm farm = {.name = "google"};
	struct network network;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr addr;
		netaddr_parse(span_of(cases[i].address), &addr);
		network = identity_network(&addr, 24, 64);
		identities_collect(&who, &network, NULL, SPAN("a@Example.org"));
		tap_is_number((long long)who.count, 1, "%s has one identity", cases[i].address);
		tap_is(who.list[0].key, cases[i].network, "its network");
		tap_is(who.list[0].client, cases[i].network, "which can become known");
	}
	identities_collect(&who, &network, &farm, SPAN("a@Example.org"));
	tap_is_number((long long)who.count, 2, "a farm's host has two");
	tap_is(who.list[0].client, "", "whose network never becomes known");
	tap_is(who.list[1].key, "farm:google", "the farm is the key");
	tap_is(who.list[1].client, "farm:google/example.org", "known are farm and domain together");
	identities_collect(&who, &network, &farm, SPAN(""));
	tap_is(who.list[1].client, "farm:google/<>", "the null sender is a domain of its own");
}

int main(void)
{
	hash_init();
	test_access_order();
	test_access_delimiters();
	test_access_tells_where();
	test_access_values();
	test_access_messages();
	test_farms();
	test_farms_by_spf();
	test_farm_mistakes();
	test_shipped_files();
	test_identities();
	return tap_done();
}
