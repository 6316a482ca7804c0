/* SPDX-License-Identifier: BSD-2-Clause */
#include "privacy.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PRIVACY_KEY_SIZE = 32,
	PRIVACY_KEY_TEXT = 2 * PRIVACY_KEY_SIZE, /* hexadecimal, as it stands in the file */
	PRIVACY_HASH_SIZE = 12,
};

_Static_assert(PRIVACY_HASH_SIZE * 2 + 2 + 1 == PRIVACY_TEXT_SIZE, "\"h:\" and the hash");
_Static_assert(PRIVACY_KEY_SIZE == crypto_generichash_KEYBYTES, "BLAKE2b's usual key");

struct privacy {
	uint8_t key[PRIVACY_KEY_SIZE];
};

static bool privacy_make_file(const char *path, struct diag *diag)
{
	uint8_t key[PRIVACY_KEY_SIZE];
	char text[PRIVACY_KEY_TEXT + 2];
	bool made = false;

	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		diag_error(diag, path, 0, "privacy_key: cannot make the file: %s", strerror(errno));
		return false;
	}
	hash_random(key, sizeof(key));
	sodium_bin2hex(text, sizeof(text), key, sizeof(key));
	text[PRIVACY_KEY_TEXT] = '\n';
	/* Synced: after a power cut an empty key file would make strangers of all known senders. */
	made = write(fd, text, PRIVACY_KEY_TEXT + 1) == PRIVACY_KEY_TEXT + 1 && fsync(fd) == 0;
	if (!made) {
		diag_error(diag, path, 0, "privacy_key: cannot write the key: %s", strerror(errno));
		unlink(path);
	}
	close(fd);
	return made;
}

static bool privacy_read_key(struct privacy *privacy, struct text_file *file, struct diag *diag)
{
	struct span line;
	unsigned number;
	size_t length = 0;

	bool valid = text_file_next(file, &line, &number) && line.length == PRIVACY_KEY_TEXT &&
		     sodium_hex2bin(privacy->key, sizeof(privacy->key), line.text, line.length,
				    NULL, &length, NULL) == 0 &&
		     length == PRIVACY_KEY_SIZE;
	if (!valid)
		diag_error(diag, file->name, number, "privacy_key: expected %d hexadecimal digits",
			   PRIVACY_KEY_TEXT);
	return valid;
}

struct privacy *privacy_open(const char *path, struct diag *diag)
{
	struct privacy *privacy = mem_alloc(sizeof(*privacy));
	struct text_file file;
	bool opened = false;

	enum text_file_status status = text_file_read(&file, path, diag);
	if (status == TEXT_FILE_MISSING && privacy_make_file(path, diag)) {
		text_file_clear(&file);
		status = text_file_read(&file, path, diag);
	}
	if (status == TEXT_FILE_READ)
		opened = privacy_read_key(privacy, &file, diag);
	text_file_clear(&file);
	if (!opened)
		privacy_free(&privacy);
	return privacy;
}

void privacy_hash(const struct privacy *privacy, struct span text,
		  char out[static PRIVACY_TEXT_SIZE])
{
	uint8_t hash[crypto_generichash_BYTES_MIN];
	_Static_assert(PRIVACY_HASH_SIZE <= crypto_generichash_BYTES_MIN,
		       "the hash is cut to size");

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text.text, text.length,
			   privacy->key, sizeof(privacy->key));
	out[0] = 'h';
	out[1] = ':';
	sodium_bin2hex(out + 2, PRIVACY_TEXT_SIZE - 2, hash, PRIVACY_HASH_SIZE);
}

void privacy_free(struct privacy **privacy)
{
	if (*privacy == NULL)
		return;
	sodium_memzero((*privacy)->key, sizeof((*privacy)->key));
	free(*privacy);
	*privacy = NULL;
}
