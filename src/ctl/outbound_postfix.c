/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_postfix.h"

#include "base/memory.h"
#include "base/span.h"
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POSTFIX_TIMEOUT_MS = 5000 /* for one question to postconf */ };

#define POSTFIX_FILE "transport_ipv4"

static const char *const outbound_parameters[] = {
	[POSTFIX_SMTP_HELO_NAME] = "smtp_helo_name",
	[POSTFIX_MYHOSTNAME] = "myhostname",
	[POSTFIX_MYORIGIN] = "myorigin",
	[POSTFIX_SMTP_BIND_ADDRESS] = "smtp_bind_address",
	[POSTFIX_SMTP_BIND_ADDRESS6] = "smtp_bind_address6",
	[POSTFIX_INET_PROTOCOLS] = "inet_protocols",
	[POSTFIX_INET_INTERFACES] = "inet_interfaces",
	[POSTFIX_RELAYHOST] = "relayhost",
	[POSTFIX_CONFIG_DIRECTORY] = "config_directory",
	[POSTFIX_TRANSPORT_MAPS] = "transport_maps",
};
_Static_assert(sizeof(outbound_parameters) / sizeof(outbound_parameters[0]) ==
		       POSTFIX_PARAMETER_COUNT,
	       "a name each");

/* Domains of Google and Microsoft that people have their mailboxes in. */
static const char *const outbound_domains[] = {"gmail.com",   "googlemail.com", "google.com",
					       "outlook.com", "hotmail.com",    "live.com",
					       "msn.com"};

/* The columns of a service in master.cf (master(5)) before the arguments of its command. */
enum { MASTER_NAME, MASTER_TYPE, MASTER_CHROOT = 4, MASTER_COMMAND = 7, MASTER_COLUMNS };

static void outbound_postfix_set(struct outbound_postfix *postfix, struct span name,
				 struct span value)
{
	for (size_t i = 0; i < POSTFIX_PARAMETER_COUNT; i++) {
		if (!span_equals(name, span_of(outbound_parameters[i])))
			continue;
		free(postfix->values[i]);
		postfix->values[i] = mem_copy_text(value.text, value.length);
	}
}

void outbound_postfix_read_values(struct outbound_postfix *postfix, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		struct span whole = span_of(line);
		size_t equals = span_find(whole, '=');
		if (equals == whole.length)
			continue;
		/* Of "smtp/unix/myhostname = x" the parameter. */
		struct span name = span_trim(span_first(whole, equals));
		size_t slash = span_find_last(name, '/');
		if (slash < name.length)
			name = span_from(name, slash + 1);
		outbound_postfix_set(postfix, name, span_trim(span_from(whole, equals + 1)));
	}
}

void outbound_postfix_read_services(struct outbound_postfix *postfix, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		struct span words = span_of(line);
		struct span name = span_next_word(&words, " \t");
		if (!span_equals(span_next_word(&words, " \t"), SPAN("unix")))
			continue;
		if (span_equals(name, SPAN("smtp-ipv4")))
			postfix->has_ipv4_service = true;
		if (!span_equals(name, SPAN("smtp")))
			continue;
		free(postfix->smtp);
		postfix->smtp = mem_copy_string(line);
	}
}

/* What postconf prints; NULL when it is not there.  It is where PATH says, or where only root's
 * PATH leads.  Free it. */
static char *outbound_postconf(const char *const *arguments)
{
	char *argv[16] = {(char *)"postconf"};

	for (size_t i = 0; arguments[i] != NULL; i++)
		argv[i + 1] = (char *)arguments[i];
	char *text = child_read(argv, POSTFIX_TIMEOUT_MS);
	if (text != NULL || errno != ENOENT)
		return text;
	argv[0] = (char *)"/usr/sbin/postconf";
	return child_read(argv, POSTFIX_TIMEOUT_MS);
}

void outbound_postfix_ask(struct outbound_postfix *postfix)
{
	const char *expanded[POSTFIX_PARAMETER_COUNT + 2] = {"-x"};
	static const char *const raw[] = {"transport_maps", NULL},
				 *const overrides[] = {"-x", "-P", "smtp/unix", NULL},
				 *const services[] = {"-M", NULL};

	*postfix = (struct outbound_postfix){.is_there = false};
	for (size_t i = 0; i < POSTFIX_TRANSPORT_MAPS; i++)
		expanded[i + 1] = outbound_parameters[i];
	const char *const *const questions[] = {expanded, raw, overrides};
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		char *text = outbound_postconf(questions[i]);
		if (text == NULL && i == 0)
			break;
		if (text != NULL)
			outbound_postfix_read_values(postfix, text);
		free(text);
		postfix->is_there = true;
	}
	char *text = postfix->is_there ? outbound_postconf(services) : NULL;
	if (text != NULL)
		outbound_postfix_read_services(postfix, text);
	free(text);
	for (size_t i = 0; i < POSTFIX_PARAMETER_COUNT; i++)
		if (postfix->values[i] == NULL)
			postfix->values[i] = mem_copy_string("");
	if (postfix->smtp == NULL)
		postfix->smtp = mem_copy_string("");
}

bool outbound_postfix_uses(const struct outbound_postfix *postfix, const char *protocol)
{
	struct span rest = span_of(postfix->values[POSTFIX_INET_PROTOCOLS]);

	if (rest.length == 0)
		return true;
	for (struct span word = span_next_word(&rest, ", \t"); word.length > 0;
	     word = span_next_word(&rest, ", \t"))
		if (span_equals(word, SPAN("all")) || span_equals(word, span_of(protocol)))
			return true;
	return false;
}

/* json_string(), for text that the admin wrote in whatever encoding. */
static json_t *outbound_postfix_string(const char *text)
{
	json_t *string = json_string(text);

	return string != NULL ? string : json_string("");
}

static json_t *outbound_postfix_transport(void)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < sizeof(outbound_domains) / sizeof(outbound_domains[0]); i++)
		json_array_append_new(lines, json_sprintf("%-15s smtp-ipv4:", outbound_domains[i]));
	return lines;
}

static json_t *outbound_postfix_main(const char *maps, const char *file)
{
	json_t *lines = json_array();
	char *text = NULL;

	if (strstr(maps, file) != NULL)
		return lines;
	/* Behind what is there, which goes on to count first. */
	if (asprintf(&text, "transport_maps = %s%stexthash:%s", maps, maps[0] != '\0' ? ", " : "",
		     file) >= 0)
		json_array_append_new(lines, outbound_postfix_string(text));
	free(text);
	return lines;
}

/* The smtp service under another name, with its own options and one more.  Without a Postfix it is
 * not chrooted, as that works everywhere. */
static json_t *outbound_postfix_master(const struct outbound_postfix *postfix)
{
	const char *smtp = postfix->smtp[0] != '\0' ? postfix->smtp : "smtp unix - - n - - smtp";
	struct span rest = span_of(smtp), columns[MASTER_COLUMNS];
	json_t *lines = json_array();
	char *text = NULL;

	if (postfix->has_ipv4_service)
		return lines;
	for (size_t i = 0; i < MASTER_COLUMNS; i++)
		columns[i] = span_next_word(&rest, " \t");
	if (asprintf(&text, "smtp-ipv4 unix  %-7.*s %-7.*s %-7.*s %-7.*s %-7.*s %.*s",
		     (int)columns[2].length, columns[2].text, (int)columns[3].length,
		     columns[3].text, (int)columns[MASTER_CHROOT].length,
		     columns[MASTER_CHROOT].text, (int)columns[5].length, columns[5].text,
		     (int)columns[6].length, columns[6].text, (int)columns[MASTER_COMMAND].length,
		     columns[MASTER_COMMAND].text) >= 0)
		json_array_append_new(lines, outbound_postfix_string(text));
	free(text);
	rest = span_trim(rest);
	if (rest.length > 0) {
		text = mem_copy_text(rest.text, rest.length);
		json_array_append_new(lines, json_sprintf("  %s", text));
		free(text);
	}
	json_array_append_new(lines, json_string("  -o inet_protocols=ipv4"));
	return lines;
}

json_t *outbound_postfix_lines(const struct outbound_postfix *postfix)
{
	const char *directory = postfix->values[POSTFIX_CONFIG_DIRECTORY];
	char *file = NULL;

	if (asprintf(&file, "%s/" POSTFIX_FILE, directory[0] != '\0' ? directory : "/etc/postfix") <
	    0)
		return json_object();
	json_t *lines = json_pack(
		"{s:o, s:o, s:o, s:o, s:[s]}", "transport_file", outbound_postfix_string(file),
		"transport", outbound_postfix_transport(), "main_cf",
		outbound_postfix_main(postfix->values[POSTFIX_TRANSPORT_MAPS], file), "master_cf",
		outbound_postfix_master(postfix), "commands", "postfix reload");
	free(file);
	return lines;
}

void outbound_postfix_clear(struct outbound_postfix *postfix)
{
	for (size_t i = 0; i < POSTFIX_PARAMETER_COUNT; i++)
		free(postfix->values[i]);
	free(postfix->smtp);
	*postfix = (struct outbound_postfix){.is_there = false};
}
