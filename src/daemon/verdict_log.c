/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict_log.h"

#include "base/log.h"
#include "base/printable.h"
#include "rules/privacy.h"

#include <stdio.h>
#include <string.h>

enum { VERDICT_LOG_FIELD_SIZE = 640 }; /* longest value, with a NUL */

/* A line in the making; what does not fit is cut. */
struct verdict_line {
	char *text; /* of VERDICT_LOG_SIZE bytes */
	size_t used;
};

static void verdict_line_add(struct verdict_line *line, const char *text)
{
	size_t length = strlen(text), room = VERDICT_LOG_SIZE - 1 - line->used;

	if (length > room)
		length = room;
	memcpy(line->text + line->used, text, length);
	line->used += length;
}

/* A value, made one field. */
static void verdict_line_add_value(struct verdict_line *line, struct span value)
{
	size_t room = VERDICT_LOG_SIZE - line->used;

	line->used += printable_field(line->text + line->used,
				      room < VERDICT_LOG_FIELD_SIZE ? room : VERDICT_LOG_FIELD_SIZE,
				      value);
}

static void verdict_line_add_number(struct verdict_line *line, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	verdict_line_add(line, text);
}

/* An attribute, with its name: as it came, or its hash. */
static void verdict_line_add_attribute(struct verdict_line *line, const char *name,
				       const struct verdict_log_entry *entry,
				       enum request_attribute which)
{
	struct span value = request_get(entry->request, which);
	char hash[PRIVACY_TEXT_SIZE];

	verdict_line_add(line, name);
	if (entry->privacy != NULL && value.length > 0) {
		privacy_hash(entry->privacy, value, hash);
		verdict_line_add(line, hash);
	} else {
		verdict_line_add_value(line, value);
	}
}

/* Name and value, or nothing when there is no value. */
static void verdict_line_add_optional(struct verdict_line *line, const char *name,
				      const char *value)
{
	if (value[0] == '\0')
		return;
	verdict_line_add(line, name);
	verdict_line_add_value(line, span_of(value));
}

static void verdict_line_add_client(struct verdict_line *line,
				    const struct verdict_log_entry *entry)
{
	static const struct evidence none;
	const struct evidence *evidence = entry->evidence != NULL ? entry->evidence : &none;

	verdict_line_add_attribute(line, ", client_name=", entry, REQUEST_CLIENT_NAME);
	verdict_line_add_attribute(line, ", client_address=", entry, REQUEST_CLIENT_ADDRESS);
	verdict_line_add_attribute(line, ", sender=", entry, REQUEST_SENDER);
	verdict_line_add_attribute(line, ", recipient=", entry, REQUEST_RECIPIENT);
	verdict_line_add_optional(line, ", key=", entry->key);
	verdict_line_add_optional(line, ", iprev=", iprev_result_word(evidence->iprev.result));
	verdict_line_add_optional(line, ", spf=", spf_result_word(evidence->spf.result));
}

bool verdict_log_format(const struct verdict_log_entry *entry, char text[static VERDICT_LOG_SIZE])
{
	const struct verdict *verdict = entry->verdict;
	struct verdict_line line = {.text = text};
	char reason[VERDICT_REASON_SIZE];

	if (verdict->reason == REASON_NOT_RCPT)
		return false;
	verdict_line_add(&line, "action=");
	verdict_line_add(&line, verdict_action_word(verdict));
	verdict_line_add(&line, ", reason=");
	verdict_reason_words(verdict, reason);
	verdict_line_add(&line, reason);
	verdict_line_add_client(&line, entry);
	verdict_line_add(&line, ", delay=");
	verdict_line_add_number(&line, verdict->delay_s);
	if (verdict->is_dry)
		verdict_line_add(&line, ", greylist=dry");
	if (verdict->gate_dry[0] != '\0') {
		verdict_line_add(&line, ", gate=dry (");
		verdict_line_add(&line, verdict->gate_dry);
		verdict_line_add(&line, ")");
	}
	/* What SPF went by when there was no sender, so that the line tells all that the verdict
	 * rests on. */
	if (request_get(entry->request, REQUEST_SENDER).length == 0 &&
	    request_get(entry->request, REQUEST_HELO_NAME).length > 0)
		verdict_line_add_attribute(&line, ", helo_name=", entry, REQUEST_HELO_NAME);
	text[line.used] = '\0';
	return true;
}

void verdict_log(const struct verdict_log_entry *entry)
{
	char line[VERDICT_LOG_SIZE];

	if (verdict_log_format(entry, line))
		log_info_printable(span_of(line));
}
