/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The macros of SPF records (RFC 7208 section 7): their syntax, and the names they expand to.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "dns_name.h"

#include <stdbool.h>
#include <stddef.h>

/* A macro-string taken apart: one macro, or bytes that stand for themselves. */
struct spf_macro_piece {
	struct span literal; /* what it stands for; of no meaning when there is a letter */
	char letter;         /* lower case; '\0': a literal */
	bool is_url_escaped; /* the letter is upper case */
	bool is_expand;      /* a macro, or "%%", "%_", "%-" */
	bool is_reversed;    /* "r" */
	unsigned keep;       /* so many parts from the right; 0: all */
	char delimiters[8];  /* a string: the set of those between parts */
};

/*
 * Take the next piece off *rest, which is not empty, and shorter then.  False: a syntax error; the
 * letters "c", "r" and "t", which are for explanations, are none.
 */
bool spf_macro_next(struct span *rest, struct spf_macro_piece *piece);

/* Whether the macro-string spec, which has no syntax error, uses the macro letter (lower case). */
bool spf_macro_uses(struct span spec, char letter);

/* What the macros stand for.  Spans are borrowed. */
struct spf_macro_values {
	struct netaddr client;     /* %{i}, %{v} */
	struct span sender;        /* %{s}: local part, "@" and domain */
	struct span local_part;    /* %{l} */
	struct span sender_domain; /* %{o} */
	struct span domain;        /* %{d}: the one whose record this is */
	struct span helo;          /* %{h} */
	struct span validated;     /* %{p}: a validated name of the client's, or "unknown" */
};

/*
 * The name that the domain-spec spec, which has no syntax error, stands for, folded.  What is
 * longer than a name loses labels at its left (RFC 7208 7.3).  False, and name empty: it is none
 * that can be asked about (dns_name_fold_question()).  Takes time in proportion to the length of
 * spec and of a name, however long the values are.
 */
bool spf_macro_expand(struct span spec, const struct spf_macro_values *values,
		      char name[static DNS_NAME_SIZE]);
