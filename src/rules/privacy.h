/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privacy = yes: keyed hashes in place of addresses and host names, in the store and in the log.
 *
 * The same address gives the same hash, so that greylisting works and log lines can be followed;
 * who has only the database or the log cannot tell whose it is without the key.
 */
#pragma once

#include "base/diag.h"
#include "base/span.h"

#include <stddef.h>

struct privacy;

enum { PRIVACY_TEXT_SIZE = 2 + 2 * 12 + 1 }; /* "h:", 96 bits in hexadecimal, NUL */

/*
 * Read the key from path, or make the file (mode 0600) with a new one when it is missing.  NULL,
 * and what is wrong added to diag, when that is not possible.
 */
struct privacy *privacy_open(const char *path, struct diag *diag);

/* BLAKE2b of text under the key. */
void privacy_hash(const struct privacy *privacy, struct span text,
		  char out[static PRIVACY_TEXT_SIZE]);

void privacy_free(struct privacy **privacy);
