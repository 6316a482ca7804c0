/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domain names as text: labels between dots, no escapes.
 *
 * Names come from strangers (HELO, senders, SPF records, answers).  A name that DNS could not
 * carry, or that would need an escape ("\", a NUL), is no name: nothing is asked about it.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest name as text, without a dot at its end, and a NUL (RFC 1035 2.3.4). */
enum { DNS_NAME_SIZE = 253 + 1 };

/*
 * Copy text to name in lower case, without the dot at its end.  False, and name empty, when it is
 * none: empty, longer than 253 bytes, a label that is empty or longer than 63, a byte that is a
 * backslash or not printable ASCII.
 */
bool dns_name_fold(struct span text, char name[static DNS_NAME_SIZE]);

/*
 * The same for a name that is only asked about: a blank is a byte like others there, as "%_" of SPF
 * makes one (RFC 7208 7.1).  Nowhere else: names with blanks are not for log lines and headers.
 */
bool dns_name_fold_question(struct span text, char name[static DNS_NAME_SIZE]);

/* The name under which the PTR records of addr are: in-addr.arpa or ip6.arpa. */
void dns_name_of_address(const struct netaddr *addr, char name[static DNS_NAME_SIZE]);

/* Whether name is domain or below it; both folded. */
bool dns_name_is_within(struct span name, struct span domain);
