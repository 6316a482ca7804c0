/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict_log.h"

#include "base/log.h"
#include "base/printable.h"
#include "rules/privacy.h"

#include <stdio.h>

enum { VERDICT_LOG_FIELD_SIZE = 640 };

/* One field that comes from outside, as it is shown. */
static const char *verdict_log_field(const struct request *request, enum request_attribute which,
				     const struct privacy *privacy,
				     char out[static VERDICT_LOG_FIELD_SIZE])
{
	struct span value = request_get(request, which);

	if (privacy != NULL && value.length > 0)
		privacy_hash(privacy, value, out);
	else
		printable_field(out, VERDICT_LOG_FIELD_SIZE, value);
	return out;
}

/* ", name=value", or nothing when there is no value. */
static const char *verdict_log_optional(const char *name, const char *value,
					char out[static VERDICT_LOG_FIELD_SIZE])
{
	out[0] = '\0';
	if (value[0] != '\0') {
		int length = snprintf(out, VERDICT_LOG_FIELD_SIZE, ", %s=", name);
		printable_field(out + length, VERDICT_LOG_FIELD_SIZE - (size_t)length,
				span_of(value));
	}
	return out;
}

void verdict_log(const struct verdict *verdict, const struct request *request,
		 const struct evidence *evidence, const char *key, const struct privacy *privacy)
{
	static const struct evidence none;
	char reason[VERDICT_REASON_SIZE], name[VERDICT_LOG_FIELD_SIZE],
		address[VERDICT_LOG_FIELD_SIZE], sender[VERDICT_LOG_FIELD_SIZE],
		recipient[VERDICT_LOG_FIELD_SIZE], stored[VERDICT_LOG_FIELD_SIZE],
		iprev[VERDICT_LOG_FIELD_SIZE], spf[VERDICT_LOG_FIELD_SIZE], gate[40];

	if (verdict->reason == REASON_NOT_RCPT)
		return;
	if (evidence == NULL)
		evidence = &none;
	verdict_reason_words(verdict, reason);
	if (verdict->gate_dry[0] != '\0')
		snprintf(gate, sizeof(gate), ", gate=dry (%s)", verdict->gate_dry);
	else
		gate[0] = '\0';
	log_info("action=%s, reason=%s, client_name=%s, client_address=%s, sender=%s, "
		 "recipient=%s%s%s%s, delay=%lld%s%s",
		 verdict_action_word(verdict), reason,
		 verdict_log_field(request, REQUEST_CLIENT_NAME, privacy, name),
		 verdict_log_field(request, REQUEST_CLIENT_ADDRESS, privacy, address),
		 verdict_log_field(request, REQUEST_SENDER, privacy, sender),
		 verdict_log_field(request, REQUEST_RECIPIENT, privacy, recipient),
		 verdict_log_optional("key", key, stored),
		 verdict_log_optional("iprev", iprev_result_word(evidence->iprev.result), iprev),
		 verdict_log_optional("spf", spf_result_word(evidence->spf.result), spf),
		 (long long)verdict->delay_s, verdict->is_dry ? ", greylist=dry" : "", gate);
}
