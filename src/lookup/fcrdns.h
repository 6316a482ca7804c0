/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward-confirmed reverse DNS (RFC 8601 2.7.3, iprev): the names of an address, and which of them
 * leads back to it.
 *
 * At most ten names are looked at, all at once; the first that leads back is enough.  "Could not
 * tell" wins over "no": as long as one of the names might lead back, nothing is certain.  That goes
 * for names beyond the tenth as well: resolvers hand out records in changing order, so that which
 * ten are looked at is chance.
 */
#pragma once

#include "base/netaddr.h"
#include "dns_answer.h"
#include "rules/evidence.h"

struct dns;
struct fcrdns;

enum { FCRDNS_NAMES_MAX = 10, FCRDNS_ADDRESSES_SHOWN = 10 };

/* One of the names, and what DNS says of it. */
struct fcrdns_name_report {
	char name[EVIDENCE_NAME_SIZE];
	bool is_answered; /* false: it was not waited for, as another name led back, or in vain */
	enum dns_status status;
	bool leads_back;
	struct netaddr addresses[FCRDNS_ADDRESSES_SHOWN];
	size_t address_count; /* of those shown */
	bool has_more;        /* than are shown */
};

/* All that was looked at, for people who ask why.  A plain value. */
struct fcrdns_report {
	bool ptr_is_answered;
	enum dns_status ptr_status; /* once it is answered */
	struct fcrdns_name_report names[FCRDNS_NAMES_MAX];
	size_t name_count;
	bool has_more_names; /* than are looked at */
};

/* Never IPREV_NOT_ASKED.  evidence dies when the function returns; the answers that it rests on are
 * good until good_until_ms (monotonic). */
typedef void fcrdns_done_fn(const struct iprev_evidence *evidence, int64_t good_until_ms,
			    void *arg);

/*
 * Look up.  done() runs exactly once, from the event loop, never from inside this call, and fcrdns
 * is gone then; after fcrdns_cancel() it never runs.  There is no deadline of its own.  *report
 * (borrowed, zeroed by the caller; NULL: not wanted) is filled in as answers come, also when it is
 * cancelled.
 */
struct fcrdns *fcrdns_start(struct dns *dns, const struct netaddr *addr,
			    struct fcrdns_report *report, fcrdns_done_fn *done, void *arg);

void fcrdns_cancel(struct fcrdns **fcrdns);
