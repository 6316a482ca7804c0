/* SPDX-License-Identifier: BSD-2-Clause */
#include "ruleset.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What several rulesets have in common. */
struct ruleset_shared {
	unsigned holders; /* rulesets */
	struct config *config;
	struct ruleset_part part;
};

struct ruleset {
	unsigned holders;
	struct ruleset_shared *config;
	struct ruleset_shared *tables[RULESET_TABLE_COUNT];
};

static const struct {
	const char *name;
	size_t path; /* offset in struct config */
	bool is_farms;
} ruleset_tables[] = {
	[RULESET_SENDER_ACCESS] = {"sender_access", offsetof(struct config, sender_access), false},
	[RULESET_RECIPIENT_ACCESS] = {"recipient_access", offsetof(struct config, recipient_access),
				      false},
	[RULESET_FARMS] = {"farms", offsetof(struct config, farms), true},
};

_Static_assert(sizeof(ruleset_tables) / sizeof(ruleset_tables[0]) == RULESET_TABLE_COUNT,
	       "a row for every table");

static struct ruleset_shared *ruleset_share(struct config *config, struct ruleset_part part)
{
	struct ruleset_shared *shared = mem_alloc(sizeof(*shared));
	*shared = (struct ruleset_shared){1, config, part};
	return shared;
}

static struct ruleset_shared *ruleset_hold_shared(struct ruleset_shared *shared)
{
	shared->holders++;
	return shared;
}

static void ruleset_release_shared(struct ruleset_shared *shared)
{
	if (--shared->holders > 0)
		return;
	config_free(&shared->config);
	ruleset_part_free(&shared->part);
	free(shared);
}

struct ruleset *ruleset_new(struct config *config, struct ruleset_part parts[RULESET_TABLE_COUNT],
			    struct ruleset *previous)
{
	struct ruleset *ruleset = mem_alloc(sizeof(*ruleset));

	ruleset->holders = 1;
	ruleset->config = ruleset_share(config, (struct ruleset_part){NULL, NULL});
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++) {
		bool is_empty = parts[i].access == NULL && parts[i].farms == NULL;
		ruleset->tables[i] = is_empty ? ruleset_hold_shared(previous->tables[i])
					      : ruleset_share(NULL, parts[i]);
	}
	return ruleset;
}

struct ruleset *ruleset_replace(struct ruleset *ruleset, enum ruleset_table which,
				struct ruleset_part part)
{
	struct ruleset *replaced = mem_alloc(sizeof(*replaced));

	replaced->holders = 1;
	replaced->config = ruleset_hold_shared(ruleset->config);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++)
		replaced->tables[i] = i == which ? ruleset_share(NULL, part)
						 : ruleset_hold_shared(ruleset->tables[i]);
	return replaced;
}

const struct config *ruleset_config(const struct ruleset *ruleset)
{
	return ruleset->config->config;
}

const struct access_table *ruleset_sender_access(const struct ruleset *ruleset)
{
	return ruleset->tables[RULESET_SENDER_ACCESS]->part.access;
}

const struct access_table *ruleset_recipient_access(const struct ruleset *ruleset)
{
	return ruleset->tables[RULESET_RECIPIENT_ACCESS]->part.access;
}

const struct farm_table *ruleset_farms(const struct ruleset *ruleset)
{
	return ruleset->tables[RULESET_FARMS]->part.farms;
}

const struct config_path *ruleset_table_path(const struct config *config, enum ruleset_table which)
{
	return (const struct config_path *)((const char *)config + ruleset_tables[which].path);
}

/* Whether there is a file as named; what is wrong is told where it was named. */
static bool ruleset_check_path(const struct config_path *path, const char *setting,
			       struct diag *diag)
{
	struct stat about;

	if (path->path[0] == '\0' || path->is_default)
		return true;
	if (stat(path->path, &about) != 0)
		diag_error(diag, path->file, path->line, "%s: %s: %s", setting, path->path,
			   strerror(errno));
	else if (!S_ISREG(about.st_mode))
		diag_error(diag, path->file, path->line, "%s: %s: is not a regular file", setting,
			   path->path);
	else
		return true;
	return false;
}

bool ruleset_read_table(const struct config *config, enum ruleset_table which,
			struct ruleset_part *part, struct diag *diag)
{
	const struct config_path *path = ruleset_table_path(config, which);

	*part = (struct ruleset_part){NULL, NULL};
	if (!ruleset_check_path(path, ruleset_tables[which].name, diag))
		return false;
	if (ruleset_tables[which].is_farms)
		part->farms = farm_read(path->path, path->is_default, diag);
	else
		part->access = access_read(path->path, path->is_default, diag);
	return part->farms != NULL || part->access != NULL;
}

size_t ruleset_part_count(const struct ruleset_part *part)
{
	return part->farms != NULL ? farm_count(part->farms) : access_count(part->access);
}

void ruleset_part_free(struct ruleset_part *part)
{
	access_free(&part->access);
	farm_free(&part->farms);
}

struct ruleset *ruleset_hold(struct ruleset *ruleset)
{
	ruleset->holders++;
	return ruleset;
}

void ruleset_release(struct ruleset **ruleset)
{
	struct ruleset *released = *ruleset;

	*ruleset = NULL;
	if (released == NULL || --released->holders > 0)
		return;
	ruleset_release_shared(released->config);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++)
		ruleset_release_shared(released->tables[i]);
	free(released);
}
