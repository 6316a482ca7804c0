/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS packets for tests, put together byte by byte from text, wrong ones too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PACKET_SIZE = 65535 };

struct packet {
	size_t length;
	uint8_t bytes[PACKET_SIZE];
};

enum packet_flag {
	PACKET_RESPONSE = 0x8000,
	PACKET_TRUNCATED = 0x0200,
	PACKET_RECURSION = 0x0180, /* desired and available */
};

/* A header with that id and flags and rcode, and a question for name (escapes as in libc) and type;
 * name NULL: without a question. */
void packet_begin(struct packet *packet, uint16_t id, unsigned flags, unsigned rcode,
		  const char *name, int type);

/*
 * Add a record.  line is "SECTION NAME TTL TYPE VALUE": section an, ns or ar, in this order; "@" is
 * a pointer to the name of the question.  TXT: strings between "|"; SOA: only MINIMUM; MX: a
 * name; CH-TXT: TXT of another class; OPT: nothing, its TTL says it all; "A # 0102" and so on: data
 * in hex.
 */
void packet_add(struct packet *packet, const char *line);

/* An SPF record for the question's name whose strings are of 255 bytes, size_bytes in all. */
void packet_add_long_text(struct packet *packet, size_t size_bytes);

/* Put the bytes in place of those at offset. */
void packet_poke(struct packet *packet, size_t offset, uint8_t byte);
