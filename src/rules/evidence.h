/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DNS says of a client and its sender: the results of iprev (RFC 8601 2.7.3) and of SPF
 * (RFC 7208 2.6), as values.  Who finds them out is src/lookup; what they mean to the mail is
 * decided in gate.c.
 */
#pragma once

#include <stdbool.h>

enum iprev_result {
	IPREV_NOT_ASKED,
	IPREV_PASS,
	IPREV_FAIL,      /* it has names, and none of them leads back to the address */
	IPREV_PERMERROR, /* it has no name: no PTR record */
	IPREV_TEMPERROR, /* could not tell now */
	IPREV_RESULT_COUNT,
};

enum spf_result {
	SPF_NOT_ASKED,
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_RESULT_COUNT,
};

/* The longest host or domain name as text (RFC 1035 2.3.4), and its NUL. */
enum { EVIDENCE_NAME_SIZE = 253 + 1 };

struct iprev_evidence {
	enum iprev_result result;
	/* IPREV_PASS: the name that leads back; IPREV_FAIL: the first of its names, empty when none
	 * is a valid one; else empty. */
	char name[EVIDENCE_NAME_SIZE];
};

struct spf_evidence {
	enum spf_result result;
	bool is_helo; /* the null sender: postmaster@HELO was checked (RFC 7208 2.4) */
	/*
	 * SPF_PASS through something narrower than "all", a /8 or an IPv6 /16: so that the client
	 * is one of the domain's own hosts, and not just anybody.
	 */
	bool is_narrow;
	/*
	 * SPF_FAIL or SPF_SOFTFAIL that may rest on what DNS could not tell: RFC 7208 5.5 and 7.3
	 * take a client's name that cannot be looked up now for one that does not match, and of
	 * more than ten names the ten that come first are chance.  The result is the RFC's; but
	 * it is no evidence against the client for good.
	 */
	bool is_doubtful;
	char domain[EVIDENCE_NAME_SIZE]; /* what was checked, lower case; empty when there is none
					  */
};

struct evidence {
	struct iprev_evidence iprev;
	struct spf_evidence spf;
};

/* The results' names in RFC 8601's registry: "pass", "permerror" ...; "" for not asked. */
const char *iprev_result_word(enum iprev_result result);
const char *spf_result_word(enum spf_result result);
