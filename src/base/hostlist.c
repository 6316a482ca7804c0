/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostlist.h"

#include "host_pattern.h"
#include "memory.h"

#include <stdlib.h>

/* Whether the word is meant as a name: networks have digits, colons and brackets alone, and files a
 * slash. */
static bool hostlist_is_name(struct span word)
{
	if (span_find(word, '/') < word.length || span_find(word, ':') < word.length)
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (ascii_lower(word.text[i]) >= 'a' && ascii_lower(word.text[i]) <= 'z')
			return true;
	return word.text[0] == '.';
}

/* NULL, or what is wrong with the name. */
static const char *hostlist_add_suffix(struct hostlist *list, struct span word)
{
	if (word.text[0] != '.')
		return word.text[0] == '!' ? "a name cannot be excluded"
					   : "a name without a dot in front";
	char *suffix = mem_copy_text(word.text, word.length);
	for (char *c = suffix; *c != '\0'; c++)
		*c = ascii_lower(*c);
	const char *why = host_pattern_check(span_of(suffix));
	if (why != NULL) {
		free(suffix);
		return why;
	}

	list->suffixes =
		mem_resize(list->suffixes, (list->suffix_count + 1) * sizeof(*list->suffixes));
	list->suffixes[list->suffix_count++] = suffix;
	return NULL;
}

void hostlist_parse(struct hostlist *list, struct span text, const char *file, unsigned line,
		    const char *name, struct diag *diag)
{
	/* The names are taken out, and what is left is a list of networks. */
	char *networks = mem_alloc(text.length + 1);
	size_t length = 0;

	*list = (struct hostlist){0};
	for (;;) {
		struct span word = span_next_word(&text, ", \t\r\n");
		if (word.length == 0)
			break;
		if (hostlist_is_name(word)) {
			const char *why = hostlist_add_suffix(list, word);
			if (why != NULL)
				diag_error(diag, file, line,
					   "%s: \"%.*s\": %s; expected networks such as "
					   "192.0.2.0/24 [2001:db8::]/32, or names such as "
					   ".forward.example",
					   name, (int)(word.length < 80 ? word.length : 80),
					   word.text, why);
			continue;
		}

		memcpy(networks + length, word.text, word.length);
		length += word.length;
		networks[length++] = ' ';
	}
	netlist_parse(&list->networks, (struct span){networks, length}, file, line, name, diag);
	free(networks);
}

bool hostlist_contains(const struct hostlist *list, const struct netaddr *addr, struct span name)
{
	for (size_t i = 0; i < list->suffix_count; i++) {
		struct span suffix = span_of(list->suffixes[i]);
		if (name.length > suffix.length &&
		    span_equals_nocase(span_from(name, name.length - suffix.length), suffix))
			return true;
	}
	return netlist_contains(&list->networks, addr);
}

void hostlist_clear(struct hostlist *list)
{
	for (size_t i = 0; i < list->suffix_count; i++)
		free(list->suffixes[i]);
	free(list->suffixes);
	netlist_clear(&list->networks);
	*list = (struct hostlist){0};
}
