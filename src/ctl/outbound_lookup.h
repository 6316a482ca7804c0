/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What DNS says of our own addresses, of the sender's domain and of the name in HELO: all asked at
 * once, on an event loop of its own, under one deadline.
 */
#pragma once

#include "base/netaddr.h"
#include "lookup/fcrdns.h"
#include "lookup/spf_evaluate.h"

#include <stdbool.h>
#include <stddef.h>

enum { OUTBOUND_LOOKUP_S = 30 /* for all of it */ };

/* Borrowed. */
struct outbound_question {
	const char *sender;  /* user@domain */
	const char *helo;    /* any text; looked up if it is a full name */
	const char *servers; /* as in dns_servers; empty: those of resolv.conf */
	const struct netaddr *addresses;
	size_t address_count;
};

/* Of one address.  Results that did not come in time are "not asked". */
struct outbound_address_answer {
	struct fcrdns_report report;
	struct iprev_evidence iprev;
	struct spf_outcome spf;
	struct spf_outcome helo_spf;
};

/* The addresses of a name over one family. */
struct outbound_name_answer {
	enum dns_status status;
	struct netaddr *addresses; /* owned */
	size_t count;
};

struct outbound_answers {
	struct outbound_address_answer *addresses; /* owned; as many as were asked about */
	char domain[EVIDENCE_NAME_SIZE];           /* the sender's, as DNS knows it */
	enum dns_status domain_status;             /* of its TXT records */
	char *spf_record; /* owned; its SPF record, or empty when there is none, or not one */
	struct outbound_name_answer helo_v4, helo_v6; /* DNS_FAILED for what is no full name */
};

/* Blocks until all is known, or the deadline.  The caller clears answers. */
void outbound_look_up(const struct outbound_question *question, struct outbound_answers *answers);

void outbound_answers_clear(struct outbound_answers *answers);
