/* SPDX-License-Identifier: BSD-2-Clause */
#include "explanation.h"

#include "base/config.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct explanation *explanation_new(void)
{
	return mem_alloc(sizeof(struct explanation));
}

void explanation_note_request(struct explanation *explanation, const struct request *request)
{
	for (size_t i = 0; explanation != NULL && i < REQUEST_ATTRIBUTE_COUNT; i++)
		if (request_has(request, (enum request_attribute)i))
			explanation->request[i] =
				mem_copy_text(request->value[i].text, request->value[i].length);
}

void explanation_note_exempt(struct explanation *explanation, const struct netlist *mynetworks,
			     const struct netaddr *client)
{
	if (explanation == NULL)
		return;
	explanation->exempt_is_reached = true;
	explanation->client = *client;
	if (!netlist_contains(mynetworks, client))
		return;
	for (size_t i = 0; i < mynetworks->count && !explanation->has_pattern; i++) {
		struct netlist one = {&mynetworks->patterns[i], 1};
		if (mynetworks->patterns[i].excludes || !netlist_contains(&one, client))
			continue;
		explanation->has_pattern = true;
		explanation->mynetwork = mynetworks->patterns[i].network;
	}
}

void explanation_note_access(struct explained_access *access, const struct access_table *table,
			     const struct access_entry *entry)
{
	/* A step that had to wait for evidence runs again. */
	if (access == NULL || access->is_reached)
		return;
	access->is_reached = true;
	if (entry == NULL)
		return;
	access->has_entry = true;
	access->is_counted = true;
	access->action = entry->action;
	access->file = mem_copy_text(access_path(table), strlen(access_path(table)));
	access->pattern = mem_copy_text(entry->pattern, strlen(entry->pattern));
	access->answer = mem_copy_text(entry->answer, strlen(entry->answer));
	access->line = entry->line;
}

void explanation_note_requirement(struct explanation *explanation, const struct config *config,
				  bool counts)
{
	if (explanation == NULL)
		return;
	explanation->sender_access_requires = config->sender_access_requires;
	explanation->sender_access.is_counted = counts;
}

void explanation_note_gate(struct explanation *explanation, const struct config *config,
			   bool is_gated, const struct gate_judgement *judgement)
{
	if (explanation == NULL)
		return;
	explanation->gate_is_reached = true;
	explanation->gate = is_gated                   ? EXPLAINED_JUDGED
			    : config->gate == MODE_OFF ? EXPLAINED_OFF
						       : EXPLAINED_OTHER_FAMILY;
	explanation->gate_is_enforced = config->gate == MODE_ENFORCE;
	explanation->gate_profile = (enum gate_profile)config->gate_profile;
	explanation->has_judgement = judgement != NULL;
	if (judgement != NULL)
		explanation->judgement = *judgement;
}

void explanation_note_farm(struct explanation *explanation, const char *file,
			   const struct farm *farm, const struct farm_match *match)
{
	if (explanation == NULL)
		return;
	explanation->farm_is_reached = true;
	explanation->has_farm = farm != NULL;
	if (farm == NULL)
		return;
	explanation->farm = *farm;
	free(explanation->farm_file);
	explanation->farm_file = mem_copy_string(file);
	explanation->farm_match = *match;
}

void explanation_note_question(struct explanation *explanation, const struct config *config,
			       const struct store_question *question)
{
	if (explanation == NULL)
		return;
	explanation->store_is_asked = true;
	explanation->store_is_answered = false;
	explanation->question = *question;
	explanation->max_new_per_client = config->max_new_per_client;
}

void explanation_note_answer(struct explanation *explanation, const struct store_answer *answer)
{
	if (explanation == NULL || answer->status != STORE_ANSWERED)
		return;
	explanation->store_is_answered = true;
	explanation->answer = *answer;
}

void explanation_note_verdict(struct explanation *explanation,
			      const struct verdict_log_entry *entry)
{
	if (explanation == NULL)
		return;
	(void)verdict_log_format(entry, explanation->log);
	if (entry->evidence != NULL)
		explanation->evidence = *entry->evidence;
}

static void explained_access_clear(struct explained_access *access)
{
	free(access->file);
	free(access->pattern);
	free(access->answer);
}

void explanation_free(struct explanation **explanation)
{
	struct explanation *freed = *explanation;

	if (freed == NULL)
		return;
	*explanation = NULL;
	for (size_t i = 0; i < REQUEST_ATTRIBUTE_COUNT; i++)
		free(freed->request[i]);
	explained_access_clear(&freed->recipient_access);
	explained_access_clear(&freed->sender_access);
	free(freed->farm_file);
	free(freed);
}
