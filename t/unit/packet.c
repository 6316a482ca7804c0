/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet.h"

#include "base/span.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTION_NAME = 12 }; /* its offset */

static void packet_wrong(const char *line)
{
	fprintf(stderr, "packet: this is no record: %s\n", line);
	abort();
}

static void packet_put(struct packet *packet, const void *bytes, size_t length)
{
	if (packet->length + length > sizeof(packet->bytes))
		abort();
	memcpy(packet->bytes + packet->length, bytes, length);
	packet->length += length;
}

static void packet_put8(struct packet *packet, unsigned value)
{
	packet_put(packet, &(uint8_t){(uint8_t)value}, 1);
}

static void packet_put16(struct packet *packet, unsigned value)
{
	packet_put8(packet, value >> 8);
	packet_put8(packet, value);
}

static void packet_put32(struct packet *packet, uint32_t value)
{
	packet_put16(packet, value >> 16);
	packet_put16(packet, value);
}

static void packet_put_name(struct packet *packet, const char *name)
{
	uint8_t wire[NS_MAXCDNAME];

	if (strcmp(name, "@") == 0)
		return packet_put16(packet, 0xc000 | QUESTION_NAME);
	if (ns_name_pton(name, wire, sizeof(wire)) < 0)
		packet_wrong(name);
	const uint8_t *end = wire;
	ns_name_skip(&end, wire + sizeof(wire));
	packet_put(packet, wire, (size_t)(end - wire));
}

void packet_poke(struct packet *packet, size_t offset, uint8_t byte)
{
	packet->bytes[offset] = byte;
}

/* One record more in the section. */
static void packet_count(struct packet *packet, size_t section)
{
	if (++packet->bytes[4 + 2 * section + 1] == 0)
		packet->bytes[4 + 2 * section]++;
}

void packet_begin(struct packet *packet, uint16_t id, unsigned flags, unsigned rcode,
		  const char *name, int type)
{
	packet->length = 0;
	packet_put16(packet, id);
	packet_put16(packet, flags | rcode);
	for (int section = 0; section < 4; section++)
		packet_put16(packet, 0);
	if (name == NULL)
		return;
	packet_count(packet, 0);
	packet_put_name(packet, name);
	packet_put16(packet, (unsigned)type);
	packet_put16(packet, ns_c_in);
}

static void packet_put_strings(struct packet *packet, const char *value)
{
	for (;;) {
		size_t length = strcspn(value, "|");
		packet_put8(packet, (unsigned)length);
		packet_put(packet, value, length);
		if (value[length] == '\0')
			return;
		value += length + 1;
	}
}

static void packet_put_hex(struct packet *packet, const char *value)
{
	unsigned byte;
	for (; value[0] != '\0'; value += 2) {
		if (value[1] == '\0' || sscanf(value, "%2x", &byte) != 1)
			packet_wrong(value);
		packet_put8(packet, byte);
	}
}

static void packet_put_value(struct packet *packet, int type, const char *value)
{
	uint8_t addr[16];

	if (value[0] == '#')
		return packet_put_hex(packet, value + 2);
	switch (type) {
	case ns_t_a:
	case ns_t_aaaa:
		if (inet_pton(type == ns_t_a ? AF_INET : AF_INET6, value, addr) != 1)
			packet_wrong(value);
		return packet_put(packet, addr, type == ns_t_a ? 4 : 16);
	case ns_t_txt:
		return packet_put_strings(packet, value);
	case ns_t_mx:
		packet_put16(packet, 10);
		return packet_put_name(packet, value);
	case ns_t_soa:
		packet_put_name(packet, "ns.example");
		packet_put_name(packet, "hostmaster.example");
		for (int number = 0; number < 4; number++)
			packet_put32(packet, 1);
		return packet_put32(packet, (uint32_t)strtoul(value, NULL, 10));
	case ns_t_opt:
		return;
	default:
		return packet_put_name(packet, value);
	}
}

static const struct {
	const char *word;
	int type, class;
} packet_types[] = {
	{"A", ns_t_a, ns_c_in},     {"AAAA", ns_t_aaaa, ns_c_in},
	{"PTR", ns_t_ptr, ns_c_in}, {"MX", ns_t_mx, ns_c_in},
	{"TXT", ns_t_txt, ns_c_in}, {"CNAME", ns_t_cname, ns_c_in},
	{"NS", ns_t_ns, ns_c_in},   {"SOA", ns_t_soa, ns_c_in},
	{"OPT", ns_t_opt, 1232},    {"CH-TXT", ns_t_txt, ns_c_chaos},
};

void packet_add(struct packet *packet, const char *line)
{
	char section[3], name[300], type[8];
	unsigned long ttl_s;
	int value = 0;
	size_t row = 0, sections = 1;

	if (sscanf(line, "%2s %299s %lu %7s %n", section, name, &ttl_s, type, &value) < 4)
		packet_wrong(line);
	while (strcmp(packet_types[row].word, type) != 0)
		if (++row == sizeof(packet_types) / sizeof(packet_types[0]))
			packet_wrong(line);
	sections = strcmp(section, "an") == 0 ? 1 : strcmp(section, "ns") == 0 ? 2 : 3;
	packet_count(packet, sections);
	packet_put_name(packet, name);
	packet_put16(packet, (unsigned)packet_types[row].type);
	packet_put16(packet, (unsigned)packet_types[row].class);
	packet_put32(packet, (uint32_t)ttl_s);
	size_t length_at = packet->length;
	packet_put16(packet, 0);
	packet_put_value(packet, packet_types[row].type, line + value);
	size_t length = packet->length - length_at - 2;
	packet_poke(packet, length_at, (uint8_t)(length >> 8));
	packet_poke(packet, length_at + 1, (uint8_t)length);
}

void packet_add_long_text(struct packet *packet, size_t size_bytes)
{
	static const char start[] = "v=spf1 ";
	size_t strings = (size_bytes + 254) / 255, at = 0;

	packet_count(packet, 1);
	packet_put_name(packet, "@");
	packet_put16(packet, ns_t_txt);
	packet_put16(packet, ns_c_in);
	packet_put32(packet, 300);
	packet_put16(packet, (unsigned)(size_bytes + strings));
	for (; at < size_bytes; at++) {
		if (at % 255 == 0)
			packet_put8(packet,
				    (unsigned)(size_bytes - at < 255 ? size_bytes - at : 255));
		packet_put8(packet, at < sizeof(start) - 1 ? (unsigned)start[at] : 'x');
	}
}
