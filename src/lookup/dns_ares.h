/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to real name servers: c-ares, on our event loop.
 *
 * It retries, fails over to the next server and to TCP, and follows a CNAME that a server leaves to
 * the asker.  How many questions may be out is its caller's affair; c-ares tells them apart by 16
 * bits, and looks for a free number for ever when there is none.
 */
#pragma once

#include "dns_transport.h"

#include <stdint.h>

enum {
	DNS_ARES_SERVERS_MAX = 8, /* of those in servers; what is beyond is not used */
	DNS_ARES_CNAMES_MAX = 8,  /* questions more, when a server does not follow CNAMEs */
};

/*
 * A transport to servers: "ADDR", "ADDR:PORT" or "[ADDR]:PORT", separated by blanks or commas, with
 * no port behind an IPv6 address without brackets.  Empty: those that the file resolv_conf names.
 * All tries for a question are over after about timeout_ms; a lost packet is sent again after a
 * quarter of that.
 */
struct dns_transport *dns_ares_new(struct event_base *base, const char *servers,
				   const char *resolv_conf, int64_t timeout_ms);
