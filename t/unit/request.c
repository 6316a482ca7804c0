/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/request.h"

#include "tap.h"

#include <stdio.h>

#define GOOD "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a@b\n\n"

static void test_ends(void)
{
	struct span whole = SPAN(GOOD "request=next");
	size_t length = sizeof(GOOD) - 1;
	bool every_split = true;

	/* The bytes come in two pieces, cut at any place. */
	for (size_t cut = 0; cut <= whole.length; cut++) {
		size_t scanned = 0;
		size_t first = request_find_end(span_first(whole, cut), &scanned);
		size_t second = first != 0 ? first : request_find_end(whole, &scanned);
		every_split = every_split && (cut < length ? first == 0 : first == length) &&
			      second == length;
	}
	tap_ok(every_split, "a request ends at its empty line, wherever it was cut");

	size_t scanned = 0;
	bool bytewise = true;
	for (size_t i = 1; i < length; i++)
		bytewise = bytewise && request_find_end(span_first(whole, i), &scanned) == 0;
	tap_ok(bytewise && request_find_end(whole, &scanned) == length, "also byte by byte");
	scanned = 0;
	tap_is_number((long long)request_find_end(SPAN("\nrequest="), &scanned), 1,
		      "an empty line alone ends a request without attributes");
}

static void test_parse(void)
{
	static const struct {
		const char *name;
		struct span bytes;
		const char *why;
	} cases[] = {
		{"a request", SPAN(GOOD), NULL},
		{"attributes in another order", SPAN("sender=a\nrequest=smtpd_access_policy\n\n"),
		 NULL},
		{"unknown attributes", SPAN("x=y\nrequest=smtpd_access_policy\n=\n\n"), NULL},
		{"no attributes", SPAN("\n"), "no request=smtpd_access_policy"},
		{"another request", SPAN("request=junk\n\n"), "no request=smtpd_access_policy"},
		{"a line without equals sign", SPAN("request=smtpd_access_policy\njunk\n\n"),
		 "a line without \"=\""},
		{"a NUL", SPAN("request=smtpd_access_policy\nsender=a\0b\n\n"), "a NUL byte"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request request;
		tap_is(request_parse(&request, cases[i].bytes), cases[i].why, "%s", cases[i].name);
	}

	struct request request;
	request_parse(&request, SPAN("request=smtpd_access_policy\nsender=\nrecipient=first@x\n"
				     "recipient=second@x\nhelo_name==a=b=\n\n"));
	tap_ok(request_has(&request, REQUEST_SENDER) &&
		       request_get(&request, REQUEST_SENDER).length == 0,
	       "an empty attribute is there");
	tap_ok(!request_has(&request, REQUEST_CLIENT_ADDRESS), "a missing one is not");
	tap_ok(span_equals(request_get(&request, REQUEST_RECIPIENT), SPAN("first@x")),
	       "of a repeated one the first counts");
}

int main(void)
{
	test_ends();
	test_parse();
	return tap_done();
}
