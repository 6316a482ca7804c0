/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Postfix does with outgoing mail, as postconf(1) tells it, and the lines that make it send to
 * some domains over IPv4 alone.  Nothing of it is changed here.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum outbound_parameter {
	POSTFIX_SMTP_HELO_NAME,
	POSTFIX_MYHOSTNAME,
	POSTFIX_MYORIGIN,
	POSTFIX_SMTP_BIND_ADDRESS,
	POSTFIX_SMTP_BIND_ADDRESS6,
	POSTFIX_INET_PROTOCOLS,
	POSTFIX_INET_INTERFACES,
	POSTFIX_RELAYHOST,
	POSTFIX_CONFIG_DIRECTORY,
	POSTFIX_TRANSPORT_MAPS, /* as it is written: the others have no $name in them any more */
	POSTFIX_PARAMETER_COUNT,
};

struct outbound_postfix {
	bool is_there; /* false: all below is empty */
	/* Owned; empty: not set.  What master.cf says for the smtp service counts. */
	char *values[POSTFIX_PARAMETER_COUNT];
	char *smtp;            /* owned; the line of the smtp service in master.cf, or empty */
	bool has_ipv4_service; /* there is a service smtp-ipv4 already */
};

/* Ask postconf.  The caller clears postfix. */
void outbound_postfix_ask(struct outbound_postfix *postfix);

/* Take up what postconf prints; for tests, too.  text is cut into pieces. */
void outbound_postfix_read_values(struct outbound_postfix *postfix, char *text);
void outbound_postfix_read_services(struct outbound_postfix *postfix, char *text);

/* Whether it uses IPv4 ("ipv4") or IPv6 ("ipv6"). */
bool outbound_postfix_uses(const struct outbound_postfix *postfix, const char *protocol);

/* The lines: {"transport_file", "transport": [], "main_cf": [], "master_cf": [], "commands": []}.
 * What is there already is left out. */
json_t *outbound_postfix_lines(const struct outbound_postfix *postfix);

void outbound_postfix_clear(struct outbound_postfix *postfix);
