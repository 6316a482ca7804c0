/* SPDX-License-Identifier: BSD-2-Clause */
#include "hash.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(HASH_KEY_SIZE == crypto_shorthash_KEYBYTES, "SipHash takes a key of 16 bytes");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "and gives 8");

static uint8_t hash_process_key[HASH_KEY_SIZE];

void hash_init(void)
{
	int status = sodium_init();
	assert(status >= 0);
	randombytes_buf(hash_process_key, sizeof(hash_process_key));
}

uint64_t hash_text_keyed(struct span text, const uint8_t key[static HASH_KEY_SIZE])
{
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text.text, text.length,
			 key);
	return hash;
}

uint64_t hash_text(struct span text)
{
	return hash_text_keyed(text, hash_process_key);
}

void hash_random(void *bytes, size_t size)
{
	randombytes_buf(bytes, size);
}
