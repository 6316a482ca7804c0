/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the commands, for the table; each has its file. */
#pragma once

#include "command.h"

int health_run(const struct ctl *ctl, int argc, char **argv);
int metrics_run(const struct ctl *ctl, int argc, char **argv);
int reload_run(const struct ctl *ctl, int argc, char **argv);
