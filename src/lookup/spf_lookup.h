/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions of one run of an SPF evaluation, and the client's own names.
 *
 * The first answer that is missing ends the run; until then the table is asked ahead too, so that
 * questions go out together.
 */
#pragma once

#include "base/netaddr.h"
#include "dns_table.h"

#include <stdbool.h>
#include <stddef.h>

/* MX hosts, and names of the client, that are looked at (RFC 7208 4.6.4). */
enum { SPF_HOSTS_MAX = 10, SPF_NAMES_MAX = 10 };

struct spf_lookup {
	struct dns_table *table; /* borrowed */
	struct netaddr client;
	bool is_waiting;  /* an answer is missing: the run is over */
	size_t waits_for; /* its row */
	/* DNS could not tell of the client's names, or there were more than are looked at: a name
	 * that was not found may be there (struct spf_evidence). */
	bool is_doubtful;
};

/* The type of the client's own addresses. */
enum dns_type spf_lookup_address_type(const struct spf_lookup *lookup);

/* The answer; NULL: it is missing.  name is folded, or empty for none. */
const struct dns_answer *spf_lookup_ask(struct spf_lookup *lookup, enum dns_type type,
					const char *name);

/* Ask ahead of being needed; NULL: not known yet, or enough was asked ahead (SPF_PREFETCH_MAX). */
const struct dns_answer *spf_lookup_ask_ahead(struct spf_lookup *lookup, enum dns_type type,
					      struct span name);

/* The same about the addresses of the names in answer (MX, PTR; NULL: not known yet) that are
 * within domain; empty: of all. */
void spf_lookup_ask_names_ahead(struct spf_lookup *lookup, const struct dns_answer *answer,
				struct span domain);

/* The client's PTR records; NULL: missing, or, ahead, as above. */
const struct dns_answer *spf_lookup_client(struct spf_lookup *lookup);
const struct dns_answer *spf_lookup_client_ahead(struct spf_lookup *lookup);

/*
 * Whether one of the client's names leads back to it and is within domain (RFC 7208 5.5: an error
 * is a "no", but makes is_doubtful).  Look at is_waiting if false.
 */
bool spf_lookup_is_within(struct spf_lookup *lookup, const struct dns_answer *names,
			  struct span domain);

/* %{p} in a record of domain (RFC 7208 7.3): borrowed from the answer, or "unknown".  False: an
 * answer is missing. */
bool spf_lookup_validated(struct spf_lookup *lookup, struct span domain, struct span *validated);
