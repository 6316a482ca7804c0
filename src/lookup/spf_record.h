/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPF records as published: the one among a domain's TXT records (RFC 7208 4.5), and its terms
 * by the grammar of RFC 7208 section 12, exactly: whatever deviates is a syntax error.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "dns_answer.h"

#include <stdbool.h>
#include <stddef.h>

enum spf_mechanism {
	SPF_MECHANISM_ALL,
	SPF_MECHANISM_INCLUDE,
	SPF_MECHANISM_A,
	SPF_MECHANISM_MX,
	SPF_MECHANISM_PTR,
	SPF_MECHANISM_IP4,
	SPF_MECHANISM_IP6,
	SPF_MECHANISM_EXISTS,
	SPF_MECHANISM_COUNT,
};

/* One directive.  Spans are borrowed from the record's text. */
struct spf_term {
	enum spf_mechanism mechanism;
	char qualifier;     /* "+", "-", "~" or "?" */
	struct span text;   /* all of it, as written */
	struct span domain; /* a domain-spec as written, macros and all; empty when there is none */
	bool has_macros;    /* domain has one; "%%", "%_" and "%-" count */
	struct network network;       /* SPF_MECHANISM_IP4, SPF_MECHANISM_IP6 */
	uint8_t prefix_v4, prefix_v6; /* SPF_MECHANISM_A, SPF_MECHANISM_MX: 0 to 32, 0 to 128 */
};

struct spf_record {
	struct spf_term *terms; /* owned; in order, without modifiers */
	size_t count;
	struct span redirect; /* the domain-spec; empty when there is none */
	bool redirect_has_macros;
};

/*
 * The longest record that is read, in bytes.  RFC 7208 3.4 wants the whole answer to fit into 512
 * bytes, and the largest records that are in use have some 4 KB.  One of 64 KB would take most of a
 * millisecond, again in each run of the evaluation, while nobody else is served.
 */
enum { SPF_RECORD_MAX = 16384 };

/* The longest term that is read, in bytes: twice what a name has room for.  Macros that stand for
 * little, "%{l1-}" again and again, would make each run expand thousands of them for each term. */
enum { SPF_TERM_MAX = 512 };

enum spf_record_status {
	SPF_RECORD_FOUND,
	SPF_RECORD_NONE,      /* no SPF record among the TXT records */
	SPF_RECORD_SEVERAL,   /* more than one: permerror (RFC 7208 4.5) */
	SPF_RECORD_LONG,      /* longer than SPF_RECORD_MAX: permerror */
	SPF_RECORD_LONG_TERM, /* has a term longer than SPF_TERM_MAX: permerror */
	SPF_RECORD_INVALID,   /* a syntax error: permerror */
};

/* Whether a TXT record is an SPF record, by its version (RFC 7208 4.5). */
bool spf_record_has_version(struct span text);

/*
 * The SPF record in answer (DNS_FOUND, of type TXT), which the record borrows from.  *problem (a
 * span of the text, or empty) is the term that is wrong, for SPF_RECORD_LONG_TERM and
 * SPF_RECORD_INVALID.  The caller clears record in any case.
 */
enum spf_record_status spf_record_parse(struct spf_record *record, const struct dns_answer *answer,
					struct span *problem);

/*
 * Drop the terms that do not matter to a client: ip4 and ip6 that it is not in, what stands behind
 * the first one that it is in, or behind all, and what stands behind max_lookups terms that ask
 * DNS. What is left is small, however long the record is.
 */
void spf_record_reduce(struct spf_record *record, const struct netaddr *client, size_t max_lookups);

void spf_record_clear(struct spf_record *record);
