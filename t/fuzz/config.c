/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sixgate.conf and -o: a text becomes settings, or messages.
 *
 * The input is the file; behind a line "--" the overrides, one a line; behind another the text of
 * the file that lists of networks include, whatever name they give.  What is taken without an error
 * is printed as sixgated -n does, and read again, which has to give the same settings.
 */
#include "base/config.h"

#include "base/memory.h"
#include "base/printable.h"
#include "rig/input.h"
#include "rig/memory_file.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OVERRIDES_MAX = 8 };

/* The overrides, as main() gets them: without a NUL; the caller frees each. */
static size_t config_take_overrides(struct span text, const struct memory_file *included,
				    char *overrides[static OVERRIDES_MAX])
{
	size_t count = 0, length;

	while (text.length > 0 && count < OVERRIDES_MAX)
		overrides[count++] = memory_file_lead_to(input_line(&text), included, &length);
	return count;
}

static void config_check_messages(const struct diag *diag)
{
	size_t errors = 0;

	assert(diag->line_count <= diag->error_count + diag->warning_count);
	for (size_t i = 0; i < diag->line_count; i++) {
		assert(printable_is_clean(span_of(diag->lines[i].text)));
		errors += diag->lines[i].is_error;
	}
	assert(errors <= diag->error_count && (errors > 0) == (diag->error_count > 0));
}

/* Once more, from what is printed. */
static void config_check_printed(const struct config *config)
{
	char *text = NULL;
	size_t length = 0;
	struct memory_file file;
	struct diag diag = {0};
	FILE *to = open_memstream(&text, &length);

	config_print(config, to);
	fclose(to);
	memory_file_open(&file, (struct span){text, length});
	struct config *again = config_read(file.path, NULL, 0, &diag);
	assert(diag.error_count == 0);
	for (size_t row = 0; row < config_table_count; row++)
		assert(config_is_same(config, again, row));
	assert(config->mynetworks.count == again->mynetworks.count);
	assert(config->trusted_forwarders.suffix_count == again->trusted_forwarders.suffix_count);
	assert(config->policy_listen.count == again->policy_listen.count);
	config_warn_restarts(config, again, &diag);
	assert(diag.error_count == 0);
	config_free(&again);
	diag_clear(&diag);
	memory_file_close(&file);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span text = input_part(&rest), overriding = input_part(&rest);
	char *overrides[OVERRIDES_MAX];
	struct memory_file included, file;
	struct diag diag = {0};

	/* It may include itself. */
	memory_file_open(&included, rest);
	memory_file_open_leading_to(&file, text, &included);
	size_t count = config_take_overrides(overriding, &included, overrides);
	struct config *config = config_read(file.path, overrides, count, &diag);
	config_check_messages(&diag);
	if (diag.error_count == 0)
		config_check_printed(config);
	config_free(&config);
	diag_clear(&diag);
	while (count > 0)
		free(overrides[--count]);
	memory_file_close(&file);
	memory_file_close(&included);
	return 0;
}
