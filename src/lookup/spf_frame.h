/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of one evaluation, and the numbers that stand for their terms.
 *
 * Each term of a record that libspf2 is to see becomes a node, and its number the name that libspf2
 * knows it by.  A record becomes a frame when it is reached; the text that is made of it has one
 * short term for each of its nodes: "v=spf1 +mx:1.spf ~include:2.spf -exists:3.spf".  What needs no
 * DNS was decided before (spf_record_reduce()): of ip4, ip6 and all is there only the one that the
 * client matches, and becomes an exists that is true.
 */
#pragma once

#include "dns_name.h"
#include "spf_library.h"
#include "spf_record.h"

#include <stdbool.h>
#include <stddef.h>

enum spf_node_kind {
	SPF_NODE_RECORD, /* the domain that is checked; include; redirect */
	SPF_NODE_ADDRESS,
	SPF_NODE_MX,
	SPF_NODE_HOST, /* a host of the MX term whose number was taken last */
	SPF_NODE_EXISTS,
	SPF_NODE_PTR,
	SPF_NODE_MATCH, /* ip4, ip6 or all, and it matches */
};

struct spf_node {
	enum spf_node_kind kind;
	size_t frame;                /* whose record the term is in */
	const struct spf_term *term; /* borrowed from that frame; NULL: redirect, or node 0 */
	struct span name;            /* borrowed; a domain-spec, or the name of a host; may be
				      * empty for a term, which then is about its frame's domain */
	bool has_macros;
};

struct spf_frame {
	char domain[DNS_NAME_SIZE];
	const struct spf_record *record; /* borrowed; outlives the run */
	size_t node;                     /* that led here */
	size_t first_node, end_node;     /* those of its terms */
};

/* A record as libspf2 gets it; "-include:12345.spf " and "+mx:12345.spf//128 " are the longest
 * terms. */
enum {
	SPF_FRAME_TEXT_SIZE =
		sizeof("v=spf1") + SPF_LIBRARY_TERMS_MAX * sizeof(" +mx:12345.spf//128")
};

struct spf_frames {
	struct spf_node *nodes; /* owned; by number; 0 is the domain that is checked */
	size_t node_count, node_size;
	struct spf_frame *frames; /* owned; in the order in which they were reached */
	size_t count, size;
	char text[SPF_FRAME_TEXT_SIZE]; /* of the last one */
};

/* Empty frames, but keep their memory; then there is node 0 alone. */
void spf_frames_reset(struct spf_frames *frames);

/* One more node; its number.  Pointers to nodes are good until then. */
size_t spf_frames_add_node(struct spf_frames *frames, const struct spf_node *node);

/*
 * The frame of domain that node leads to, and whose record is borrowed, reduced for client.  At
 * most max_terms terms are used, which may not be more than SPF_LIBRARY_TERMS_MAX.  The frame,
 * until the next one is added; its text is in frames->text.
 */
const struct spf_frame *spf_frames_add(struct spf_frames *frames, size_t node, const char *domain,
				       const struct spf_record *record,
				       const struct netaddr *client, size_t max_terms);

/* A term as its domain wrote it. */
size_t spf_frames_write_term(const struct spf_frames *frames, size_t node, char *out, size_t size);

void spf_frames_clear(struct spf_frames *frames);
