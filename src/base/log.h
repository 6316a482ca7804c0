/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: syslog facility mail, or stderr, and never a wait for either.
 *
 * syslog(3) blocks when the system's log daemon does not read, and a verdict must not wait for
 * that. So lines are handed to a thread of the log's own through a buffer with a bound; when that
 * is full, lines are dropped, counted, and the count is logged as soon as there is room again.
 * When many come, a line may wait some milliseconds there for others, as they are cheaper to write
 * together; one that tells of trouble does not.
 * Before log_start_writer() and after log_stop_writer() lines are written at once.
 *
 * Levels, in Postfix's words: error = a person must act; warning = mail was treated differently
 * because something failed; info = verdicts and what an admin did; debug = only with -v.
 * Every line is made printable here, whatever is in it, but for those that say they are
 * (log_info_printable()).
 */
#pragma once

#include "span.h"

#include <stdbool.h>

/* To stderr with debug lines (to_stderr), or to syslog with errors on stderr as well. */
void log_open(bool to_stderr);

/* From here on lines are written by a thread.  Call it once, before other threads start. */
void log_start_writer(void);

/* Write what is waiting and end the thread; what nobody takes within two seconds is lost. */
void log_stop_writer(void);

/* A bug that was noticed: the line, behind all that waits, and the process aborts. */
void log_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line that is a text already, and printable (printable.h), with a NUL behind it: without the
 * cost of making it so, as there is one for each request. */
void log_info_printable(struct span text);
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
