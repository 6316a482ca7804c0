/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet from anybody.  The first byte chooses the type that was asked for, and whether the
 * packet is all theirs, or one that answers the question: what is no answer to it is not looked at
 * further.
 */
#include "lookup/dns_packet.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_SIZE = 64 * 1024, FLAGS = 2, COUNTS = 6, HEADER_SIZE = 12 };

/* A header and the question about "x.example", then theirs: flags, three counts, the sections. */
static size_t packet_make(const uint8_t *data, size_t size, enum dns_type type, uint8_t *packet)
{
	static const uint8_t question[] = {1,   'x', 7, 'e', 'x', 'a', 'm', 'p',
					   'l', 'e', 0, 0,   0,   0,   1};

	if (size < 5 || size > PACKET_SIZE - HEADER_SIZE - sizeof(question))
		return 0;
	memset(packet, 0, HEADER_SIZE);
	packet[FLAGS] = data[0] | 0x80;
	packet[FLAGS + 1] = data[1];
	packet[5] = 1;
	for (size_t i = 0; i < 3; i++)
		packet[COUNTS + 2 * i + 1] = data[2 + i];
	memcpy(packet + HEADER_SIZE, question, sizeof(question));
	packet[HEADER_SIZE + sizeof(question) - 3] = (uint8_t)type;
	memcpy(packet + HEADER_SIZE + sizeof(question), data + 5, size - 5);
	return HEADER_SIZE + sizeof(question) + size - 5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packet[PACKET_SIZE];
	static const enum dns_type types[] = {DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
	static const char *const names[] = {"x.example", "a@b.example"};
	struct dns_packet_alias alias = {.target = ""};
	char folded[DNS_NAME_SIZE];

	if (size == 0)
		return 0;
	enum dns_type type = types[data[0] % 5];
	const char *name = names[data[0] / 128];
	const uint8_t *bytes = data + 1;
	size_t length = size - 1;
	if (data[0] < 128) {
		length = packet_make(data + 1, size - 1, type, packet);
		bytes = packet;
	}
	const struct dns_answer *answer =
		dns_packet_parse(bytes, length, type, name, INT64_MAX, &alias);
	if (answer == NULL) {
		assert(dns_name_fold(span_of(alias.target), folded) && alias.ttl_s >= 0 &&
		       alias.ttl_s <= DNS_PACKET_TTL_MAX_S);
		return 0;
	}
	assert((dns_answer_count(answer) > 0) == (dns_answer_status(answer) == DNS_FOUND));
	assert(dns_answer_ttl_s(answer) >= 0 && dns_answer_ttl_s(answer) <= DNS_PACKET_TTL_MAX_S);
	for (size_t i = 0; i < dns_answer_count(answer); i++) {
		if (type == DNS_A || type == DNS_AAAA) {
			assert(dns_answer_address(answer, i)->bits == (type == DNS_A ? 32 : 128));
			continue;
		}
		struct span text = dns_answer_text(answer, i);
		assert(type == DNS_TXT || text.length == 0 || dns_name_fold(text, folded));
		assert(type != DNS_TXT || text.length <= length);
	}
	dns_answer_release(&answer);
	return 0;
}
