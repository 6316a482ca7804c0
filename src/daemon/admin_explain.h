/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POST /explain: what would be answered to a request now, and why.
 */
#pragma once

#include "admin.h"

void admin_explain(struct admin *admin, struct admin_request *request);
