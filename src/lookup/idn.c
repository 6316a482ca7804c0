/* SPDX-License-Identifier: BSD-2-Clause */
#include "idn.h"

#include "base/memory.h"

#include <idn2.h>

/* An A-label has a byte at least for each of its characters, which have four at most: what is
 * longer could become a name only by characters that are left out or joined. */
enum { IDN_TEXT_MAX = 4 * (DNS_NAME_SIZE - 1) };

static bool idn_is_ascii(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.text[i] >= 0x80)
			return false;
	return true;
}

bool idn_fold(struct span text, char name[static DNS_NAME_SIZE])
{
	char copy[IDN_TEXT_MAX + 1], *converted = NULL;

	/* Names in ASCII stay what they are, whatever IDNA thinks of them ("a--b", "xn--"). */
	if (idn_is_ascii(text))
		return dns_name_fold(text, name);
	name[0] = '\0';
	if (text.length > IDN_TEXT_MAX || memchr(text.text, '\0', text.length) != NULL)
		return false;
	memcpy(copy, text.text, text.length);
	copy[text.length] = '\0';
	int code = idn2_to_ascii_8z(copy, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code == IDN2_MALLOC)
		mem_exhausted(0);
	bool is_converted = code == IDN2_OK && dns_name_fold(span_of(converted), name);
	idn2_free(converted);
	return is_converted;
}
