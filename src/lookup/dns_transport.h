/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How questions get to a name server and answers back: the seam between dns.c, which shares, keeps
 * and bounds, and c-ares (dns_ares.c).  Tests put a table of records there.
 */
#pragma once

#include "dns_answer.h"

struct dns_transport;
struct event_base;

/*
 * Takes the answer to one question; the callee holds it if it wants it longer.  asked is what the
 * transport's ask() was given.  May run inside ask() and free().
 */
typedef void dns_transport_done_fn(const struct dns_answer *answer, void *asked);

struct dns_transport_class {
	/* Ask; done(answer, asked) runs exactly once, sooner or later, DNS_FAILED included.  name
	 * (folded) is borrowed until then or until ask() returns, whichever is first. */
	void (*ask)(struct dns_transport *transport, enum dns_type type, const char *name,
		    dns_transport_done_fn *done, void *asked);
	/* Every question that is out is answered with DNS_FAILED first.  Not from inside done(). */
	void (*free)(struct dns_transport *transport);
};

/* Its own struct begins with this. */
struct dns_transport {
	const struct dns_transport_class *class;
};
