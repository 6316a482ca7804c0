/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_settings.h"

#include "base/memory.h"
#include "base/json_text.h"

#include <assert.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Reading tables of a million lines takes seconds. */
enum { ADMIN_RELOAD_DEADLINE_S = 60 };

/* One who waits for a reload. */
struct admin_reload {
	struct admin_reloads *reloads; /* borrowed */
	TAILQ_ENTRY(admin_reload) link;
	struct admin_request *request; /* borrowed; it owns this */
	uint64_t number;
};

struct admin_reloads {
	TAILQ_HEAD(, admin_reload) waiting; /* in the order of their numbers */
};

/* What is in force is the value of the start, when it takes a restart to change. */
static json_t *admin_settings_row(const struct config *start, const struct config *now,
				  const struct config *defaults, size_t row)
{
	const struct setting *setting = &config_table[row];
	const struct config *in_force = setting->needs_restart ? start : now;

	return json_pack("{s:s, s:o, s:s, s:b, s:b, s:b, s:s}", "name", setting->name, "value",
			 json_text(config_text(in_force, row)), "default", setting->default_text,
			 "is_default", config_is_same(in_force, defaults, row), "needs_restart",
			 setting->needs_restart, "waits_for_restart",
			 config_waits_for_restart(start, now, row), "summary", setting->summary);
}

void admin_settings_get(struct admin *admin, struct admin_request *request)
{
	const struct config *start = loader_started_config(admin_get_parts(admin)->loader);
	const struct config *now = ruleset_config(admin_get_rules(admin));
	struct config *defaults = config_defaults();
	json_t *list = json_array();

	for (size_t row = 0; row < config_table_count; row++)
		json_array_append_new(list, admin_settings_row(start, now, defaults, row));
	config_free(&defaults);
	return admin_request_answer(request, HTTP_OK, json_pack("{s:o}", "settings", list));
}

static void admin_reload_free(void *work)
{
	struct admin_reload *reload = work;

	TAILQ_REMOVE(&reload->reloads->waiting, reload, link);
	free(reload);
}

void admin_settings_reload(struct admin *admin, struct admin_request *request)
{
	struct admin_reload *reload = mem_alloc(sizeof(*reload));

	reload->reloads = admin_get_reloads(admin);
	reload->request = request;
	reload->number = loader_reload(admin_get_parts(admin)->loader);
	TAILQ_INSERT_TAIL(&reload->reloads->waiting, reload, link);
	admin_request_set_work(request, reload, admin_reload_free, ADMIN_RELOAD_DEADLINE_S);
}

static json_t *admin_reload_lines(const struct diag *messages)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < messages->line_count; i++) {
		const struct diag_line *line = &messages->lines[i];
		char *text = NULL;
		if (asprintf(&text, "%s%s", line->is_error ? "" : "warning: ", line->text) >= 0)
			json_array_append_new(lines, json_text(text));
		free(text);
	}
	return lines;
}

void admin_reloads_tell(struct admin_reloads *reloads, uint64_t number, bool succeeded,
			const struct diag *messages)
{
	struct admin_reload *reload;

	while ((reload = TAILQ_FIRST(&reloads->waiting)) != NULL && reload->number <= number) {
		json_t *lines = admin_reload_lines(messages);
		if (succeeded)
			admin_request_answer(
				reload->request, HTTP_OK,
				json_pack("{s:b, s:o}", "reloaded", 1, "messages", lines));
		else
			admin_request_answer(reload->request, 422,
					     json_pack("{s:s, s:i, s:o}", "error",
						       "nothing was changed: the settings and "
						       "tables from before stay in force",
						       "status", 422, "messages", lines));
	}
}

struct admin_reloads *admin_reloads_new(void)
{
	struct admin_reloads *reloads = mem_alloc(sizeof(*reloads));

	TAILQ_INIT(&reloads->waiting);
	return reloads;
}

void admin_reloads_free(struct admin_reloads **reloads)
{
	if (*reloads == NULL)
		return;
	assert(TAILQ_EMPTY(&(*reloads)->waiting));
	free(*reloads);
	*reloads = NULL;
}
