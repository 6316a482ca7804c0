/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is all of DNS silent, or only the name servers of some domain?  Told from what was asked anyway;
 * no clock of its own: now_ms is monotonic.
 *
 * Anybody can let one domain's servers be silent.  So it takes several domains, ten seconds without
 * a single answer, and no long pause in which nobody asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { DNS_SILENCE_DOMAINS = 3 };

/* Zeros: nothing has failed. */
struct dns_silence {
	int64_t failing_ms, failed_ms; /* of the first and last failure without an answer between;
					* 0: none */
	uint64_t domains[DNS_SILENCE_DOMAINS]; /* hashes of those that failed, each once */
	unsigned domain_count;
	bool is_silent;
};

/* A question about name (folded) has failed.  True: this makes DNS silent, which it was not. */
bool dns_silence_note_failure(struct dns_silence *silence, const char *name, int64_t now_ms);

/* A question was answered.  True: DNS was silent until now. */
bool dns_silence_note_answer(struct dns_silence *silence);
