/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_name.h"

#include <stdio.h>

enum { DNS_LABEL_MAX = 63 };

/* lowest: the byte from which on those of ASCII may be in a name. */
static bool dns_name_fold_from(struct span text, char lowest, char name[static DNS_NAME_SIZE])
{
	size_t label = 0;

	name[0] = '\0';
	if (text.length > 0 && text.text[text.length - 1] == '.')
		text.length--;
	if (text.length == 0 || text.length >= DNS_NAME_SIZE)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.text[i];
		bool is_dot = c == '.';
		label = is_dot ? label : label + 1;
		if (c < lowest || c > '~' || c == '\\' || label > DNS_LABEL_MAX ||
		    (is_dot && label == 0)) {
			name[0] = '\0';
			return false;
		}
		if (is_dot)
			label = 0;
		name[i] = ascii_lower(c);
	}
	if (label == 0)
		name[0] = '\0';
	else
		name[text.length] = '\0';
	return label > 0;
}

bool dns_name_fold(struct span text, char name[static DNS_NAME_SIZE])
{
	return dns_name_fold_from(text, '!', name);
}

bool dns_name_fold_question(struct span text, char name[static DNS_NAME_SIZE])
{
	return dns_name_fold_from(text, ' ', name);
}

void dns_name_of_address(const struct netaddr *addr, char name[static DNS_NAME_SIZE])
{
	const uint8_t *bytes = addr->bytes;
	size_t length = 0;

	if (addr->bits == 32) {
		snprintf(name, DNS_NAME_SIZE, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2],
			 bytes[1], bytes[0]);
		return;
	}
	for (size_t i = 16; i-- > 0;)
		length += (size_t)snprintf(name + length, DNS_NAME_SIZE - length, "%x.%x.",
					   bytes[i] & 15u, bytes[i] >> 4);
	snprintf(name + length, DNS_NAME_SIZE - length, "ip6.arpa");
}

bool dns_name_is_within(struct span name, struct span domain)
{
	if (name.length <= domain.length)
		return span_equals(name, domain);
	size_t above = name.length - domain.length;
	return name.text[above - 1] == '.' && span_equals(span_from(name, above), domain);
}
