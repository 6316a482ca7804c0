/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of settings: how the text of one becomes a value, and what is expected when it does
 * not.
 */
#pragma once

#include "config.h"

extern const struct setting_type setting_string;        /* char * */
extern const struct setting_type setting_token;         /* char *: one word, or empty */
extern const struct setting_type setting_reply;         /* char *: goes into an SMTP reply */
extern const struct setting_type setting_store;         /* char *: scheme:rest */
extern const struct setting_type setting_path;          /* struct config_path */
extern const struct setting_type setting_table;         /* the same; hash: and its like in front */
extern const struct setting_type setting_time;          /* int64_t seconds; s m h d w */
extern const struct setting_type setting_count;         /* int64_t */
extern const struct setting_type setting_size;          /* int64_t bytes; k m g */
extern const struct setting_type setting_file_mode;     /* int64_t; octal */
extern const struct setting_type setting_choice;        /* int: index into choices */
extern const struct setting_type setting_set;           /* int: bit i for word i of choices */
extern const struct setting_type setting_networks;      /* struct netlist */
extern const struct setting_type setting_hosts;         /* struct hostlist */
extern const struct setting_type setting_servers;       /* char *: addresses, perhaps with ports */
extern const struct setting_type setting_endpoints;     /* struct endpoint_list */
extern const struct setting_type setting_unix_endpoint; /* the same: one unix:PATH, or none */
