/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of sixgated's log, taken apart, so that past mail can be explained.  Pure.
 *
 * The form is that of daemon/verdict_log.c: fields "name=value", ", " between them, in which blank,
 * comma, backslash and all that is not printable stand as \xNN.
 */
#pragma once

/* NULL for a field that is not in the line.  Owned. */
struct log_line {
	char *action, *reason;
	char *client_name, *client_address, *sender, *recipient, *helo_name;
	char *greylist; /* "dry": action was told, and not done */
};

/*
 * Read text, with or without what syslog or journalctl puts in front.  NULL, or what is wrong with
 * it.  Clear line in any case with log_line_clear().
 */
const char *log_line_parse(struct log_line *line, const char *text);

void log_line_clear(struct log_line *line);
