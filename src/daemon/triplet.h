/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The question to the store about one request: its triplets, under everything that the client is
 * known to be.
 */
#pragma once

#include "base/config.h"
#include "rules/evidence.h"
#include "rules/farm.h"
#include "rules/request.h"
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
