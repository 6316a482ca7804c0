/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words and sentences of an explanation, for a mail admin: they name the settings by their
 * names, so that they can be changed.
 */
#pragma once

#include "explanation.h"

/* Room for any of the sentences, with the longest names in it. */
enum { EXPLANATION_WORDS_SIZE = 1024 };

/* "ok", "reject" ... */
const char *explanation_words_access(enum access_action action);

/* Whether the OK of sender_access counts, and why (sender_access_requires); returns out. */
const char *explanation_words_requirement(const struct explanation *explanation,
					  char out[static EXPLANATION_WORDS_SIZE]);

const char *explanation_words_dns(enum dns_status status);

/* The result of iprev, or why it was not asked; returns out. */
const char *explanation_words_iprev(const struct explanation *explanation,
				    char out[static EXPLANATION_WORDS_SIZE]);

/* The result of SPF, or why it was not asked; returns out. */
const char *explanation_words_spf(const struct explanation *explanation,
				  char out[static EXPLANATION_WORDS_SIZE]);

/* "ipv4" or "ipv6", as gate_families has it. */
const char *explanation_words_family(const struct netaddr *client);

/* "new", "early" ... */
const char *explanation_words_outcome(enum greylist_outcome outcome);
