/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on their way to the system log (/dev/log, in the form of RFC 3164 that syslog(3) uses),
 * many with one system call.
 *
 * A verdict leaves a line, and by syslog(3) the line cost more than the verdict.  Like syslog(3) it
 * waits when the log daemon does not read, and loses what nobody is there for.  It belongs to one
 * thread at a time.
 */
#pragma once

#include "span.h"

/* Connect, as ident, to facility (LOG_MAIL, say).  Call it once. */
void syslog_link_open(const char *ident, int facility);

/* Take a line of a level (LOG_INFO, say); what is said before it goes in front.  Both are
 * copied, and cut to what a log daemon takes. */
void syslog_link_add(int level, const char *before, struct span line);

/* Send what was taken. */
void syslog_link_flush(void);
