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

/* What SPF went by when there was no sender, so that the line tells all that the verdict rests on.
 */
static const char *verdict_log_helo(const struct request *request, const struct privacy *privacy,
				    char out[static VERDICT_LOG_FIELD_SIZE + 16])
{
	char shown[VERDICT_LOG_FIELD_SIZE];

	if (request_get(request, REQUEST_SENDER).length > 0 ||
	    request_get(request, REQUEST_HELO_NAME).length == 0)
		return "";
	snprintf(out, VERDICT_LOG_FIELD_SIZE + 16, ", helo_name=%s",
		 verdict_log_field(request, REQUEST_HELO_NAME, privacy, shown));
	return out;
}

bool verdict_log_format(const struct verdict_log_entry *entry, char line[static VERDICT_LOG_SIZE])
{
	static const struct evidence none;
	const struct verdict *verdict = entry->verdict;
	const struct request *request = entry->request;
	const struct privacy *privacy = entry->privacy;
	const struct evidence *evidence = entry->evidence != NULL ? entry->evidence : &none;
	char reason[VERDICT_REASON_SIZE], name[VERDICT_LOG_FIELD_SIZE],
		address[VERDICT_LOG_FIELD_SIZE], sender[VERDICT_LOG_FIELD_SIZE],
		recipient[VERDICT_LOG_FIELD_SIZE], stored[VERDICT_LOG_FIELD_SIZE],
		iprev[VERDICT_LOG_FIELD_SIZE], spf[VERDICT_LOG_FIELD_SIZE],
		helo[VERDICT_LOG_FIELD_SIZE + 16], gate[40];

	if (verdict->reason == REASON_NOT_RCPT)
		return false;
	verdict_reason_words(verdict, reason);
	if (verdict->gate_dry[0] != '\0')
		snprintf(gate, sizeof(gate), ", gate=dry (%s)", verdict->gate_dry);
	else
		gate[0] = '\0';
	snprintf(line, VERDICT_LOG_SIZE,
		 "action=%s, reason=%s, client_name=%s, client_address=%s, sender=%s, "
		 "recipient=%s%s%s%s, delay=%lld%s%s%s",
		 verdict_action_word(verdict), reason,
		 verdict_log_field(request, REQUEST_CLIENT_NAME, privacy, name),
		 verdict_log_field(request, REQUEST_CLIENT_ADDRESS, privacy, address),
		 verdict_log_field(request, REQUEST_SENDER, privacy, sender),
		 verdict_log_field(request, REQUEST_RECIPIENT, privacy, recipient),
		 verdict_log_optional("key", entry->key, stored),
		 verdict_log_optional("iprev", iprev_result_word(evidence->iprev.result), iprev),
		 verdict_log_optional("spf", spf_result_word(evidence->spf.result), spf),
		 (long long)verdict->delay_s, verdict->is_dry ? ", greylist=dry" : "", gate,
		 verdict_log_helo(request, privacy, helo));
	return true;
}

void verdict_log(const struct verdict_log_entry *entry)
{
	char line[VERDICT_LOG_SIZE];

	if (verdict_log_format(entry, line))
		log_info("%s", line);
}
