/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_type.h"

#include "memory.h"
#include "printable.h"

#include <stdlib.h>

/* A value for a message: cut, so that a pasted page does not hide what is wrong with it. */
#define SHOWN(span) (int)((span).length < 80 ? (span).length : 80), (span).text

static void setting_clear_string(void *field)
{
	char **string = field;
	free(*string);
	*string = NULL;
}

static void setting_parse_string(const struct setting *setting, struct span text,
				 struct config_place place, void *field, struct diag *diag)
{
	char *copy = mem_copy_text(text.text, text.length);

	/* A line that continues another may begin with a tab. */
	for (char *tab = copy; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
	if (!printable_is_clean(span_of(copy)))
		diag_error(diag, place.file, place.line,
			   "%s: control characters or bytes that are not UTF-8", setting->name);
	*(char **)field = copy;
}

static void setting_parse_reply(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	/* RFC 5321 4.5.3.1.5: a reply line has 512 bytes, and Postfix puts the recipient before. */
	enum { REPLY_MAX = 200 };
	setting_parse_string(setting, text, place, field, diag);
	if (text.length > REPLY_MAX || text.length == 0)
		diag_error(diag, place.file, place.line,
			   "%s: expected a text of 1 to %d bytes, it has %zu", setting->name,
			   REPLY_MAX, text.length);
}

static void setting_parse_store(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	setting_parse_string(setting, text, place, field, diag);
	if (!span_starts_with(text, SPAN("sqlite:")) || text.length == sizeof("sqlite:") - 1)
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected sqlite:/path/to/file", setting->name,
			   SHOWN(text));
}

static void setting_clear_path(void *field)
{
	struct config_path *path = field;
	setting_clear_string(&path->path);
}

static void setting_parse_path(const struct setting *setting, struct span text,
			       struct config_place place, void *field, struct diag *diag)
{
	struct config_path *path = field;
	setting_parse_string(setting, text, place, &path->path, diag);
	path->is_default = span_equals(text, span_of(setting->default_text));
	path->file = place.file;
	path->line = place.line;
}

static void setting_parse_table(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	/* Their source text is what postmap(1) reads, and so do we. */
	static const char *const indexed[] = {
		"hash:", "btree:", "lmdb:", "cdb:", "dbm:", "texthash:"};

	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++) {
		if (span_starts_with(text, span_of(indexed[i]))) {
			text = span_from(text, strlen(indexed[i]));
			break;
		}
	}
	size_t colon = span_find(text, ':'), slash = span_find(text, '/');
	if (colon >= slash || colon == text.length)
		return setting_parse_path(setting, text, place, field, diag);
	setting_parse_path(setting, SPAN(""), place, field, diag);
	diag_error(diag, place.file, place.line,
		   "%s: \"%.*s\": expected the name of a text file, with or without hash:, "
		   "btree:, lmdb:, cdb:, dbm: or texthash: before it",
		   setting->name, SHOWN(text));
}

/* Digits and perhaps a unit; false when text is something else or too large for 63 bits. */
static bool setting_scan_number(struct span text, int64_t *number, struct span *unit)
{
	size_t digits = 0;
	*number = 0;
	while (digits < text.length && ascii_is_digit(text.text[digits])) {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, text.text[digits] - '0', number))
			return false;
		digits++;
	}
	*unit = span_trim(span_from(text, digits));
	return digits > 0;
}

struct setting_unit {
	char letter; /* lower case */
	int64_t factor;
};

/* A number with one of units behind it (the first is the one meant when there is none). */
static bool setting_scan_with_unit(struct span text, const struct setting_unit *units, size_t count,
				   int64_t *number)
{
	struct span unit;
	if (!setting_scan_number(text, number, &unit))
		return false;
	if (unit.length == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (unit.length == 1 && ascii_lower(unit.text[0]) == units[i].letter)
			return !__builtin_mul_overflow(*number, units[i].factor, number);
	return false;
}

static void setting_parse_time(const struct setting *setting, struct span text,
			       struct config_place place, void *field, struct diag *diag)
{
	static const struct setting_unit units[] = {
		{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	int64_t seconds = 0;
	bool is_time;

	if (text.length > 2 && span_equals_nocase(span_from(text, text.length - 2), SPAN("ms"))) {
		/* Nothing here goes by less than a second: the next whole one. */
		is_time = setting_scan_with_unit(span_trim(span_first(text, text.length - 2)), NULL,
						 0, &seconds);
		seconds = seconds / 1000 + (seconds % 1000 > 0);
	} else {
		is_time = setting_scan_with_unit(text, units, sizeof(units) / sizeof(units[0]),
						 &seconds);
	}
	if (!is_time || seconds < setting->min || seconds > setting->max)
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected a time from %llds to %llds, in "
			   "s, m, h, d or w, such as %s",
			   setting->name, SHOWN(text), (long long)setting->min,
			   (long long)setting->max, setting->default_text);
	*(int64_t *)field = seconds;
}

static void setting_parse_count(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	int64_t number = 0;
	if (!setting_scan_with_unit(text, NULL, 0, &number) || number < setting->min ||
	    number > setting->max)
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected a number from %lld to %lld", setting->name,
			   SHOWN(text), (long long)setting->min, (long long)setting->max);
	*(int64_t *)field = number;
}

static void setting_parse_size(const struct setting *setting, struct span text,
			       struct config_place place, void *field, struct diag *diag)
{
	static const struct setting_unit units[] = {
		{'k', 1024}, {'m', 1024 * 1024}, {'g', 1024 * 1024 * 1024}};
	int64_t bytes = 0;
	bool is_size =
		setting_scan_with_unit(text, units, sizeof(units) / sizeof(units[0]), &bytes);
	if (!is_size || bytes < setting->min || bytes > setting->max)
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected a size in bytes from %lld to %lld, such as %s",
			   setting->name, SHOWN(text), (long long)setting->min,
			   (long long)setting->max, setting->default_text);
	*(int64_t *)field = bytes;
}

static void setting_parse_file_mode(const struct setting *setting, struct span text,
				    struct config_place place, void *field, struct diag *diag)
{
	int64_t mode = 0;
	bool is_mode = text.length >= 3 && text.length <= 4;
	for (size_t i = 0; is_mode && i < text.length; i++) {
		is_mode = text.text[i] >= '0' && text.text[i] <= '7';
		mode = mode * 8 + (text.text[i] - '0');
	}
	if (!is_mode || mode > 0777)
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected permissions in octal, such as 0660",
			   setting->name, SHOWN(text));
	*(int64_t *)field = mode;
}

/* All words that may be written, for a message: "a, b or c". */
static void setting_list_choices(const struct setting *setting, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (int i = 0; setting->choices[i] != NULL && used < size; i++) {
		const char *separator = i == 0                            ? ""
					: setting->choices[i + 1] == NULL ? " or "
									  : ", ";
		used += (size_t)snprintf(out + used, size - used, "%s%s", separator,
					 setting->choices[i]);
	}
}

/* The number of the word, or -1 when there is no such choice. */
static int setting_find_choice(const struct setting *setting, struct span word)
{
	for (int i = 0; setting->choices[i] != NULL; i++)
		if (span_equals_nocase(word, span_of(setting->choices[i])))
			return i;
	return -1;
}

static void setting_parse_choice(const struct setting *setting, struct span text,
				 struct config_place place, void *field, struct diag *diag)
{
	char expected[128];
	int choice = setting_find_choice(setting, text);

	if (choice >= 0) {
		*(int *)field = choice;
		return;
	}
	setting_list_choices(setting, expected, sizeof(expected));
	diag_error(diag, place.file, place.line, "%s: \"%.*s\": expected %s", setting->name,
		   SHOWN(text), expected);
}

static void setting_parse_set(const struct setting *setting, struct span text,
			      struct config_place place, void *field, struct diag *diag)
{
	char expected[128];
	bool is_empty = true;
	int set = 0;

	setting_list_choices(setting, expected, sizeof(expected));

	for (;;) {
		struct span word = span_next_word(&text, ", \t\r\n");
		if (word.length == 0)
			break;
		int choice = setting_find_choice(setting, word);
		is_empty = false;
		if (choice >= 0)
			set |= 1 << choice;
		else
			diag_error(diag, place.file, place.line,
				   "%s: \"%.*s\": expected %s, or several of them", setting->name,
				   SHOWN(word), expected);
	}
	if (is_empty)
		diag_error(diag, place.file, place.line,
			   "%s: is empty; expected %s, or several of them", setting->name,
			   expected);
	*(int *)field = set;
}

static void setting_clear_networks(void *field)
{
	netlist_clear(field);
}

static void setting_parse_networks(const struct setting *setting, struct span text,
				   struct config_place place, void *field, struct diag *diag)
{
	netlist_parse(field, text, place.file, place.line, setting->name, diag);
}

static void setting_parse_token(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	enum { NAME_MAX_BYTES = 253 };

	setting_parse_string(setting, text, place, field, diag);
	if (text.length > NAME_MAX_BYTES || (text.length > 0 && !span_is_token(text)))
		diag_error(diag, place.file, place.line,
			   "%s: \"%.*s\": expected one word of at most %d bytes, such as "
			   "mx.example.org",
			   setting->name, SHOWN(text), NAME_MAX_BYTES);
}

static void setting_clear_hosts(void *field)
{
	hostlist_clear(field);
}

static void setting_parse_hosts(const struct setting *setting, struct span text,
				struct config_place place, void *field, struct diag *diag)
{
	hostlist_parse(field, text, place.file, place.line, setting->name, diag);
}

static void setting_parse_servers(const struct setting *setting, struct span text,
				  struct config_place place, void *field, struct diag *diag)
{
	size_t count = 0;

	setting_parse_string(setting, text, place, field, diag);
	for (;;) {
		struct span word = span_next_word(&text, ", \t\r\n"), port;
		struct netaddr addr;
		if (word.length == 0)
			break;
		if (++count == CONFIG_DNS_SERVERS_MAX + 1)
			diag_error(diag, place.file, place.line, "%s: expected at most %d servers",
				   setting->name, CONFIG_DNS_SERVERS_MAX);
		if (!netaddr_parse_with_port(word, &addr, &port) ||
		    span_find(word, '%') < word.length || !netaddr_is_host(&addr))
			diag_error(diag, place.file, place.line,
				   "%s: \"%.*s\": expected an address: ADDR, ADDR:PORT or "
				   "[ADDR]:PORT, such as 192.0.2.1 or [2001:db8::1]:5353",
				   setting->name, SHOWN(word));
	}
}

static void setting_clear_endpoints(void *field)
{
	struct endpoint_list *list = field;
	for (size_t i = 0; i < list->count; i++)
		endpoint_clear(&list->items[i]);
	free(list->items);
	*list = (struct endpoint_list){0};
}

static void setting_parse_unix_endpoint(const struct setting *setting, struct span text,
					struct config_place place, void *field, struct diag *diag)
{
	struct endpoint_list *list = field;

	text = span_trim(text);
	if (text.length == 0)
		return;
	list->items = mem_alloc(sizeof(*list->items));
	list->count = 1;
	const char *why = endpoint_parse(&list->items[0], text);
	if (why == NULL && list->items[0].kind != ENDPOINT_UNIX)
		why = "expected unix:PATH; only there the kernel tells who is asking";
	if (why != NULL)
		diag_error(diag, place.file, place.line, "%s: \"%.*s\": %s", setting->name,
			   SHOWN(text), why);
}

static void setting_parse_endpoints(const struct setting *setting, struct span text,
				    struct config_place place, void *field, struct diag *diag)
{
	struct endpoint_list *list = field;
	for (;;) {
		struct span word = span_next_word(&text, ", \t\r\n");
		if (word.length == 0)
			break;
		list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
		const char *why = endpoint_parse(&list->items[list->count++], word);
		if (why != NULL)
			diag_error(diag, place.file, place.line, "%s: \"%.*s\": %s", setting->name,
				   SHOWN(word), why);
		for (size_t i = 0; i + 1 < list->count; i++)
			if (span_equals(word, span_of(list->items[i].text)))
				diag_error(diag, place.file, place.line,
					   "%s: \"%.*s\": is listed twice", setting->name,
					   SHOWN(word));
	}
	if (list->count == 0)
		diag_error(diag, place.file, place.line,
			   "%s: is empty; expected unix:PATH, inet:HOST:PORT or inet:[ADDR]:PORT",
			   setting->name);
}

const struct setting_type setting_string = {setting_parse_string, setting_clear_string, 0};
const struct setting_type setting_token = {setting_parse_token, setting_clear_string, 0};
const struct setting_type setting_reply = {setting_parse_reply, setting_clear_string, 0};
const struct setting_type setting_store = {setting_parse_store, setting_clear_string, 0};
const struct setting_type setting_path = {setting_parse_path, setting_clear_path, 0};
const struct setting_type setting_table = {setting_parse_table, setting_clear_path, 0};
const struct setting_type setting_time = {setting_parse_time, NULL, sizeof(int64_t)};
const struct setting_type setting_count = {setting_parse_count, NULL, sizeof(int64_t)};
const struct setting_type setting_size = {setting_parse_size, NULL, sizeof(int64_t)};
const struct setting_type setting_file_mode = {setting_parse_file_mode, NULL, sizeof(int64_t)};
const struct setting_type setting_choice = {setting_parse_choice, NULL, sizeof(int)};
const struct setting_type setting_set = {setting_parse_set, NULL, sizeof(int)};
const struct setting_type setting_hosts = {setting_parse_hosts, setting_clear_hosts, 0};
const struct setting_type setting_servers = {setting_parse_servers, setting_clear_string, 0};
const struct setting_type setting_networks = {setting_parse_networks, setting_clear_networks, 0};
const struct setting_type setting_endpoints = {setting_parse_endpoints, setting_clear_endpoints, 0};
const struct setting_type setting_unix_endpoint = {setting_parse_unix_endpoint,
						   setting_clear_endpoints, 0};
