/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request of Postfix's policy delegation protocol (SMTPD_POLICY_README): lines "name=value", an
 * empty line ends it.  Attributes come in any order; unknown and missing ones do no harm, and of a
 * repeated one the first counts.
 */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* The attributes that are looked at. */
enum request_attribute {
	REQUEST_REQUEST,
	REQUEST_PROTOCOL_STATE,
	REQUEST_CLIENT_ADDRESS,
	REQUEST_CLIENT_NAME,
	REQUEST_HELO_NAME,
	REQUEST_SENDER,
	REQUEST_RECIPIENT,
	REQUEST_INSTANCE,
	REQUEST_SASL_USERNAME,
	REQUEST_CCERT_SUBJECT,
	REQUEST_ATTRIBUTE_COUNT,
};

struct request {
	/* Borrowed from the bytes that were parsed; text is NULL for an attribute that is missing.
	 */
	struct span value[REQUEST_ATTRIBUTE_COUNT];
};

/*
 * How many bytes the first request in buffer takes, its empty line included; 0 when it has not all
 * come yet.  *scanned remembers between calls how far was looked, and is set to 0 for the next
 * request by the caller.
 */
size_t request_find_end(struct span buffer, size_t *scanned);

/*
 * Take bytes, one whole request as request_find_end() measured it, apart.  NULL, or what breaks the
 * protocol in it.
 */
const char *request_parse(struct request *request, struct span bytes);

/* Whether there is an attribute of that name that is looked at. */
bool request_is_attribute(struct span name);

/* The value of an attribute, empty when it is missing. */
static inline struct span request_get(const struct request *request, enum request_attribute which)
{
	return request->value[which];
}

static inline bool request_has(const struct request *request, enum request_attribute which)
{
	return request->value[which].text != NULL;
}
