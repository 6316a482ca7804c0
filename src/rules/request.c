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

/* REQUEST_ATTRIBUTE_COUNT: nothing that is looked at.  Most names are of another length than any of
 * ours, or end otherwise, so that few bytes are compared. */
static enum request_attribute request_find_attribute(struct span name)
{
	enum request_attribute i = 0;

	for (; i < REQUEST_ATTRIBUTE_COUNT; i++)
		if (name.length == request_names[i].length && name.length > 0 &&
		    name.text[name.length - 1] == request_names[i].text[name.length - 1] &&
		    span_equals(name, request_names[i]))
			break;
	return i;
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
