/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Authentication-Results header (RFC 8601): what was found out about the client and its sender,
 * for those who read the message later.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "evidence.h"

#include <stdbool.h>
#include <stdint.h>

/* Our name and a domain, each of 253 bytes that all need a backslash, and the rest. */
enum { AUTH_RESULTS_SIZE = 1280 };

/*
 * Write the header, "Authentication-Results: host; iprev=pass ...", as one line.  authserv_id is
 * our own name; delay_s is how long greylisting made the mail wait, 0: it did not.  False, when
 * there is nothing to tell, and out is empty.
 */
bool auth_results_format(char out[static AUTH_RESULTS_SIZE], struct span authserv_id,
			 const struct netaddr *client, const struct evidence *evidence,
			 int64_t delay_s);
