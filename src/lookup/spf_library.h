/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libspf2, as far as it is used: check_host()'s order of things, qualifiers, include and redirect,
 * addresses and prefixes.  The only module that includes its headers.
 *
 * It sees no byte that a stranger wrote.  The names in the records it is given are numbers, which
 * the caller of spf_library_run() hands out: "7.spf" is number 7, and 0 the domain that is checked.
 * Answers are numbers too, and addresses.
 *
 * Seen with libspf2 1.2.10, whose faults are the reason for all this: CVE-2023-42118 is open in
 * Debian 12, and a third of the RFC 7208 test suite's results are wrong.
 */
#pragma once

#include "base/netaddr.h"
#include "dns_answer.h"
#include "rules/evidence.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	SPF_LIBRARY_DEPTH_MAX = 20, /* includes and redirects inside each other */
	/* Its compiled form of a record has at most 511 bytes, and what is behind is dropped
	 * without a word.  A term takes at most 24: two headers, a prefix, "12345.spf". */
	SPF_LIBRARY_TERMS_MAX = 511 / 24,
};

struct spf_library;

/* What there is at a number's name; all zeros: no such name. */
struct spf_library_reply {
	bool is_failed;                     /* could not tell; nothing else counts then */
	const char *record;                 /* DNS_TXT: borrowed until the next lookup, or NULL */
	const struct dns_answer *addresses; /* borrowed until the run ends, or NULL */
	struct network network;             /* that an address has to be in to match */
	bool has_client;       /* one address more, the client's own (of DNS_A: just any) */
	unsigned first_number; /* DNS_MX: the hosts, by number */
	size_t host_count;
};

/* Answer a lookup; never DNS_PTR.  *reply is zeros. */
typedef void spf_library_lookup_fn(unsigned number, enum dns_type type,
				   struct spf_library_reply *reply, void *arg);

struct spf_library *spf_library_new(void);

/*
 * Run check_host() for client.  A lookup that fails ends it soon, with whatever result.
 * *is_default: the end of the record was reached, and no term matched.
 */
enum spf_result spf_library_run(struct spf_library *library, const struct netaddr *client,
				spf_library_lookup_fn *lookup, void *arg, bool *is_default);

void spf_library_free(struct spf_library **library);
