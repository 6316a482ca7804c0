/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings over the admin socket: those in force, and a reload that says what is wrong.
 */
#pragma once

#include "admin.h"

struct admin_reloads; /* those who wait for a reload */

struct admin_reloads *admin_reloads_new(void);

/* The reload of this number is done, and with it all before. */
void admin_reloads_tell(struct admin_reloads *reloads, uint64_t number, bool succeeded,
			const struct diag *messages);

/* Nobody may be waiting. */
void admin_reloads_free(struct admin_reloads **reloads);

struct admin_reloads *admin_get_reloads(const struct admin *admin);

/* GET /config: every setting, with its value in force and its default. */
void admin_settings_get(struct admin *admin, struct admin_request *request);

/* POST /reload: as SIGHUP; 422 with all that is wrong when nothing was changed. */
void admin_settings_reload(struct admin *admin, struct admin_request *request);
