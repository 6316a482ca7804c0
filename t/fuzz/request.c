/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes over a policy connection: requests one behind the other, cut into pieces anywhere, as
 * the server takes them in (request_find_end(), request_parse()); and the log line of each.
 *
 * The first byte chooses the pieces, the rest are the bytes.  However they are cut, the same
 * requests have to be found.  A log line is clean, and sixgatectl's log_line_parse() finds in it
 * what the client sent.
 */
#include "rules/request.h"

#include "base/printable.h"
#include "ctl/log_line.h"
#include "daemon/verdict_log.h"
#include "rig/input.h"
#include "rig/rules.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	REQUESTS_MAX = 64, /* that are compared */
	WHOLE_MAX = 150,   /* bytes of a value that the line never cuts, whatever they are */
};

/* Where requests end, how the first that is none breaks the protocol. */
struct stream {
	size_t ends[REQUESTS_MAX];
	size_t count;
	const char *why;
};

/* The value, unless the line cut it. */
static void request_check_field(struct span sent, const char *found)
{
	if (sent.length <= WHOLE_MAX)
		assert(found != NULL && span_equals(sent, span_of(found)));
}

/* What explains a log line has to be what was asked. */
static void request_check_line(const struct request *request, const char *text)
{
	struct log_line line;
	struct span address = request_get(request, REQUEST_CLIENT_ADDRESS);

	assert(printable_is_clean(span_of(text)));
	const char *why = log_line_parse(&line, text);
	if (why == NULL) {
		request_check_field(address, line.client_address);
		request_check_field(request_get(request, REQUEST_SENDER), line.sender);
		request_check_field(request_get(request, REQUEST_RECIPIENT), line.recipient);
		request_check_field(request_get(request, REQUEST_CLIENT_NAME), line.client_name);
		assert(strcmp(line.action, "greylist") == 0);
	} else {
		assert(address.length == 0 || span_starts_with(address, SPAN("h:")) ||
		       request_get(request, REQUEST_RECIPIENT).length == 0);
	}
	log_line_clear(&line);
}

static void request_log(const struct request *request)
{
	static const struct evidence evidence = {.iprev = {.result = IPREV_FAIL},
						 .spf = {.result = SPF_SOFTFAIL}};
	char line[VERDICT_LOG_SIZE];
	struct verdict verdict = verdict_greylist(REASON_NEW, 300, "Come back in %s s", false);
	struct verdict_log_entry entry = {&verdict, request, &evidence, "192.0.2.0/24", NULL};

	assert(verdict_log_format(&entry, line));
	request_check_line(request, line);
	entry.privacy = rules_privacy();
	assert(verdict_log_format(&entry, line) && printable_is_clean(span_of(line)));
}

static void request_check(const struct request *request, struct span bytes)
{
	for (size_t i = 0; i < REQUEST_ATTRIBUTE_COUNT; i++) {
		struct span value = request_get(request, (enum request_attribute)i);
		if (value.text == NULL)
			continue;
		assert(value.text >= bytes.text &&
		       value.text + value.length <= bytes.text + bytes.length);
		assert(span_find(value, '\n') == value.length);
		assert(span_find(value, '\0') == value.length);
	}
	request_log(request);
}

/* piece: bytes that come at a time; is_looked_at: at the requests themselves. */
static void request_read(struct span bytes, size_t piece, bool is_looked_at, struct stream *stream)
{
	size_t begin = 0, come = 0, scanned = 0;

	*stream = (struct stream){.count = 0};
	while (come < bytes.length) {
		come = bytes.length - come > piece ? come + piece : bytes.length;
		size_t length;
		while ((length = request_find_end(span_from(span_first(bytes, come), begin),
						  &scanned)) > 0) {
			struct span whole = span_first(span_from(bytes, begin), length);
			struct request request;
			assert(length <= come - begin);
			stream->why = request_parse(&request, whole);
			if (stream->why != NULL || stream->count == REQUESTS_MAX)
				return;
			if (is_looked_at)
				request_check(&request, whole);
			begin += length;
			scanned = 0;
			stream->ends[stream->count++] = begin;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = input_of(data, size);
	size_t piece = 1 + input_byte(&bytes) % 64;
	struct stream whole, pieces;

	request_read(bytes, bytes.length, true, &whole);
	request_read(bytes, piece, false, &pieces);
	assert(whole.why == pieces.why && whole.count == pieces.count &&
	       memcmp(whole.ends, pieces.ends, sizeof(whole.ends)) == 0);
	return 0;
}
