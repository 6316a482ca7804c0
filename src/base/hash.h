/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keyed hashes (libsodium).  Strangers choose what is hashed here, so that every table is keyed
 * with a secret: nobody can aim at one slot.
 */
#pragma once

#include "span.h"

#include <stddef.h>
#include <stdint.h>

enum { HASH_KEY_SIZE = 16 };

/* Make the library ready and draw this process's own key; call it once, first thing. */
void hash_init(void);

/* SipHash-2-4 of text under this process's own key: for tables in memory. */
uint64_t hash_text(struct span text);

/* The same under a key of the caller's: for what is stored. */
uint64_t hash_text_keyed(struct span text, const uint8_t key[static HASH_KEY_SIZE]);

/* size bytes that nobody can guess. */
void hash_random(void *bytes, size_t size);
