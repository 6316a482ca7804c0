/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of the commands, for the table; ctl_*.c has them. */
#pragma once

#include "command.h"

int allow_run(const struct ctl *ctl, int argc, char **argv);
int config_run(const struct ctl *ctl, int argc, char **argv);
int explain_run(const struct ctl *ctl, int argc, char **argv);
int forget_client_run(const struct ctl *ctl, int argc, char **argv);
int forget_run(const struct ctl *ctl, int argc, char **argv);
int health_run(const struct ctl *ctl, int argc, char **argv);
int known_run(const struct ctl *ctl, int argc, char **argv);
int list_run(const struct ctl *ctl, int argc, char **argv);
int metrics_run(const struct ctl *ctl, int argc, char **argv);
int outbound_run(const struct ctl *ctl, int argc, char **argv);
int reload_run(const struct ctl *ctl, int argc, char **argv);
int stats_run(const struct ctl *ctl, int argc, char **argv);
