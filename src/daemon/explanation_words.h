/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words and sentences of an explanation, for a mail admin: they name the settings by their
 * names, so that they can be changed.
 */
#pragma once

#include "explanation.h"

/* "ok", "reject" ... */
const char *explanation_words_access(enum access_action action);

/* Whether the OK of sender_access counts, and why (sender_access_requires). */
const char *explanation_words_requirement(const struct explanation *explanation);

const char *explanation_words_dns(enum dns_status status);

/* was_asked: DNS, by us. */
const char *explanation_words_iprev(const struct iprev_evidence *iprev, bool was_asked);

/* "new", "early" ... */
const char *explanation_words_outcome(enum greylist_outcome outcome);
