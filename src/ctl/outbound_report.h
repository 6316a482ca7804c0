/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that outbound tells, as one JSON object: for scripts as it is, for people by outbound_view.h.
 */
#pragma once

#include "outbound_lookup.h"
#include "outbound_plan.h"

#include <jansson.h>

/* A new object; "accepts" in it is whether both providers accept from all addresses. */
json_t *outbound_report(const struct outbound_plan *plan, const struct outbound_answers *answers,
			const struct outbound_postfix *postfix);
