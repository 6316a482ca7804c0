/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one check did, step by step, for people who ask why.
 *
 * A record of facts: the steps of check.c note here what they found, and whoever shows it makes
 * words of it.  It holds copies only, so that rules and tables may go.  Nothing is decided here.
 */
#pragma once

#include "base/config.h"
#include "base/netlist.h"
#include "lookup/inquiry.h"
#include "rules/access.h"
#include "rules/farm.h"
#include "rules/gate.h"
#include "rules/request.h"
#include "store/store.h"
#include "verdict_log.h"

/* One of the access tables. */
struct explained_access {
	bool is_reached;
	bool has_entry;
	enum access_action action;
	char *file, *pattern, *answer; /* owned; NULL without an entry */
	unsigned line;
	bool is_counted; /* false: an OK that sender_access_requires does not let count */
};

enum explained_family { EXPLAINED_OFF, EXPLAINED_OTHER_FAMILY, EXPLAINED_JUDGED };

struct explanation {
	char *request[REQUEST_ATTRIBUTE_COUNT]; /* owned; NULL: missing */

	bool exempt_is_reached;
	struct netaddr client;
	bool has_pattern;         /* of mynetworks */
	struct network mynetwork; /* the pattern of mynetworks that the client is in */

	struct explained_access recipient_access, sender_access;
	int sender_access_requires; /* enum config_requires */

	struct evidence evidence; /* what was asked, at the end */
	struct inquiry_report report;
	bool is_trusted_forwarder; /* as far as it mattered */

	bool gate_is_reached;
	enum explained_family gate;
	bool gate_is_enforced;
	enum gate_profile gate_profile;
	bool has_judgement; /* a row of the gate's table matched */
	struct gate_judgement judgement;

	bool farm_is_reached;
	bool has_farm;
	struct farm farm;
	char *farm_file; /* owned; NULL without a farm */
	struct farm_match farm_match;

	bool store_is_asked, store_is_answered;
	struct store_question question; /* the last one */
	int64_t max_new_per_client;
	struct store_answer answer;

	char log[VERDICT_LOG_SIZE]; /* the line that the verdict would leave; or empty */
};

/* An empty one.  It outlives the check that notes in it. */
struct explanation *explanation_new(void);

/* All of these do nothing where the explanation is NULL: nobody asks why. */

void explanation_note_request(struct explanation *explanation, const struct request *request);

/* mynetworks is looked through for the pattern that has client. */
void explanation_note_exempt(struct explanation *explanation, const struct netlist *mynetworks,
			     const struct netaddr *client);

/* entry is the one that matched, DUNNO too; or NULL. */
void explanation_note_access(struct explained_access *access, const struct access_table *table,
			     const struct access_entry *entry);

/* Whether what sender_access says counts, as far as is known. */
void explanation_note_requirement(struct explanation *explanation, const struct config *config,
				  bool counts);

/* judgement is NULL when no row matched, or none was asked. */
void explanation_note_gate(struct explanation *explanation, const struct config *config,
			   bool is_gated, const struct gate_judgement *judgement);

/* farm is NULL when the client belongs to none; file is where it is written. */
void explanation_note_farm(struct explanation *explanation, const char *file,
			   const struct farm *farm, const struct farm_match *match);

/* What the store is asked, perhaps once more, knowing more; and what it answers. */
void explanation_note_question(struct explanation *explanation, const struct config *config,
			       const struct store_question *question);
void explanation_note_answer(struct explanation *explanation, const struct store_answer *answer);

/* At the end: the line that the log would get, and what was asked. */
void explanation_note_verdict(struct explanation *explanation,
			      const struct verdict_log_entry *entry);

void explanation_free(struct explanation **explanation);
