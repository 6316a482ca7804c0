/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS for tests: a transport (lookup/dns_transport.h) that answers from a table of records.
 *
 * The table is text, a record a line; "#" begins a comment:
 *
 *     mail.example           A      192.0.2.1
 *     mail.example   60      AAAA   2001:db8::1       (60: the TTL; 300 where none is given)
 *     1.2.0.192.in-addr.arpa PTR    mail.example
 *     example                MX     10 mail.example
 *     example                TXT    v=spf1 mx -all    (all up to the end of the line)
 *     www.example            CNAME  mail.example
 *     *.dyn.example          A      192.0.2.9
 *     down.example           A      @servfail         (could not tell)
 *     slow.example           ANY    @never            (no answer; ANY: to no question)
 *     gone.example           ANY    @nxdomain
 *
 * A name that is not there is DNS_NO_NAME, kept for 60 seconds.
 */
#pragma once

#include "lookup/dns_transport.h"

#include <stdbool.h>
#include <stddef.h>

struct zone;

/* A text that is wrong ends the process.  Freed by whoever owns the transport. */
struct zone *zone_new(struct event_base *base, const char *text);

/* For dns_new_over(). */
struct dns_transport *zone_transport(struct zone *zone);

/* Another table.  Questions that had no answer so far (@never) are looked up in it, and answered
 * inside this call. */
void zone_set(struct zone *zone, const char *text);

/* Answer from the loop from now on, in the order of the questions, and not inside ask(). */
void zone_answer_later(struct zone *zone);

/* How often something was asked; that of one type and name (folded). */
size_t zone_questions(const struct zone *zone);
size_t zone_questions_about(const struct zone *zone, enum dns_type type, const char *name);

/* Questions without an answer so far. */
size_t zone_outstanding(const struct zone *zone);
