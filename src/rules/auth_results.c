/* SPDX-License-Identifier: BSD-2-Clause */
#include "auth_results.h"

#include <stdio.h>

struct auth_results_writer {
	char *out;
	size_t length;
	bool has_results;
};

static void auth_results_put(struct auth_results_writer *writer, const char *text)
{
	int length = snprintf(writer->out + writer->length, AUTH_RESULTS_SIZE - writer->length,
			      "%s", text);
	/* Two names of 253 bytes, all of it quoted, fit with room to spare. */
	writer->length += (size_t)length < AUTH_RESULTS_SIZE - writer->length
				  ? (size_t)length
				  : AUTH_RESULTS_SIZE - writer->length - 1;
}

/* A value (RFC 8601 2.2): a token, or a quoted-string (RFC 5322 3.2.4) where it is none; the colons
 * of an IPv6 address make it one. */
static void auth_results_put_value(struct auth_results_writer *writer, struct span text)
{
	/* Every byte may need a backslash. */
	char value[2 * EVIDENCE_NAME_SIZE + 3];
	bool is_token = span_is_token(text);
	size_t length = 0;

	if (text.length >= EVIDENCE_NAME_SIZE)
		text.length = EVIDENCE_NAME_SIZE - 1;
	if (!is_token)
		value[length++] = '"';
	for (size_t i = 0; i < text.length; i++) {
		if (!is_token && ascii_is_one_of(text.text[i], "\\\""))
			value[length++] = '\\';
		value[length++] = text.text[i];
	}
	if (!is_token)
		value[length++] = '"';
	value[length] = '\0';
	auth_results_put(writer, value);
}

/* One method and its result: "; spf=pass". */
static void auth_results_begin(struct auth_results_writer *writer, const char *method,
			       const char *result)
{
	auth_results_put(writer, "; ");
	auth_results_put(writer, method);
	auth_results_put(writer, "=");
	auth_results_put(writer, result);
	writer->has_results = true;
}

bool auth_results_format(char out[static AUTH_RESULTS_SIZE], struct span authserv_id,
			 const struct netaddr *client, const struct evidence *evidence,
			 int64_t delay_s)
{
	struct auth_results_writer writer = {.out = out};
	char address[NETADDR_TEXT_SIZE], delay[40];

	auth_results_put(&writer, "Authentication-Results: ");
	auth_results_put_value(&writer, authserv_id);
	if (evidence->iprev.result != IPREV_NOT_ASKED) {
		netaddr_format(client, address);
		auth_results_begin(&writer, "iprev", iprev_result_word(evidence->iprev.result));
		auth_results_put(&writer, " policy.iprev=");
		auth_results_put_value(&writer, span_of(address));
	}
	if (evidence->spf.result != SPF_NOT_ASKED) {
		auth_results_begin(&writer, "spf", spf_result_word(evidence->spf.result));
		if (evidence->spf.domain[0] != '\0') {
			auth_results_put(&writer,
					 evidence->spf.is_helo ? " smtp.helo=" : " smtp.mailfrom=");
			auth_results_put_value(&writer, span_of(evidence->spf.domain));
		}
	}
	if (delay_s > 0) {
		auth_results_begin(&writer, "x-greylist", "pass");
		snprintf(delay, sizeof(delay), " (delayed %lld s)", (long long)delay_s);
		auth_results_put(&writer, delay);
	}
	if (!writer.has_results)
		out[0] = '\0';
	return writer.has_results;
}
