/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS where everybody is hostile: answers that are a text.
 *
 * Each new question takes the next line, in turn; when the last one is taken, the first comes
 * again.  A line is records with \1 between them, or of one character: "!" could not tell, "-" no
 * such name, "=" no data.  A record of addresses is the bytes of an address, or "c", the client's;
 * of a host or a client's name, the name.  Who asks again hears the same.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "lookup/dns_answer.h"
#include "lookup/dns_transport.h"

/* From now on answers come from text (borrowed; empty: "-"), and those that were given are
 * forgotten. */
void answers_begin(struct span text, const struct netaddr *client);

/* The answer to a question, which lives up to the next answers_begin() or answers_end().  More than
 * ANSWERS_MAX different questions are a failed assertion. */
const struct dns_answer *answers_get(enum dns_type type, const char *name);

/* Free those that were given. */
void answers_end(void);

enum { ANSWERS_MAX = 2048 };

/* For dns_new_over(): answers inside ask(). */
struct dns_transport *answers_transport_new(void);
