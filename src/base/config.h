/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings: one table (config_table.c), from which the parser, `sixgated -n` and the tests of
 * the example file and the manual read; and the values of one reading of sixgate.conf, which never
 * change once they are read.  A reload makes a new struct config.
 */
#pragma once

#include "diag.h"
#include "endpoint.h"
#include "hostlist.h"
#include "netlist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_mode { MODE_ENFORCE, MODE_DRY, MODE_OFF };
enum config_on_failure { ON_FAILURE_PASS, ON_FAILURE_DEFER };
enum config_store_sync { STORE_SYNC_FULL, STORE_SYNC_NORMAL };
enum config_requires { REQUIRES_ANY, REQUIRES_NOT_DISOWNED, REQUIRES_AUTHENTICATED };
enum config_profile { PROFILE_GOOGLE, PROFILE_MICROSOFT, PROFILE_OBSERVE };
/* Bits of a set. */
enum config_family { FAMILY_IPV6 = 1 << 0, FAMILY_IPV4 = 1 << 1 };

struct endpoint_list {
	struct endpoint *items; /* owned */
	size_t count;
};

/* A file named by a setting. */
struct config_path {
	char *path;       /* owned; empty: none */
	bool is_default;  /* it is the default's name, so that it may be missing */
	const char *file; /* where it was named; borrowed from the caller of config_read() */
	unsigned line;    /* 0: no line */
};

enum { CONFIG_SETTINGS_MAX = 64, CONFIG_DNS_SERVERS_MAX = 8 };

struct config {
	struct endpoint_list policy_listen;
	int64_t policy_socket_mode;        /* permission bits */
	struct endpoint_list admin_listen; /* none, or one unix socket */
	char *admin_group;                 /* owned; empty: that of our user */
	char *user;                        /* owned; empty: stay who we are */
	char *store;                       /* owned; scheme:rest */
	int store_sync;                    /* enum config_store_sync */
	int greylist;                      /* enum config_mode */
	struct netlist mynetworks;
	struct config_path sender_access;
	struct config_path recipient_access;
	struct config_path farms;
	int sender_access_requires; /* enum config_requires */
	char *recipient_delimiter;  /* owned; a set of characters */
	int64_t greylist_delay_s;
	int64_t greylist_retry_window_s;
	int64_t greylist_lifetime_s;
	int64_t greylist_ipv4_prefix; /* bits */
	int64_t greylist_ipv6_prefix; /* bits */
	int64_t greylist_known_after; /* passes; 0: never */
	char *greylist_text;          /* owned; %s in it is the seconds left */
	int gate;                     /* enum config_mode */
	int gate_profile;             /* enum config_profile */
	int gate_families;            /* set of enum config_family */
	struct hostlist trusted_forwarders;
	char *authserv_id; /* owned; empty: the host's own name */
	char *dns_servers; /* owned; empty: from resolv.conf; else as struct dns_options has it */
	int64_t dns_timeout_s;
	int64_t dns_cache_size_bytes;
	int on_dns_failure; /* enum config_on_failure */
	int64_t spf_max_lookups;
	int64_t spf_max_void_lookups;
	int64_t check_deadline_s;
	int64_t max_connections;
	int64_t max_request_size_bytes;
	int64_t idle_timeout_s;
	int64_t max_entries;
	int64_t max_new_per_client; /* triplets a day; 0: no cap */
	int on_store_failure;       /* enum config_on_failure */
	int privacy;                /* 0 or 1 */
	struct config_path privacy_key;

	/* For -n and for comparing: what was written for each row of the table, NULL where its
	 * default stands.  Owned. */
	char *written[CONFIG_SETTINGS_MAX];
};

/* Where a value was written, for messages. */
struct config_place {
	const char *file; /* or "-o" */
	unsigned line;    /* 0: no line */
};

struct setting;

/* How the values of one type are read. */
struct setting_type {
	/* Fill field from text.  What is wrong is added to diag.  Called once for each field. */
	void (*parse)(const struct setting *setting, struct span text, struct config_place place,
		      void *field, struct diag *diag);
	void (*clear)(void *field);
	size_t number_size; /* the field is a number of so many bytes; 0: it is not */
};

/* One row of the table. */
struct setting {
	const char *name;
	const struct setting_type *type;
	size_t offset; /* of the field in struct config */
	const char *default_text;
	int64_t min, max;           /* of a number */
	const char *const *choices; /* of a choice, by value, NULL at the end */
	bool needs_restart;         /* a reload leaves what is in force */
	const char *summary;        /* one sentence for people */
};

extern const struct setting config_table[];
extern const size_t config_table_count;

#define CONFIG_DEFAULT_FILE "/etc/sixgate/sixgate.conf"

/*
 * Read the settings: defaults, over them those in path, over them overrides ("name=value", as after
 * -o).  path NULL is the default file, which may be missing; a path that is given may not.  All
 * that is wrong is added to diag; what was read then is good for nothing but to look at the files
 * it names as well.  Free with config_free().
 */
struct config *config_read(const char *path, char *const *overrides, size_t override_count,
			   struct diag *diag);

/* Whether the setting called name was written, and does not just have its default. */
bool config_is_written(const struct config *config, const char *name);

/* Print the settings that differ from their defaults, "name = value" each (postconf -n). */
void config_print(const struct config *config, FILE *to);

/* Of the setting in row: its value as it was written, or its default. */
const char *config_text(const struct config *config, size_t row);

/* Whether the setting in row has the same value in both. */
bool config_is_same(const struct config *a, const struct config *b, size_t row);

/* Whether the setting in row takes a restart to change, and differs now from that of the start. */
bool config_waits_for_restart(const struct config *start, const struct config *now, size_t row);

/* Warn of those settings. */
void config_warn_restarts(const struct config *start, const struct config *now, struct diag *diag);

/* What the settings are when nothing is written; the caller frees it. */
struct config *config_defaults(void);

void config_free(struct config **config);
