/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/netaddr.h"

#include "tap.h"

static void test_addresses(void)
{
	static const struct {
		const char *text, *expected; /* NULL: no address */
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:db8:0:0:0:0:0:1", "2001:db8::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"fe80::1%eth0", "fe80::1"},
		{"::", "::"},
		{"", NULL},
		{"unknown", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"[2001:db8::1]", NULL},
		{"2001:db8::1::", NULL},
		{"0000:0000:0000:0000:0000:0000:192.168.100.100x", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETADDR_TEXT_SIZE];
		struct netaddr addr;
		bool valid = netaddr_parse(span_of(cases[i].text), &addr);
		if (valid)
			netaddr_format(&addr, text);
		tap_is(valid ? text : NULL, cases[i].expected, "address \"%s\"", cases[i].text);
	}
}

static void test_networks(void)
{
	static const struct {
		const char *text, *expected; /* NULL: an error */
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.1", "192.0.2.1/32"},
		{"[2001:db8::]/32", "2001:db8::/32"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"[::1]", "::1/128"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"192.0.2.1/24", NULL},
		{"2001:db8::1/64", NULL},
		{"192.0.2.0/33", NULL},
		{"2001:db8::/129", NULL},
		{"192.0.2.0/", NULL},
		{"192.0.2.0/-1", NULL},
		{"192.0.2.0/0x8", NULL},
		{"::ffff:192.0.2.0/120", NULL},
		{"[2001:db8::/32]", NULL},
		{"example.org", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETWORK_TEXT_SIZE];
		struct network network;
		const char *why = network_parse(span_of(cases[i].text), &network);
		if (why == NULL)
			network_format(&network, text);
		tap_is(why == NULL ? text : NULL, cases[i].expected, "network \"%s\"",
		       cases[i].text);
	}
}

static void test_masks(void)
{
	static const struct {
		const char *addr;
		unsigned prefix;
		const char *expected;
	} cases[] = {
		{"192.0.2.200", 24, "192.0.2.0/24"},
		{"192.0.2.200", 25, "192.0.2.128/25"},
		{"192.0.2.200", 0, "0.0.0.0/0"},
		{"192.0.2.200", 32, "192.0.2.200/32"},
		{"192.0.2.200", 64, "192.0.2.200/32"},
		{"2001:db8:1:2:3::4", 64, "2001:db8:1:2::/64"},
		{"2001:db8:ffff::", 33, "2001:db8:8000::/33"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETWORK_TEXT_SIZE];
		struct netaddr addr;
		netaddr_parse(span_of(cases[i].addr), &addr);
		struct network network = network_of(&addr, cases[i].prefix);
		network_format(&network, text);
		tap_is(text, cases[i].expected, "%s cut to %u bits", cases[i].addr,
		       cases[i].prefix);
		tap_ok(network_contains(&network, &addr), "%s is in %s", cases[i].addr, text);
	}
}

static void test_6to4(void)
{
	char text[NETADDR_TEXT_SIZE] = "";
	struct netaddr addr, owner;

	netaddr_parse(SPAN("2002:c000:201::1"), &addr);
	if (netaddr_6to4_owner(&addr, &owner))
		netaddr_format(&owner, text);
	tap_is(text, "192.0.2.1", "a 6to4 address has its owner's IPv4 address inside");
	netaddr_parse(SPAN("2001:db8::1"), &addr);
	tap_ok(!netaddr_6to4_owner(&addr, &owner), "other IPv6 addresses have not");
}

static void test_ports(void)
{
	static const struct {
		const char *text, *addr, *port; /* addr NULL: wrong */
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", ""},
		{"192.0.2.1:53", "192.0.2.1", "53"},
		{"2001:db8::1", "2001:db8::1", ""},
		{"[2001:db8::1]", "2001:db8::1", ""},
		{"[2001:db8::1]:5353", "2001:db8::1", "5353"},
		{"2001:db8::1:53", "2001:db8::1:53", ""},
		{"192.0.2.1:", NULL, NULL},
		{"192.0.2.1:0", NULL, NULL},
		{"192.0.2.1:65536", NULL, NULL},
		{"192.0.2.1:5x", NULL, NULL},
		{"[2001:db8::1", NULL, NULL},
		{"[2001:db8::1]53", NULL, NULL},
		{"ns.example", NULL, NULL},
		{":53", NULL, NULL},
		{"", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[NETADDR_TEXT_SIZE] = "";
		struct netaddr addr;
		struct span port;
		bool parsed = netaddr_parse_with_port(span_of(cases[i].text), &addr, &port);
		if (parsed)
			netaddr_format(&addr, text);
		tap_ok(parsed == (cases[i].addr != NULL) &&
			       (!parsed || (strcmp(text, cases[i].addr) == 0 &&
					    span_equals(port, span_of(cases[i].port)))),
		       "with a port: \"%s\"", cases[i].text);
	}
}

int main(void)
{
	test_addresses();
	test_networks();
	test_masks();
	test_6to4();
	test_ports();
	return tap_done();
}
