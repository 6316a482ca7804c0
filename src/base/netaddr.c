/* SPDX-License-Identifier: BSD-2-Clause */
#include "netaddr.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const uint8_t netaddr_mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool netaddr_parse(struct span text, struct netaddr *addr)
{
	char copy[NETADDR_TEXT_SIZE];
	uint8_t bytes[16];

	text = span_first(text, span_find(text, '%'));
	if (text.length == 0 || text.length >= sizeof(copy) || memchr(text.text, '\0', text.length))
		return false;
	memcpy(copy, text.text, text.length);
	copy[text.length] = '\0';

	*addr = (struct netaddr){0};
	if (inet_pton(AF_INET, copy, addr->bytes) == 1) {
		addr->bits = 32;
		return true;
	}
	if (inet_pton(AF_INET6, copy, bytes) != 1)
		return false;
	if (memcmp(bytes, netaddr_mapped_prefix, sizeof(netaddr_mapped_prefix)) == 0) {
		addr->bits = 32;
		memcpy(addr->bytes, bytes + sizeof(netaddr_mapped_prefix), 4);
	} else {
		addr->bits = 128;
		memcpy(addr->bytes, bytes, sizeof(bytes));
	}
	return true;
}

static bool netaddr_is_port(struct span text)
{
	long number = 0;

	if (text.length == 0 || text.length > 5)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (!ascii_is_digit(text.text[i]))
			return false;
		number = number * 10 + (text.text[i] - '0');
	}
	return number >= 1 && number <= 65535;
}

bool netaddr_parse_with_port(struct span text, struct netaddr *addr, struct span *port)
{
	size_t colon = span_find(text, ':');
	struct span behind = (struct span){"", 0};

	*port = behind;
	if (text.length > 0 && text.text[0] == '[') {
		size_t bracket = span_find(text, ']');
		if (bracket == text.length)
			return false;
		behind = span_from(text, bracket + 1);
		text = span_from(span_first(text, bracket), 1);
	} else if (colon < text.length && colon == span_find_last(text, ':')) {
		behind = span_from(text, colon);
		text = span_first(text, colon);
	}
	if (behind.length > 0) {
		*port = span_from(behind, 1);
		if (behind.text[0] != ':' || !netaddr_is_port(*port))
			return false;
	}
	return netaddr_parse(text, addr);
}

/* Write a number, without leading zeros; returns its end. */
static char *netaddr_put_number(char *out, unsigned number, unsigned number_base)
{
	char digits[8];
	size_t count = 0;

	do {
		digits[count++] = "0123456789abcdef"[number % number_base];
		number /= number_base;
	} while (number > 0);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

static char *netaddr_put_v4(char *out, const uint8_t bytes[static 4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			*out++ = '.';
		out = netaddr_put_number(out, bytes[i], 10);
	}
	return out;
}

static unsigned netaddr_group(const uint8_t bytes[static 16], unsigned i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The longest run of two or more groups of zeros, the first of equals: *length 0 for none. */
static unsigned netaddr_longest_zeros(const uint8_t bytes[static 16], unsigned *length)
{
	unsigned first = 0;

	*length = 0;
	for (unsigned i = 0, run = 0; i < 8; i++) {
		run = netaddr_group(bytes, i) == 0 ? run + 1 : 0;
		if (run >= 2 && run > *length) {
			*length = run;
			first = i + 1 - run;
		}
	}
	return first;
}

/* RFC 5952 section 4. */
static char *netaddr_put_v6(char *out, const uint8_t bytes[static 16])
{
	unsigned zeros, first_zero = netaddr_longest_zeros(bytes, &zeros);

	for (unsigned i = 0; i < 8; i++) {
		if (zeros > 0 && i == first_zero) {
			*out++ = ':';
			i += zeros - 1;
			if (i == 7)
				*out++ = ':';
			continue;
		}
		if (i > 0)
			*out++ = ':';
		out = netaddr_put_number(out, netaddr_group(bytes, i), 16);
	}
	return out;
}

/* Not inet_ntop(3), which goes by way of sprintf(3): every request formats a network. */
void netaddr_format(const struct netaddr *addr, char text[static NETADDR_TEXT_SIZE])
{
	static const uint8_t no_group[10];

	if (addr->bits == 32)
		*netaddr_put_v4(text, addr->bytes) = '\0';
	else if (memcmp(addr->bytes, no_group, sizeof(no_group)) != 0)
		*netaddr_put_v6(text, addr->bytes) = '\0';
	/* The rare kinds that have an IPv4 address in them. */
	else if (inet_ntop(AF_INET6, addr->bytes, text, NETADDR_TEXT_SIZE) == NULL)
		text[0] = '\0';
}

bool netaddr_is_host(const struct netaddr *addr)
{
	static const struct netaddr none;
	uint8_t first = addr->bytes[0];

	if (memcmp(addr->bytes, none.bytes, sizeof(addr->bytes)) == 0)
		return false;
	return addr->bits == 32 ? first < 224 : first != 0xff;
}

bool netaddr_equals(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_compare(a, b) == 0;
}

int netaddr_compare(const struct netaddr *a, const struct netaddr *b)
{
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool netaddr_6to4_owner(const struct netaddr *addr, struct netaddr *owner)
{
	if (addr->bits != 128 || addr->bytes[0] != 0x20 || addr->bytes[1] != 0x02)
		return false;
	*owner = (struct netaddr){.bits = 32};
	memcpy(owner->bytes, addr->bytes + 2, 4);
	return true;
}

struct network network_of(const struct netaddr *addr, unsigned prefix)
{
	struct network network = {.addr = *addr};
	network.prefix = prefix < addr->bits ? (uint8_t)prefix : addr->bits;
	for (unsigned i = 0; i < sizeof(addr->bytes); i++) {
		if (network.prefix <= i * 8)
			network.addr.bytes[i] = 0;
		else if (network.prefix < i * 8 + 8)
			network.addr.bytes[i] &= (uint8_t)(0xff << (i * 8 + 8 - network.prefix));
	}
	return network;
}

bool network_contains(const struct network *network, const struct netaddr *addr)
{
	if (addr->bits != network->addr.bits)
		return false;
	unsigned whole = network->prefix / 8, rest = network->prefix % 8;
	if (memcmp(addr->bytes, network->addr.bytes, whole) != 0)
		return false;
	return rest == 0 || ((addr->bytes[whole] ^ network->addr.bytes[whole]) &
			     (uint8_t)(0xff << (8 - rest))) == 0;
}

/* Decimal digits alone, at most limit; -1 otherwise. */
static int network_parse_prefix(struct span text, int limit)
{
	int value = 0;
	if (text.length == 0 || text.length > 3)
		return -1;
	for (size_t i = 0; i < text.length; i++) {
		if (!ascii_is_digit(text.text[i]))
			return -1;
		value = value * 10 + (text.text[i] - '0');
	}
	return value <= limit ? value : -1;
}

const char *network_parse(struct span text, struct network *network)
{
	struct span prefix = {NULL, 0};
	bool has_prefix = false;
	size_t slash = span_find_last(text, '/');

	if (slash < text.length) {
		prefix = span_from(text, slash + 1);
		has_prefix = true;
		text = span_first(text, slash);
	}
	if (text.length >= 2 && text.text[0] == '[' && text.text[text.length - 1] == ']')
		text = (struct span){text.text + 1, text.length - 2};

	struct netaddr addr;
	if (!netaddr_parse(text, &addr))
		return "not a network such as 192.0.2.0/24 or [2001:db8::]/32";
	/* An IPv4-mapped network counts its prefix in IPv6 bits; nobody writes one on purpose. */
	if (has_prefix && addr.bits == 32 && span_find(text, ':') < text.length)
		return "an IPv4-mapped network; write it as IPv4";
	int length = addr.bits;
	if (has_prefix)
		length = network_parse_prefix(prefix, addr.bits);
	if (length < 0)
		return "the prefix length is not a number from 0 to 32 (IPv4) or 128 (IPv6)";

	*network = network_of(&addr, (unsigned)length);
	if (!netaddr_equals(&network->addr, &addr))
		return "bits are set behind the prefix";
	return NULL;
}

void network_format(const struct network *network, char text[static NETWORK_TEXT_SIZE])
{
	netaddr_format(&network->addr, text);
	char *end = text + strlen(text);
	*end++ = '/';
	*netaddr_put_number(end, network->prefix, 10) = '\0';
}
