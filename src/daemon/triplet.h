/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The question to the store about one request: its triplets, under everything that the client is
 * known to be; and what the answer means to the mail.
 */
#pragma once

#include "base/config.h"
#include "rules/evidence.h"
#include "rules/farm.h"
#include "rules/request.h"
#include "rules/verdict.h"
#include "store/store.h"

struct privacy;

struct triplet_source {
	const struct config *config;
	const struct request *request;
	const struct netaddr *client;
	const struct farm *farm;        /* the client's, or NULL */
	const struct spf_evidence *spf; /* as far as it was asked */
	const struct privacy *privacy;  /* NULL: names and addresses are stored as they are */
};

/* Fill in the whole question at now_s (Unix time), except for store_new, which is false, and mode.
 */
void triplet_ask(const struct triplet_source *source, int64_t now_s,
		 struct store_question *question);

/* What the store's decision means to the mail. */
struct verdict triplet_judge(const struct config *config, const struct greylist_decision *decision);

/* What it means when there is none, for that reason: on_store_failure. */
struct verdict triplet_fail(const struct config *config, enum verdict_reason reason);
