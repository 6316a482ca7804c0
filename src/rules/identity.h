/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is the client?  Always its network; and what it can prove beyond that: the farm it belongs
 * to, and the sender's domain, when SPF says that it sends for it.
 *
 * What greylisting learns is stored under every identity, and a sender passes when it passes under
 * any of them: so does a retry from elsewhere in the farm, and one from the same network while DNS
 * has a bad moment and proves nothing.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "farm.h"

#include <stddef.h>

enum {
	IDENTITY_MAX = 3,         /* network, farm, the sender's domain */
	IDENTITY_TEXT_SIZE = 300, /* "farm:" name "/" domain (255), and NUL */
};

struct identity {
	/* What triplets are stored under: "2001:db8::/64", "192.0.2.0/24", "farm:google",
	 * "domain:example.org". */
	char key[IDENTITY_TEXT_SIZE];
	/*
	 * What becomes a known client under this identity, or empty for nothing.  For a farm that
	 * is the farm and the sender's domain together: its customers are strangers to each other.
	 * For the same reason the network of a farm's host never becomes known.
	 */
	char client[IDENTITY_TEXT_SIZE];
};

struct identities {
	struct identity list[IDENTITY_MAX];
	size_t count;
};

/*
 * The network that a client counts as: of prefix_v4 or prefix_v6 bits; a 6to4 address counts as the
 * IPv4 address inside it.
 */
struct network identity_network(const struct netaddr *addr, unsigned prefix_v4, unsigned prefix_v6);

/* The identities of a client in network and perhaps (not NULL) in farm.  sender is its MAIL FROM.
 */
void identities_collect(struct identities *who, const struct network *network,
			const struct farm *farm, struct span sender);

/*
 * What SPF proved: the client is one of domain's own hosts.  domain is lower case.  The identity is
 * "domain:example.org", also as a known client.
 */
void identities_add_domain(struct identities *who, const char *domain);

/* The one that says most: a farm, else a domain, else the network. */
const struct identity *identities_strongest(const struct identities *who);
