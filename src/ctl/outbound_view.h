/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outbound_report.h has found, for people.
 */
#pragma once

#include "screen.h"

#include <jansson.h>

void outbound_view_print(const struct ctl *ctl, const json_t *report);
