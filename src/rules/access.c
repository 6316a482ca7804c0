/* SPDX-License-Identifier: BSD-2-Clause */
#include "access.h"

#include "base/memory.h"
#include "base/netaddr.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "base/text_map.h"
#include "sender.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	/* Room for the longest address that smtpd takes (line_length_limit). */
	ACCESS_KEY_SIZE = 2048,
	/* An SMTP reply line has 512 bytes (RFC 5321 4.5.3.1.5); Postfix puts the address before.
	 */
	ACCESS_TEXT_MAX = 400,
};

struct access_table {
	char *path;           /* owned */
	struct text_map keys; /* number of the entry, by key in lower case */
	struct access_entry *entries;
	size_t count;
	size_t size;
};

/* A word of access(5) that can stand alone or before a text. */
struct access_word {
	struct span word;
	enum access_action action;
};

static const struct access_word access_words[] = {
	{SPAN("OK"), ACCESS_OK},
	{SPAN("DUNNO"), ACCESS_DUNNO},
	{SPAN("REJECT"), ACCESS_REJECT},
	{SPAN("DEFER"), ACCESS_DEFER},
	{SPAN("DEFER_IF_PERMIT"), ACCESS_DEFER},
};

static bool access_is_digits(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!ascii_is_digit(text.text[i]))
			return false;
	return text.length > 0;
}

/* Whether word is a reply code that refuses: 4NN or 5NN. */
static bool access_is_code(struct span word)
{
	return word.length == 3 && access_is_digits(word) &&
	       (word.text[0] == '4' || word.text[0] == '5');
}

/* What value says; false when it says nothing that we know. */
static bool access_parse_value(struct span value, enum access_action *action)
{
	struct span rest = value;
	struct span word = span_next_word(&rest, " \t");

	if (access_is_digits(value)) {
		*action = ACCESS_OK;
		return true;
	}
	if (access_is_code(word)) {
		*action = word.text[0] == '4' ? ACCESS_DEFER : ACCESS_REJECT;
		return true;
	}
	for (size_t i = 0; i < sizeof(access_words) / sizeof(access_words[0]); i++) {
		if (span_equals_nocase(word, access_words[i].word)) {
			*action = access_words[i].action;
			return true;
		}
	}
	return false;
}

/*
 * Split a line as postmap(1) does: the key ends at the first blank outside of quotes, a backslash
 * takes the next byte as it is.  The key is written to key without quotes and backslashes, in lower
 * case.  NULL, or what is wrong.
 */
static const char *access_split(struct span line, char *key, size_t *key_length, struct span *value)
{
	bool quoted = false;
	size_t used = 0, at = 0;

	for (; at < line.length; at++) {
		char c = line.text[at];
		if (c == '\\' && at + 1 < line.length) {
			c = line.text[++at];
		} else if (c == '"') {
			quoted = !quoted;
			continue;
		} else if (!quoted && (c == ' ' || c == '\t')) {
			break;
		}
		if (used == ACCESS_KEY_SIZE)
			return "the pattern is too long";
		key[used++] = ascii_lower(c);
	}
	if (quoted)
		return "a quote is not closed";
	if (used == 0)
		return "the pattern is empty";
	*key_length = used;
	*value = span_trim(span_from(line, at));
	return NULL;
}

/* What other programs' tables have and access(5) has not: such a pattern would match nothing. */
static const char *access_check_pattern(struct span key)
{
	struct network network;

	if (key.text[0] == '/')
		return "matches no address; regular expressions are not understood here";
	if (key.text[0] == '@' || span_starts_with(key, SPAN("*@")))
		return "matches no address; for a whole domain write the domain alone";
	if (key.text[0] == '*')
		return "matches no address; a domain covers what is below it by itself";
	if (key.text[key.length - 1] == '.')
		return "matches no address; write domains without a dot at the end";
	if (network_parse(key, &network) == NULL && key.text[0] != '[')
		return "matches no address; clients by address belong into mynetworks";
	return NULL;
}

/* A table while it is read. */
struct access_reading {
	struct access_table *table;
	const char *path;
	struct diag *diag;
};

/* What of a text from the file is shown in a message. */
#define SHOWN(span) (int)((span).length < 80 ? (span).length : 80), (span).text

/* Whether value, without tabs, is a result that we know; if not, that is told. */
static bool access_check_value(const struct access_reading *reading, unsigned number,
			       struct span key, struct span value, enum access_action *action)
{
	static const char expected[] = "expected OK, DUNNO, REJECT [text], DEFER [text], "
				       "DEFER_IF_PERMIT [text], 4NN text or 5NN text";
	struct diag *diag = reading->diag;
	const char *path = reading->path;

	if (value.length == 0)
		diag_error(diag, path, number, "%.*s: the result is missing; %s", SHOWN(key),
			   expected);
	else if (!access_parse_value(value, action))
		diag_error(diag, path, number, "%.*s: \"%.*s\": %s", SHOWN(key), SHOWN(value),
			   expected);
	else if (!printable_is_clean(value))
		diag_error(diag, path, number,
			   "%.*s: the text has control characters, or bytes that are not UTF-8",
			   SHOWN(key));
	else
		return true;
	return false;
}

/* What is right, but perhaps not meant. */
static void access_warn(const struct access_reading *reading, unsigned number, struct span key,
			struct span value)
{
	const char *why = access_check_pattern(key);

	if (why != NULL)
		diag_warning(reading->diag, reading->path, number, "%.*s: %s", SHOWN(key), why);
	if (access_is_code(value))
		diag_warning(reading->diag, reading->path, number,
			     "%.*s: %.*s alone means OK, as in access(5); to refuse, write a text "
			     "behind it",
			     SHOWN(key), SHOWN(value));
}

static void access_append(struct access_table *table, struct access_entry entry)
{
	if (table->count == table->size) {
		table->size = table->size > 0 ? 2 * table->size : 64;
		table->entries = mem_resize(table->entries, table->size * sizeof(*table->entries));
	}
	table->entries[table->count++] = entry;
}

static void access_add(struct span line, unsigned number, void *arg)
{
	const struct access_reading *reading = arg;
	struct access_table *table = reading->table;
	char key_text[ACCESS_KEY_SIZE], text[ACCESS_TEXT_MAX];
	struct span key = {key_text, 0}, value;
	enum access_action action;

	const char *why = access_split(line, key_text, &key.length, &value);
	if (why != NULL) {
		diag_error(reading->diag, reading->path, number,
			   "%s; expected: address-or-domain action", why);
		return;
	}
	if (value.length > sizeof(text)) {
		diag_error(reading->diag, reading->path, number,
			   "%.*s: the text has %zu bytes; at most %zu", SHOWN(key), value.length,
			   sizeof(text));
		return;
	}
	/* Tabs separate words as blanks do (access(5)); in an answer they would be control
	 * characters. */
	for (size_t i = 0; i < value.length; i++)
		text[i] = value.text[i] == '\t' ? ' ' : value.text[i];
	value.text = text;
	if (!access_check_value(reading, number, key, value, &action))
		return;
	access_warn(reading, number, key, value);

	unsigned entry = (unsigned)table->count;
	if (!text_map_add(&table->keys, key, &entry))
		diag_warning(reading->diag, reading->path, number,
			     "%.*s: is in line %u already, which counts", SHOWN(key),
			     table->entries[entry].line);
	else
		access_append(table,
			      (struct access_entry){action, mem_copy_text(value.text, value.length),
						    mem_copy_text(key.text, key.length), number});
}

struct access_table *access_read(const char *path, bool may_be_missing, struct diag *diag)
{
	struct access_table *table = mem_alloc(sizeof(*table));
	struct access_reading reading = {table, path, diag};
	size_t errors_before = diag->error_count;

	table->path = mem_copy_text(path, strlen(path));

	if (path[0] != '\0')
		text_file_each_line(path, may_be_missing, access_add, &reading, diag);
	if (diag->error_count != errors_before)
		access_free(&table);
	return table;
}

static const struct access_entry *access_find_key(const struct access_table *table, struct span key)
{
	unsigned entry;
	if (key.length == 0 || !text_map_find(&table->keys, key, &entry))
		return NULL;
	return &table->entries[entry];
}

/* domain, then for each parent, nearest first, .parent and parent. */
static const struct access_entry *access_find_domain(const struct access_table *table,
						     struct span domain)
{
	const struct access_entry *entry = access_find_key(table, domain);
	/* An address literal has no parents. */
	if (entry != NULL || domain.length == 0 || domain.text[0] == '[')
		return entry;
	for (size_t dot = span_find(domain, '.'); entry == NULL && dot < domain.length;
	     dot = span_find(domain, '.')) {
		entry = access_find_key(table, span_from(domain, dot));
		domain = span_from(domain, dot + 1);
		if (entry == NULL)
			entry = access_find_key(table, domain);
	}
	return entry;
}

/* The length of local without its extension, as Postfix's split_addr() finds it. */
static size_t access_base_length(struct span local, struct span delimiters)
{
	static const struct span whole[] = {SPAN("postmaster"), SPAN("mailer-daemon"),
					    SPAN("double-bounce")};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (span_equals(local, whole[i]))
			return local.length;
	/* With "-" among the delimiters, lists' owner-x and x-request are no extensions. */
	if (span_find(delimiters, '-') < delimiters.length &&
	    (span_starts_with(local, SPAN("owner-")) ||
	     (local.length >= 8 &&
	      span_equals(span_from(local, local.length - 8), SPAN("-request")))))
		return local.length;
	for (size_t at = 0; at < local.length; at++)
		if (span_find(delimiters, local.text[at]) < delimiters.length)
			return at > 0 ? at : local.length;
	return local.length;
}

/* user@domain or user@, put together in key. */
static const struct access_entry *access_find_user(const struct access_table *table,
						   struct span user, struct span at_domain)
{
	char key[2 * ACCESS_KEY_SIZE];
	memcpy(key, user.text, user.length);
	memcpy(key + user.length, at_domain.text, at_domain.length);
	return access_find_key(table, (struct span){key, user.length + at_domain.length});
}

const struct access_entry *access_find(const struct access_table *table, struct span address,
				       struct span delimiters)
{
	char folded[ACCESS_KEY_SIZE];

	if (table->count == 0)
		return NULL;
	if (address.length == 0)
		return access_find_key(table, SPAN("<>"));
	/* No key is as long as that; but its domain may have one. */
	if (address.length > sizeof(folded))
		address = span_from(address, address_local_part(address).length);
	if (address.length > sizeof(folded))
		return NULL;
	for (size_t i = 0; i < address.length; i++)
		folded[i] = ascii_lower(address.text[i]);
	address.text = folded;
	/* smtpd hands it on as the client wrote it; Postfix's own look-up comes after that is
	 * resolved, which takes one dot from the end of a domain. */
	if (address.length > 2 && address.text[address.length - 1] == '.' &&
	    !ascii_is_one_of(address.text[address.length - 2], ".@"))
		address.length--;

	struct span local = address_local_part(address);
	struct span at_domain = span_from(address, local.length);
	struct span base = span_first(local, access_base_length(local, delimiters));
	bool has_extension = base.length < local.length;

	const struct access_entry *entry = access_find_key(table, address);
	if (entry == NULL && has_extension)
		entry = access_find_user(table, base, at_domain);
	if (entry == NULL)
		entry = access_find_domain(table, address_domain(address));
	if (entry == NULL && local.length > 0)
		entry = access_find_user(table, local, SPAN("@"));
	if (entry == NULL && has_extension)
		entry = access_find_user(table, base, SPAN("@"));
	return entry;
}

const char *access_path(const struct access_table *table)
{
	return table->path;
}

size_t access_count(const struct access_table *table)
{
	return table->count;
}

void access_free(struct access_table **table)
{
	if (*table == NULL)
		return;
	for (size_t i = 0; i < (*table)->count; i++) {
		free((*table)->entries[i].answer);
		free((*table)->entries[i].pattern);
	}
	free((*table)->path);
	free((*table)->entries);
	text_map_clear(&(*table)->keys);
	free(*table);
	*table = NULL;
}
