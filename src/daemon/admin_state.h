/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the daemon is and what it has done, over the admin socket: /stats, /metrics, /health.
 */
#pragma once

#include "admin.h"

void admin_state_stats(struct admin *admin, struct admin_request *request);
void admin_state_metrics(struct admin *admin, struct admin_request *request);
void admin_state_health(struct admin *admin, struct admin_request *request);
