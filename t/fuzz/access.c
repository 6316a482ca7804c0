/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sender_access and recipient_access: a table, and addresses that are looked up in it.
 *
 * The input is the delimiters in a line, the table, and behind a line "--" addresses, one a line.
 * What is found is an answer that Postfix takes, and it does not depend on the case of the address.
 */
#include "rules/access.h"

#include "base/memory.h"
#include "base/printable.h"
#include "rig/input.h"
#include "rig/memory_file.h"
#include "rules/verdict.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The entry has to be for the address: its pattern is the address, or "<>", or is made of pieces of
 * it. */
static void access_check_entry(const struct access_entry *entry, struct span address)
{
	struct span pattern = span_of(entry->pattern);

	assert(entry->line > 0 && pattern.length > 0);
	assert(pattern.length <= address.length + 1 || address.length == 0);
	assert((address.length == 0) == span_equals(pattern, SPAN("<>")) || address.length > 0);
	for (size_t i = 0; address.length > 0 && i < pattern.length; i++)
		assert(pattern.text[i] == '@' ||
		       span_find(address, pattern.text[i]) < address.length ||
		       (pattern.text[i] >= 'a' && pattern.text[i] <= 'z'));
	for (size_t reason = REASON_RECIPIENT_ACCESS; reason <= REASON_SENDER_ACCESS; reason++) {
		struct verdict verdict = verdict_access((enum verdict_reason)reason, entry);
		assert(verdict.answer[0] != '\0' && printable_is_clean(span_of(verdict.answer)));
		assert(verdict.table_line == entry->line);
	}
}

static void access_look_up(const struct access_table *table, struct span address,
			   struct span delimiters)
{
	const struct access_entry *entry = access_find(table, address, delimiters);
	char *other = mem_copy_text(address.text, address.length);

	for (size_t i = 0; i < address.length; i++)
		if (ascii_lower(other[i]) >= 'a' && ascii_lower(other[i]) <= 'z')
			other[i] ^= 'a' ^ 'A';
	assert(access_find(table, (struct span){other, address.length}, delimiters) == entry);
	free(other);
	if (entry != NULL)
		access_check_entry(entry, address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span delimiters = input_line(&rest), text = input_part(&rest);
	struct memory_file file;
	struct diag diag = {0};

	memory_file_open(&file, text);
	struct access_table *table = access_read(file.path, false, &diag);
	assert((table == NULL) == (diag.error_count > 0));
	for (size_t i = 0; i < diag.line_count; i++)
		assert(printable_is_clean(span_of(diag.lines[i].text)));
	if (table != NULL) {
		access_look_up(table, SPAN(""), delimiters);
		while (rest.length > 0)
			access_look_up(table, input_line(&rest), delimiters);
	}
	access_free(&table);
	diag_clear(&diag);
	memory_file_close(&file);
	return 0;
}
