/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP addresses and networks as values.
 *
 * An IPv4-mapped IPv6 address is the IPv4 address (Postfix hands it on as that), and a scope
 * ("fe80::1%eth0") is dropped: it says which of our own links the client is on, not who it is.
 */
#pragma once

#include "span.h"

#include <stdbool.h>
#include <stdint.h>

struct netaddr {
	uint8_t bits; /* 32 or 128: the family */
	uint8_t bytes[16];
};

/* addr has only zeros behind its first prefix bits. */
struct network {
	struct netaddr addr;
	uint8_t prefix; /* 0 to addr.bits */
};

enum {
	NETADDR_TEXT_SIZE = 46,                    /* longest address and NUL (INET6_ADDRSTRLEN) */
	NETWORK_TEXT_SIZE = NETADDR_TEXT_SIZE + 4, /* with "/128" */
};

/* "192.0.2.1", "2001:db8::1"; false when text is no address. */
bool netaddr_parse(struct span text, struct netaddr *addr);

/*
 * "192.0.2.1", "2001:db8::1", "[2001:db8::1]", or with a port: "192.0.2.1:53", "[2001:db8::1]:53".
 * False when text is none of these.  *port is its digits (1 to 65535), empty without one.
 */
bool netaddr_parse_with_port(struct span text, struct netaddr *addr, struct span *port);

/* RFC 5952 text. */
void netaddr_format(const struct netaddr *addr, char text[static NETADDR_TEXT_SIZE]);

/* Whether it can be the address of one host: not 0.0.0.0 or ::, and no multicast. */
bool netaddr_is_host(const struct netaddr *addr);

bool netaddr_equals(const struct netaddr *a, const struct netaddr *b);

/* Below 0, 0, above 0 as a sorts before, with, behind b; IPv4 before IPv6. */
int netaddr_compare(const struct netaddr *a, const struct netaddr *b);

/* A 6to4 address (RFC 3056, 2002::/16) has its owner's IPv4 address inside; false for others. */
bool netaddr_6to4_owner(const struct netaddr *addr, struct netaddr *owner);

/* The network of prefix bits that addr is in; a prefix beyond the family's is its whole length. */
struct network network_of(const struct netaddr *addr, unsigned prefix);

bool network_contains(const struct network *network, const struct netaddr *addr);

/*
 * A network in Postfix's mynetworks syntax: 192.0.2.0/24, [2001:db8::]/32 (brackets may be left
 * out), a lone address is a network of one.  NULL, or what is wrong with it (bits behind the
 * prefix, as in 192.0.2.1/24, are wrong: Postfix refuses them too).
 */
const char *network_parse(struct span text, struct network *network);

void network_format(const struct network *network, char text[static NETWORK_TEXT_SIZE]);
