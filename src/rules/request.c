/* SPDX-License-Identifier: BSD-2-Clause */
#include "request.h"

static const struct span request_names[] = {
	[REQUEST_REQUEST] = SPAN("request"),
	[REQUEST_PROTOCOL_STATE] = SPAN("protocol_state"),
	[REQUEST_CLIENT_ADDRESS] = SPAN("client_address"),
	[REQUEST_CLIENT_NAME] = SPAN("client_name"),
	[REQUEST_HELO_NAME] = SPAN("helo_name"),
	[REQUEST_SENDER] = SPAN("sender"),
	[REQUEST_RECIPIENT] = SPAN("recipient"),
	[REQUEST_INSTANCE] = SPAN("instance"),
	[REQUEST_SASL_USERNAME] = SPAN("sasl_username"),
	[REQUEST_CCERT_SUBJECT] = SPAN("ccert_subject"),
};

_Static_assert(sizeof(request_names) / sizeof(request_names[0]) == REQUEST_ATTRIBUTE_COUNT,
	       "a name for every attribute");
_Static_assert(REQUEST_REQUEST == 0, "it ends the lists of names by length");

size_t request_find_end(struct span buffer, size_t *scanned)
{
	/* A request that begins with its empty line has no attributes, but it ends there. */
	if (buffer.length > 0 && buffer.text[0] == '\n')
		return 1;
	while (*scanned < buffer.length) {
		struct span rest = span_from(buffer, *scanned);
		size_t newline = span_find(rest, '\n');
		if (newline + 1 >= rest.length) {
			/* Come back to a newline that is the last byte: the next one may end it. */
			*scanned += newline;
			return 0;
		}
		*scanned += newline + 1;
		if (buffer.text[*scanned] == '\n')
			return *scanned + 1;
	}
	return 0;
}

enum { REQUEST_NAME_MAX = 14 };

/* The attributes whose names have a length, behind one another; 0 (REQUEST_REQUEST, which stands
 * first where it stands) ends them.  Most of what Postfix sends is of no length that is here. */
static const enum request_attribute request_by_length[REQUEST_NAME_MAX + 1][3] = {
	[6] = {REQUEST_SENDER},
	[8] = {REQUEST_INSTANCE},
	[9] = {REQUEST_RECIPIENT, REQUEST_HELO_NAME},
	[11] = {REQUEST_CLIENT_NAME},
	[13] = {REQUEST_SASL_USERNAME, REQUEST_CCERT_SUBJECT},
	[14] = {REQUEST_CLIENT_ADDRESS, REQUEST_PROTOCOL_STATE},
};

/* REQUEST_ATTRIBUTE_COUNT: nothing that is looked at. */
static enum request_attribute request_find_attribute(struct span name)
{
	if (name.length > REQUEST_NAME_MAX)
		return REQUEST_ATTRIBUTE_COUNT;
	for (const enum request_attribute *i = request_by_length[name.length]; *i != 0; i++)
		if (span_equals(name, request_names[*i]))
			return *i;
	return span_equals(name, request_names[REQUEST_REQUEST]) ? REQUEST_REQUEST
								 : REQUEST_ATTRIBUTE_COUNT;
}

static void request_take(struct request *request, struct span name, struct span value)
{
	enum request_attribute which = request_find_attribute(name);

	if (which < REQUEST_ATTRIBUTE_COUNT && request->value[which].text == NULL)
		request->value[which] = value;
}

const char *request_parse(struct request *request, struct span bytes)
{
	*request = (struct request){0};
	if (memchr(bytes.text, '\0', bytes.length) != NULL)
		return "a NUL byte";
	while (bytes.length > 0) {
		struct span line = span_first(bytes, span_find(bytes, '\n'));
		if (line.length == 0)
			break;
		size_t equals = span_find(line, '=');
		if (equals == line.length)
			return "a line without \"=\"";
		request_take(request, span_first(line, equals), span_from(line, equals + 1));
		bytes = span_from(bytes, line.length + 1);
	}
	if (!span_equals(request_get(request, REQUEST_REQUEST), SPAN("smtpd_access_policy")))
		return "no request=smtpd_access_policy";
	return NULL;
}

bool request_is_attribute(struct span name)
{
	return request_find_attribute(name) < REQUEST_ATTRIBUTE_COUNT;
}
