/* SPDX-License-Identifier: BSD-2-Clause */
#include "netlist.h"

#include "memory.h"
#include "text_file.h"

#include <stdlib.h>

/* Where a pattern stands, for messages, and what led there. */
struct netlist_place {
	const char *file;
	unsigned line;
	const char *name;
	unsigned *files; /* that were included for this list */
	bool excludes;   /* within !/file/name */
};

/* Files that include each other would be read for ever; with a bound on the depth alone, as often
 * as that power of how often they do so. */
enum { NETLIST_FILES_MAX = 100 };

static void netlist_parse_at(struct netlist *list, struct span text, struct netlist_place place,
			     struct diag *diag);

/* NOLINTNEXTLINE(misc-no-recursion): NETLIST_DEPTH_MAX */
static void netlist_include(struct netlist *list, struct span path, struct netlist_place place,
			    struct diag *diag)
{
	char *name = mem_copy_text(path.text, path.length);
	struct text_file file = {0};
	struct span line;
	unsigned number;

	if (*place.files >= NETLIST_FILES_MAX) {
		diag_error(diag, place.file, place.line,
			   "%s: %s: %d files are included already, expected fewer; do they include "
			   "each other?",
			   place.name, name, NETLIST_FILES_MAX);
		goto out;
	}
	(*place.files)++;
	switch (text_file_read(&file, name, diag)) {
	case TEXT_FILE_MISSING:
		diag_error(diag, place.file, place.line, "%s: %s: no such file", place.name, name);
		break;
	case TEXT_FILE_FAILED:
		break;
	case TEXT_FILE_READ:
		while (text_file_next(&file, &line, &number))
			netlist_parse_at(list, line,
					 (struct netlist_place){name, number, place.name,
								place.files, place.excludes},
					 diag);
		break;
	}
out:
	text_file_clear(&file);
	free(name);
}

/* NOLINTNEXTLINE(misc-no-recursion): NETLIST_DEPTH_MAX */
static void netlist_parse_at(struct netlist *list, struct span text, struct netlist_place place,
			     struct diag *diag)
{
	for (;;) {
		struct span word = span_next_word(&text, ", \t\r\n");
		struct netlist_pattern pattern = {.excludes = place.excludes};
		if (word.length == 0)
			break;
		struct span whole = word;
		while (word.length > 0 && word.text[0] == '!') {
			pattern.excludes = !pattern.excludes;
			word = span_from(word, 1);
		}
		if (word.length > 0 && word.text[0] == '/') {
			struct netlist_place within = place;
			within.excludes = pattern.excludes;
			netlist_include(list, word, within, diag);
			continue;
		}
		const char *why = network_parse(word, &pattern.network);
		if (why != NULL) {
			diag_error(diag, place.file, place.line,
				   "%s: \"%.*s\": %s; expected networks such as 192.0.2.0/24 "
				   "[2001:db8::]/32, !192.0.2.9 to exclude, or /file/name",
				   place.name, (int)whole.length, whole.text, why);
			continue;
		}
		list->patterns =
			mem_resize(list->patterns, (list->count + 1) * sizeof(*list->patterns));
		list->patterns[list->count++] = pattern;
	}
}

void netlist_parse(struct netlist *list, struct span text, const char *file, unsigned line,
		   const char *name, struct diag *diag)
{
	unsigned files = 0;

	*list = (struct netlist){0};
	netlist_parse_at(list, text, (struct netlist_place){file, line, name, &files, false}, diag);
}

bool netlist_contains(const struct netlist *list, const struct netaddr *addr)
{
	for (size_t i = 0; i < list->count; i++)
		if (network_contains(&list->patterns[i].network, addr))
			return !list->patterns[i].excludes;
	return false;
}

void netlist_clear(struct netlist *list)
{
	free(list->patterns);
	*list = (struct netlist){0};
}
