/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hostlist.h"

#include "base/nettable.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool list_contains(const char *patterns, const char *address)
{
	struct diag diag = {0};
	struct netlist list;
	struct netaddr addr;

	netlist_parse(&list, span_of(patterns), "test", 1, "mynetworks", &diag);
	netaddr_parse(span_of(address), &addr);
	bool contains = diag.error_count == 0 && netlist_contains(&list, &addr);
	netlist_clear(&list);
	diag_clear(&diag);
	return contains;
}

static void test_patterns(void)
{
	static const struct {
		const char *patterns, *address;
		bool expected;
	} cases[] = {
		{"127.0.0.0/8 [::1]/128", "127.0.0.1", true},
		{"127.0.0.0/8, [::1]/128", "::1", true},
		{"127.0.0.0/8 [::1]/128", "192.0.2.1", false},
		{"!192.0.2.9 192.0.2.0/24", "192.0.2.9", false},
		{"!192.0.2.9 192.0.2.0/24", "192.0.2.8", true},
		{"192.0.2.0/24 !192.0.2.9", "192.0.2.9", true}, /* the first that matches decides */
		{"!!192.0.2.9", "192.0.2.9", true},
		{"", "127.0.0.1", false},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "192.0.2.1", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(list_contains(cases[i].patterns, cases[i].address) == cases[i].expected,
		       "%s is %sin \"%s\"", cases[i].address, cases[i].expected ? "" : "not ",
		       cases[i].patterns);
}

static void test_hosts(void)
{
	static const struct {
		const char *hosts, *address, *name;
		bool expected;
	} cases[] = {
		{"192.0.2.0/24 .example.org", "192.0.2.1", "", true},
		{"192.0.2.0/24 .example.org", "198.51.100.1", "", false},
		{"192.0.2.0/24, .example.org", "198.51.100.1", "mx.example.org", true},
		{".Example.org", "198.51.100.1", "mx.EXAMPLE.org", true},
		{".example.org", "198.51.100.1", "example.org", false},
		{".example.org", "198.51.100.1", "evilexample.org", false},
		{".example.org !192.0.2.9 192.0.2.0/24", "192.0.2.9", "", false},
		{"", "192.0.2.9", "mx.example.org", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag diag = {0};
		struct hostlist list;
		struct netaddr addr;
		hostlist_parse(&list, span_of(cases[i].hosts), "test", 1, "trusted_forwarders",
			       &diag);
		netaddr_parse(span_of(cases[i].address), &addr);
		bool contains = diag.error_count == 0 &&
				hostlist_contains(&list, &addr, span_of(cases[i].name));
		tap_ok(contains == cases[i].expected, "%s %s is %sin \"%s\"", cases[i].address,
		       cases[i].name, cases[i].expected ? "" : "not ", cases[i].hosts);
		hostlist_clear(&list);
		diag_clear(&diag);
	}

	struct diag diag = {0};
	struct hostlist list;
	hostlist_parse(&list, SPAN(".example.org mx.example.org"), "test", 1, "trusted_forwarders",
		       &diag);
	tap_is_number((long long)diag.error_count, 1, "a name without a dot in front is an error");
	hostlist_clear(&list);
	diag_clear(&diag);
}

static void test_file(void)
{
	char path[] = "/tmp/sixgate-netlist-XXXXXX", missing[64];
	struct diag diag = {0};
	struct netlist list;
	struct netaddr addr;

	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	fputs("# ours\n192.0.2.0/24\n  198.51.100.0/24 # no comment here\n203.0.113.1/24\n", file);
	fclose(file);
	netlist_parse(&list, span_of(path), "main.cf", 7, "mynetworks", &diag);
	tap_is_number((long long)diag.error_count, 5,
		      "a file: words of a trailing comment are errors");
	snprintf(missing, sizeof(missing), "%s:2: ", path);
	tap_ok(diag.line_count > 0 && strncmp(diag.lines[0].text, missing, strlen(missing)) == 0,
	       "errors in an included file name that file and its line");
	netaddr_parse(SPAN("198.51.100.7"), &addr);
	tap_ok(netlist_contains(&list, &addr), "what is right in the file is there");
	netlist_clear(&list);
	diag_clear(&diag);
	unlink(path);

	netlist_parse(&list, span_of(path), "main.cf", 7, "mynetworks", &diag);
	tap_ok(diag.line_count == 1 &&
		       strncmp(diag.lines[0].text, "main.cf:7: mynetworks: /tmp", 27) == 0,
	       "a missing file is an error where it is named");
	netlist_clear(&list);
	diag_clear(&diag);

	diag_error(&diag, "/etc/\xff\x1b[31m", 1, "x");
	tap_is(diag.lines[0].text, "/etc/\\xff\\x1b[31m:1: x",
	       "whatever a file is called, its name is shown in printable characters");
	diag_clear(&diag);
}

/* It includes itself ten times: eight files deep, that would be a hundred million. */
static void test_file_includes_itself(void)
{
	char path[] = "/tmp/sixgate-netlist-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct netlist list;
	struct diag diag = {0};

	fprintf(file, "192.0.2.1");
	for (int i = 0; i < 10; i++)
		fprintf(file, " %s", path);
	fclose(file);
	netlist_parse(&list, span_of(path), "main.cf", 7, "mynetworks", &diag);
	tap_ok(diag.error_count > 0 && strstr(diag.lines[0].text, "include each other") != NULL,
	       "a file that includes itself is an error");
	tap_is_number((long long)list.count, 100, "and is not read for ever");
	netlist_clear(&list);
	diag_clear(&diag);
	unlink(path);
}

static void test_table(void)
{
	static const char *const networks[] = {"10.0.0.0/8",     "10.1.0.0/16", "10.1.2.0/24",
					       "0.0.0.0/0",      "10.1.2.0/24", "2001:db8::/32",
					       "2001:db8:1::/48"};
	static const struct {
		const char *address;
		int expected; /* -1: in none */
	} cases[] = {
		{"10.2.0.1", 0},      {"10.1.9.1", 1},       {"10.1.2.3", 2},
		{"192.0.2.1", 3},     {"10.255.255.255", 0}, {"2001:db8:2::", 5},
		{"2001:db8:1::1", 6}, {"2001:db9::", -1},    {"::", -1},
	};
	struct nettable table = {0};

	for (unsigned i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		struct network network;
		network_parse(span_of(networks[i]), &network);
		nettable_add(&table, &network, i);
	}
	nettable_sort(&table);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr addr;
		unsigned value = 0;
		netaddr_parse(span_of(cases[i].address), &addr);
		bool found = nettable_find(&table, &addr, &value);
		tap_is_number(found ? (int)value : -1, cases[i].expected,
			      "the smallest network around %s", cases[i].address);
	}
	nettable_clear(&table);
}

int main(void)
{
	test_patterns();
	test_hosts();
	test_file();
	test_file_includes_itself();
	test_table();
	return tap_done();
}
