/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a name server sent back, as an answer.  No I/O: bytes in, a value out.
 *
 * Names are compared in the form of libc's ns_name_ntop(), in which every name has one text and no
 * byte is lost; only what is handed on is folded (dns_name.h).
 */
#pragma once

#include "dns_answer.h"
#include "dns_name.h"
#include "spf_record.h"

#include <stddef.h>
#include <stdint.h>

enum {
	/* Names of PTR and MX records; nobody looks at more than ten (RFC 7208 4.6.4), and with
	 * all that fit into a packet an answer would be of megabytes. */
	DNS_PACKET_NAMES_MAX = 100,
	/* Of one name.  With the 2,300 that fit into a packet, the hosts of one SPF record would be
	 * of megabytes. */
	DNS_PACKET_ADDRESSES_MAX = 256,
	/* Bytes of an SPF record: one more than are read (spf_record.h). */
	DNS_PACKET_TEXT_MAX = SPF_RECORD_MAX + 1,
	DNS_PACKET_CNAMES_MAX = 16,       /* in one packet */
	DNS_PACKET_TTL_MAX_S = 86400,     /* answers that found something are kept so long */
	DNS_PACKET_NEGATIVE_MAX_S = 3600, /* those that did not (RFC 2308 5: 1 to 3 hours) */
};

/* The packet tells only that the name is another name for target. */
struct dns_packet_alias {
	char target[DNS_NAME_SIZE];
	int64_t ttl_s; /* the answer about target may be kept so long under the first name */
};

/*
 * The answer in the packet to a question for type and name (folded), which may be kept for at most
 * max_ttl_s; the caller is its holder.  CNAMEs are followed within the packet.  Whatever does not
 * make sense, or does not belong to the question, is DNS_FAILED.  What is beyond
 * DNS_PACKET_NAMES_MAX and DNS_PACKET_ADDRESSES_MAX is left out.  Of TXT records the first SPF
 * record is kept, up to DNS_PACKET_TEXT_MAX; of the second, only its version; of all that are none,
 * one empty text.
 *
 * NULL: the packet has a CNAME, and nothing about what it leads to; *alias says what to ask next
 * (RFC 1034 5.3.3, 4c).
 */
struct dns_answer *dns_packet_parse(const uint8_t *packet, size_t length, enum dns_type type,
				    const char *name, int64_t max_ttl_s,
				    struct dns_packet_alias *alias);
