/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "memory.h"
#include "text_file.h"

#include <stdlib.h>

/* What is known of a setting while the files are read: the last text that was written for it. */
struct config_draft {
	char *text[CONFIG_SETTINGS_MAX];       /* owned; NULL: nothing written */
	const char *file[CONFIG_SETTINGS_MAX]; /* borrowed from the caller of config_read() */
	unsigned line[CONFIG_SETTINGS_MAX];
};

static void *config_field(struct config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

static const void *config_field_const(const struct config *config, const struct setting *setting)
{
	return (const char *)config + setting->offset;
}

static bool config_find_setting(struct span name, size_t *row)
{
	for (size_t i = 0; i < config_table_count; i++) {
		if (span_equals(name, span_of(config_table[i].name))) {
			*row = i;
			return true;
		}
	}
	return false;
}

/* Take one "name = value". */
static void config_draft_line(struct config_draft *draft, struct span line,
			      struct config_place place, bool is_override, struct diag *diag)
{
	size_t equals = span_find(line, '=');
	struct span name = span_trim(span_first(line, equals));
	size_t row;

	if (equals == line.length || name.length == 0) {
		diag_error(diag, place.file, place.line, "\"%.*s\": expected name = value",
			   (int)(line.length < 80 ? line.length : 80), line.text);
		return;
	}
	struct span value = span_trim(span_from(line, equals + 1));
	if (!config_find_setting(name, &row)) {
		diag_error(diag, place.file, place.line,
			   "%.*s: there is no such setting; sixgate.conf(5) lists them",
			   (int)(name.length < 80 ? name.length : 80), name.text);
		return;
	}
	if (draft->text[row] != NULL && !is_override)
		diag_warning(diag, place.file, place.line, "%s: replaces the value of line %u",
			     config_table[row].name, draft->line[row]);
	free(draft->text[row]);
	draft->text[row] = mem_copy_text(value.text, value.length);
	draft->file[row] = place.file;
	draft->line[row] = place.line;
}

/* The file while it is read. */
struct config_reading {
	struct config_draft *draft;
	const char *file;
	struct diag *diag;
};

static void config_take_line(struct span line, unsigned number, void *arg)
{
	const struct config_reading *reading = arg;
	config_draft_line(reading->draft, line, (struct config_place){reading->file, number}, false,
			  reading->diag);
}

bool config_is_written(const struct config *config, const char *name)
{
	size_t row;
	return config_find_setting(span_of(name), &row) && config->written[row] != NULL;
}

/* What no single setting can tell. */
static void config_check_together(const struct config *config, const char *file, struct diag *diag)
{
	if (config->greylist_delay_s >= config->greylist_retry_window_s)
		diag_error(diag, file, 0,
			   "greylist_delay: is not shorter than greylist_retry_window, so that no "
			   "retry could ever pass");
	if (config->privacy && config->privacy_key.path[0] == '\0')
		diag_error(diag, file, 0,
			   "privacy_key: is empty; privacy = yes needs a file for its key");
	/* check.c gives DNS so much of it. */
	if (4 * config->dns_timeout_s >= 3 * config->check_deadline_s &&
	    config_is_written(config, "dns_timeout"))
		diag_warning(diag, file, 0,
			     "dns_timeout: is not shorter than three quarters of check_deadline, "
			     "which is all the time that DNS gets");
}

static struct config *config_from_draft(const struct config_draft *draft, struct diag *diag)
{
	struct config *config = mem_alloc(sizeof(*config));

	for (size_t i = 0; i < config_table_count; i++) {
		const struct setting *setting = &config_table[i];
		struct span text = span_of(setting->default_text);
		struct config_place place = {"default", 0};
		if (draft->text[i] != NULL) {
			config->written[i] = mem_copy_string(draft->text[i]);
			text = span_of(config->written[i]);
			place = (struct config_place){draft->file[i], draft->line[i]};
		}
		setting->type->parse(setting, text, place, config_field(config, setting), diag);
	}
	return config;
}

struct config *config_read(const char *path, char *const *overrides, size_t override_count,
			   struct diag *diag)
{
	const char *file = path != NULL ? path : CONFIG_DEFAULT_FILE;
	struct config_draft draft = {0};
	struct config_reading reading = {&draft, file, diag};
	size_t errors_before = diag->error_count, lines_before = diag->line_count;

	text_file_each_line(file, path == NULL, config_take_line, &reading, diag);
	for (size_t i = 0; i < override_count; i++)
		config_draft_line(&draft, span_of(overrides[i]), (struct config_place){"-o", 0},
				  true, diag);

	struct config *config = config_from_draft(&draft, diag);
	diag_sort(diag, lines_before);
	if (diag->error_count == errors_before)
		config_check_together(config, file, diag);
	for (size_t i = 0; i < config_table_count; i++)
		free(draft.text[i]);
	return config;
}

/* Whether row has the same value in both: numbers as numbers, all else as it is written. */
bool config_is_same(const struct config *a, const struct config *b, size_t row)
{
	const struct setting *setting = &config_table[row];
	if (setting->type->number_size > 0)
		return memcmp(config_field_const(a, setting), config_field_const(b, setting),
			      setting->type->number_size) == 0;
	return strcmp(config_text(a, row), config_text(b, row)) == 0;
}

bool config_waits_for_restart(const struct config *start, const struct config *now, size_t row)
{
	return config_table[row].needs_restart && !config_is_same(start, now, row);
}

const char *config_text(const struct config *config, size_t row)
{
	return config->written[row] != NULL ? config->written[row] : config_table[row].default_text;
}

struct config *config_defaults(void)
{
	struct diag diag = {0};
	struct config *config = config_from_draft(&(struct config_draft){0}, &diag);

	diag_clear(&diag);
	return config;
}

void config_print(const struct config *config, FILE *to)
{
	struct config *defaults = config_defaults();

	for (size_t i = 0; i < config_table_count; i++)
		if (!config_is_same(config, defaults, i))
			fprintf(to, "%s = %s\n", config_table[i].name, config->written[i]);
	config_free(&defaults);
}

void config_warn_restarts(const struct config *start, const struct config *now, struct diag *diag)
{
	for (size_t i = 0; i < config_table_count; i++)
		if (config_waits_for_restart(start, now, i))
			diag_warning(diag, config_table[i].name, 0,
				     "the new value takes effect when sixgated is started again");
}

void config_free(struct config **config)
{
	if (*config == NULL)
		return;
	for (size_t i = 0; i < config_table_count; i++) {
		if (config_table[i].type->clear != NULL)
			config_table[i].type->clear(config_field(*config, &config_table[i]));
		free((*config)->written[i]);
	}
	free(*config);
	*config = NULL;
}
