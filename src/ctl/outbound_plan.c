/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_plan.h"

#include "base/hostname.h"
#include "base/memory.h"
#include "rules/outbound.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void plan_note(struct outbound_plan *plan,
							    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_array_append_new(plan->notes, json_vsprintf(format, args));
	va_end(args);
}

/* The only address of the family in a list; false when there is none, or several. */
static bool plan_only_address(const char *list, unsigned bits, struct netaddr *only)
{
	struct span rest = span_of(list), port;
	size_t count = 0;

	for (struct span word = span_next_word(&rest, ", \t"); word.length > 0;
	     word = span_next_word(&rest, ", \t")) {
		struct netaddr address;
		if (!netaddr_parse_with_port(word, &address, &port) || address.bits != bits)
			continue;
		*only = address;
		count++;
	}
	return count == 1;
}

/* Postfix sends from this address of the family, if the setting has one.  A single one in
 * inet_interfaces is used like that, too, if it is no loopback address (postconf(5)). */
static void plan_bind(struct outbound_plan *plan, const struct outbound_postfix *postfix,
		      enum outbound_parameter parameter, const char *name, unsigned bits)
{
	struct netaddr address;
	char text[NETADDR_TEXT_SIZE];

	if (!plan_only_address(postfix->values[parameter], bits, &address)) {
		name = "inet_interfaces";
		if (!plan_only_address(postfix->values[POSTFIX_INET_INTERFACES], bits, &address) ||
		    (bits == 32 ? address.bytes[0] == 127 : !outbound_is_global(&address)))
			return;
	}
	outbound_addresses_drop(&plan->addresses, bits);
	if (bits == 128)
		plan->addresses.temporary.bits = 0;
	netaddr_format(&address, text);
	if (outbound_is_global(&address)) {
		outbound_addresses_add(&plan->addresses, &address);
		plan_note(plan, "Postfix sends from %s (%s), so that it is the one to check.", text,
			  name);
	} else {
		plan->addresses.hidden = address;
	}
}

/* What there is to say of a family without an address. */
static void plan_note_missing(struct outbound_plan *plan, unsigned bits)
{
	const struct netaddr *hidden = &plan->addresses.hidden;
	char text[NETADDR_TEXT_SIZE];

	if (outbound_addresses_has(&plan->addresses, bits))
		return;
	if (bits == 128 || hidden->bits != 32) {
		plan_note(plan,
			  "This host has no global %s address, so that it sends nothing "
			  "over %s.",
			  bits == 128 ? "IPv6" : "IPv4", bits == 128 ? "IPv6" : "IPv4");
		return;
	}
	netaddr_format(hidden, text);
	plan_note(plan,
		  "Over IPv4 this host has private addresses only (%s): NAT hides the public one. "
		  "Give it with --ip.",
		  text);
	plan->is_incomplete = true;
}

/* The kernel prefers a temporary address for what is sent. */
static void plan_note_temporary(struct outbound_plan *plan, const struct outbound_postfix *postfix)
{
	char text[NETADDR_TEXT_SIZE];

	if (plan->addresses.temporary.bits == 0 || !outbound_postfix_uses(postfix, "ipv6"))
		return;
	netaddr_format(&plan->addresses.temporary, text);
	plan_note(plan,
		  "Mail may also come from %s, which is a temporary address and not checked. Let "
		  "smtp_bind_address6 of Postfix name one that stays.",
		  text);
	plan->is_incomplete = true;
}

static void plan_own_addresses(struct outbound_plan *plan, const struct outbound_postfix *postfix)
{
	static const struct {
		unsigned bits;
		const char *protocol, *family, *name;
		enum outbound_parameter bind;
	} families[] = {
		{128, "ipv6", "IPv6", "smtp_bind_address6", POSTFIX_SMTP_BIND_ADDRESS6},
		{32, "ipv4", "IPv4", "smtp_bind_address", POSTFIX_SMTP_BIND_ADDRESS},
	};

	if (!outbound_addresses_add_own(&plan->addresses))
		plan_note(plan, "The addresses of this host are not to be had: %s.",
			  strerror(errno));
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (!outbound_postfix_uses(postfix, families[i].protocol)) {
			outbound_addresses_drop(&plan->addresses, families[i].bits);
			plan_note(plan,
				  "Postfix does not use %s (inet_protocols = %s), so that it is "
				  "not checked.",
				  families[i].family, postfix->values[POSTFIX_INET_PROTOCOLS]);
			continue;
		}
		plan_bind(plan, postfix, families[i].bind, families[i].name, families[i].bits);
		plan_note_missing(plan, families[i].bits);
	}
	plan_note_temporary(plan, postfix);
	if (plan->addresses.has_more)
		plan_note(plan, "There are more addresses than the %d that are checked.",
			  OUTBOUND_ADDRESSES_MAX);
}

/* Addresses that were given are checked, whatever Postfix does with them. */
static void plan_given_addresses(struct outbound_plan *plan, const struct outbound_postfix *postfix)
{
	const char *protocols = postfix->values[POSTFIX_INET_PROTOCOLS];

	if (outbound_addresses_has(&plan->addresses, 128) &&
	    !outbound_postfix_uses(postfix, "ipv6"))
		plan_note(plan, "Postfix does not use IPv6 (inet_protocols = %s).", protocols);
	if (outbound_addresses_has(&plan->addresses, 32) && !outbound_postfix_uses(postfix, "ipv4"))
		plan_note(plan, "Postfix does not use IPv4 (inet_protocols = %s).", protocols);
}

/* The first line of the file that a setting names, as Debian has it for /etc/mailname, or the
 * setting itself.  Free it. */
static char *plan_read(const char *value)
{
	char *line = NULL;
	size_t size = 0;

	if (value[0] != '/')
		return mem_copy_string(value);
	FILE *file = fopen(value, "re");
	if (file == NULL || getline(&line, &size, file) < 0) {
		free(line);
		line = mem_copy_string("");
	}
	if (file != NULL)
		fclose(file);
	struct span word = span_trim(span_of(line));
	char *text = mem_copy_text(word.text, word.length);
	free(line);
	return text;
}

static void plan_helo(struct outbound_plan *plan, const char *given,
		      const struct outbound_postfix *postfix)
{
	if (given != NULL) {
		plan->helo = mem_copy_string(given);
		plan->helo_source = "--helo";
	} else if (postfix->values[POSTFIX_SMTP_HELO_NAME][0] != '\0') {
		plan->helo = mem_copy_string(postfix->values[POSTFIX_SMTP_HELO_NAME]);
		plan->helo_source = "smtp_helo_name of Postfix";
	} else {
		char name[HOSTNAME_SIZE];
		hostname_get(name);
		plan->helo = mem_copy_string(name);
		plan->helo_source = "name of this host";
	}
}

static void plan_sender(struct outbound_plan *plan, const char *given,
			const struct outbound_postfix *postfix)
{
	if (given != NULL) {
		plan->sender = mem_copy_string(given);
		plan->sender_source = "--from";
		return;
	}
	char *domain = plan_read(postfix->values[POSTFIX_MYORIGIN]);
	plan->sender_source = "myorigin of Postfix";
	if (domain[0] == '\0') {
		free(domain);
		domain = mem_copy_string(plan->helo);
		plan->sender_source = plan->helo_source;
	}
	if (asprintf(&plan->sender, "postmaster@%s", domain) < 0)
		plan->sender = mem_copy_string("postmaster");
	free(domain);
}

void outbound_plan_make(struct outbound_plan *plan, const struct outbound_wishes *wishes,
			const struct outbound_postfix *postfix)
{
	const char *relay = postfix->values[POSTFIX_RELAYHOST];

	*plan = (struct outbound_plan){.addresses = wishes->addresses, .notes = json_array()};
	if (!postfix->is_there)
		plan_note(plan,
			  "Postfix was not asked: postconf is not there, or does not answer. The "
			  "chroot column of a new service is to be that of your smtp service.");
	if (wishes->addresses.count > 0)
		plan_given_addresses(plan, postfix);
	else
		plan_own_addresses(plan, postfix);
	if (relay[0] != '\0' && wishes->addresses.count == 0) {
		plan_note(plan,
			  "Postfix sends through %s (relayhost): what counts are the addresses "
			  "from which that sends. Give them with --ip.",
			  relay);
		plan->is_incomplete = true;
	}
	plan_helo(plan, wishes->helo, postfix);
	plan_sender(plan, wishes->sender, postfix);
}

void outbound_plan_clear(struct outbound_plan *plan)
{
	free(plan->sender);
	free(plan->helo);
	json_decref(plan->notes);
	*plan = (struct outbound_plan){.sender = NULL};
}
