/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings and tables for targets that take requests: made once, and never changed.
 */
#pragma once

#include "daemon/loader.h"

/* One of several rulesets, by any number; borrowed. */
struct ruleset *rules_choose(unsigned number);

/* The loader of the first one; borrowed. */
struct loader *rules_loader(void);

/* A key that is always the same; borrowed. */
struct privacy;
const struct privacy *rules_privacy(void);
