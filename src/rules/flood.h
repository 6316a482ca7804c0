/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * max_new_per_client: a network that brings more new triplets in a day than the cap is deferred
 * like everybody new, but what it brings is not stored any more.
 *
 * One IPv6 customer has 2^64 addresses, and one /32 has 2^32 such customers, so that the counting
 * goes by /64, /48 (ten times the cap) and /32 (a hundred times), and for IPv4 by /24.  Memory is
 * fixed: the networks that bring most are counted and the rest is forgotten (Misra and Gries,
 * "Finding repeated elements", 1982), in such a way that a count is never more than the truth:
 * nobody is taken for a flood who is none.
 */
#pragma once

#include "base/netaddr.h"

#include <stdbool.h>
#include <stdint.h>

struct flood;

struct flood *flood_new(void);

/* Whether a network of addr has reached cap within the current day; cap 0: never.  Asking changes
 * nothing. */
bool flood_is_over(const struct flood *flood, const struct netaddr *addr, int64_t cap,
		   int64_t now_s);

/* Count one triplet of which something new was stored for addr: also a known one from another
 * network. */
void flood_count(struct flood *flood, const struct netaddr *addr, int64_t now_s);

void flood_free(struct flood **flood);
