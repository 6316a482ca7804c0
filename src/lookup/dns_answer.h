/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DNS answers to one question, as a value that never changes once it is made, and that several
 * can hold.  Holders are counted; the counts belong to one thread.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* Numbers as on the wire (RFC 1035 3.2.2, RFC 3596). */
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
	DNS_FOUND,
	DNS_NO_NAME, /* there is no such name: NXDOMAIN */
	DNS_NO_DATA, /* the name has no record of this type */
	DNS_FAILED,  /* could not tell: SERVFAIL, no answer, an answer that makes no sense ... */
};

struct dns_answer;

/* An answer without records; the caller is its first holder, and adds what there is to add before
 * it shows it to others.  ttl_s: how long it may be kept; 0: not at all. */
struct dns_answer *dns_answer_new(enum dns_status status, int64_t ttl_s);

void dns_answer_add_address(struct dns_answer *answer, const struct netaddr *addr);
/* text: the name of a PTR or MX record, or all strings of a TXT record joined; copied. */
void dns_answer_add_text(struct dns_answer *answer, struct span text);

/* It may be kept for ttl_s at most; also before it is shown to others. */
void dns_answer_limit_ttl(struct dns_answer *answer, int64_t ttl_s);

/* It has come at now_ms (monotonic), from when on its TTL counts. */
void dns_answer_date(const struct dns_answer *answer, int64_t now_ms);

/* Until when it is good: monotonic; 0: it has no date. */
int64_t dns_answer_good_until_ms(const struct dns_answer *answer);

enum dns_status dns_answer_status(const struct dns_answer *answer);
int64_t dns_answer_ttl_s(const struct dns_answer *answer);

/* Number of records; not 0 exactly when the status is DNS_FOUND. */
size_t dns_answer_count(const struct dns_answer *answer);

/* Record number i of A (32 bits) and AAAA (128 bits always: an IPv4-mapped address stays what it
 * is, so that it equals no client's). */
const struct netaddr *dns_answer_address(const struct dns_answer *answer, size_t i);

/*
 * Record number i of PTR, MX and TXT.  Names are folded (dns_name.h), and empty when they are no
 * names that can be asked about; a TXT record has any bytes, and is
 * there only as far as SPF needs it (dns_packet.h).
 */
struct span dns_answer_text(const struct dns_answer *answer, size_t i);

/* What it takes in memory, in bytes. */
size_t dns_answer_size_bytes(const struct dns_answer *answer);

/* One holder more; returns answer. */
const struct dns_answer *dns_answer_hold(const struct dns_answer *answer);

/* One holder less; the last one frees it. */
void dns_answer_release(const struct dns_answer **answer);
