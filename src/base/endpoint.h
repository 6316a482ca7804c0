/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where to listen, in Postfix's words: unix:PATH, inet:HOST:PORT, inet:[ADDR]:PORT.
 */
#pragma once

#include "span.h"

#include <stddef.h>

enum endpoint_kind { ENDPOINT_UNIX, ENDPOINT_INET };

struct endpoint {
	enum endpoint_kind kind;
	char *text; /* owned; as it was written, for messages */
	char *path; /* owned; ENDPOINT_UNIX */
	char *host; /* owned; ENDPOINT_INET: name or address, without brackets */
	char *port; /* owned; ENDPOINT_INET: number or service name */
};

/* NULL, or what is wrong with text.  The caller clears endpoint in any case. */
const char *endpoint_parse(struct endpoint *endpoint, struct span text);

void endpoint_clear(struct endpoint *endpoint);
