/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every setting, its type, default, limits, and what it is for.
 *
 * A new setting is a row here, a field in struct config, an entry in doc/sixgate.conf.5 and one in
 * etc/sixgate.conf; a test fails while one of them is missing or tells another default.
 */
#include "config_type.h"

#define FIELD(field) offsetof(struct config, field)

enum { YEAR_S = 366 * 86400 };

/* By the value of the enum in config.h. */
static const char *const modes[] = {"enforce", "dry", "off", NULL};
static const char *const failures[] = {"pass", "defer", NULL};
static const char *const syncs[] = {"full", "normal", NULL};
static const char *const requirements[] = {"any", "not-disowned", "authenticated", NULL};
static const char *const profiles[] = {"google", "microsoft", "observe", NULL};
static const char *const families[] = {"ipv6", "ipv4", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};

/* clang-format off */
const struct setting config_table[] = {
	{.name = "policy_listen", .type = &setting_endpoints, .offset = FIELD(policy_listen),
	 .default_text = "unix:/var/spool/postfix/sixgate/policy", .needs_restart = true,
	 .summary = "Where Postfix asks: unix:PATH, inet:HOST:PORT or inet:[ADDR]:PORT, one or more."},
	{.name = "policy_socket_mode", .type = &setting_file_mode, .offset = FIELD(policy_socket_mode),
	 .default_text = "0666", .needs_restart = true,
	 .summary = "Permissions of the policy sockets; the directory above them can be narrower."},
	{.name = "admin_listen", .type = &setting_unix_endpoint, .offset = FIELD(admin_listen),
	 .default_text = "unix:/run/sixgate/admin", .needs_restart = true,
	 .summary = "Where sixgatectl and HTTP clients of the admin reach us: unix:PATH; empty: nowhere."},
	{.name = "admin_group", .type = &setting_string, .offset = FIELD(admin_group),
	 .default_text = "", .needs_restart = true,
	 .summary = "Members of this group may read over the admin socket; empty: the group of our user."},
	{.name = "user", .type = &setting_string, .offset = FIELD(user),
	 .default_text = "", .needs_restart = true,
	 .summary = "The user to become when started as root; empty: stay who we are."},
	{.name = "store", .type = &setting_store, .offset = FIELD(store),
	 .default_text = "sqlite:/var/lib/sixgate/sixgate.db", .needs_restart = true,
	 .summary = "Where is kept what was learned."},
	{.name = "store_sync", .type = &setting_choice, .offset = FIELD(store_sync),
	 .default_text = "full", .choices = syncs, .needs_restart = true,
	 .summary = "What an answer survives: full a power cut, normal the end of the process."},
	{.name = "greylist", .type = &setting_choice, .offset = FIELD(greylist),
	 .default_text = "enforce", .choices = modes,
	 .summary = "Greylisting: enforce; dry decides, learns and logs but defers nothing; off."},
	{.name = "greylist_delay", .type = &setting_time, .offset = FIELD(greylist_delay_s),
	 .default_text = "5m", .min = 1, .max = 86400,
	 .summary = "How long a new sender has to wait before a retry passes."},
	{.name = "greylist_retry_window", .type = &setting_time, .offset = FIELD(greylist_retry_window_s),
	 .default_text = "2d", .min = 60, .max = YEAR_S,
	 .summary = "How long after the first try a retry still counts."},
	{.name = "greylist_lifetime", .type = &setting_time, .offset = FIELD(greylist_lifetime_s),
	 .default_text = "35d", .min = 60, .max = YEAR_S,
	 .summary = "How long a sender that passed is remembered since it was last seen."},
	{.name = "greylist_ipv4_prefix", .type = &setting_count, .offset = FIELD(greylist_ipv4_prefix),
	 .default_text = "24", .min = 8, .max = 32,
	 .summary = "IPv4 clients within a network of so many bits are one client."},
	{.name = "greylist_ipv6_prefix", .type = &setting_count, .offset = FIELD(greylist_ipv6_prefix),
	 .default_text = "64", .min = 16, .max = 128,
	 .summary = "IPv6 clients within a network of so many bits are one client."},
	{.name = "greylist_known_after", .type = &setting_count, .offset = FIELD(greylist_known_after),
	 .default_text = "5", .min = 0, .max = 1000000,
	 .summary = "Passes, one an hour at most, after which a client is greylisted no more; 0: never."},
	{.name = "greylist_text", .type = &setting_reply, .offset = FIELD(greylist_text),
	 .default_text = "Greylisted, please try again later",
	 .summary = "What a deferred sender is told; %s in it is the seconds left."},
	{.name = "farms", .type = &setting_path, .offset = FIELD(farms),
	 .default_text = "/etc/sixgate/farms",
	 .summary = "The big providers, each one client whatever its address: sixgate_farms(5)."},
	{.name = "gate", .type = &setting_choice, .offset = FIELD(gate),
	 .default_text = "enforce", .choices = modes,
	 .summary = "The gate, which asks for reverse DNS and SPF: enforce; dry decides and logs but "
		    "refuses nothing; off."},
	{.name = "gate_profile", .type = &setting_choice, .offset = FIELD(gate_profile),
	 .default_text = "google", .choices = profiles,
	 .summary = "Whose rules the gate goes by: google, microsoft, or observe, which refuses nothing."},
	{.name = "gate_families", .type = &setting_set, .offset = FIELD(gate_families),
	 .default_text = "ipv6", .choices = families,
	 .summary = "The clients that come to the gate: ipv6, or ipv6 ipv4."},
	{.name = "trusted_forwarders", .type = &setting_hosts, .offset = FIELD(trusted_forwarders),
	 .default_text = "",
	 .summary = "Networks, or .names that are forward-confirmed, whose mail the gate does not judge "
		    "by SPF."},
	{.name = "authserv_id", .type = &setting_token, .offset = FIELD(authserv_id),
	 .default_text = "",
	 .summary = "Our name in the Authentication-Results header; empty: the host's name."},
	{.name = "dns_servers", .type = &setting_servers, .offset = FIELD(dns_servers),
	 .default_text = "",
	 .summary = "Whom to ask: ADDR, ADDR:PORT or [ADDR]:PORT, one or more; empty: those in "
		    "resolv.conf."},
	{.name = "dns_timeout", .type = &setting_time, .offset = FIELD(dns_timeout_s),
	 .default_text = "5s", .min = 1, .max = 60,
	 .summary = "How long to wait for the answer to one question, its retries included."},
	{.name = "dns_cache_size", .type = &setting_size, .offset = FIELD(dns_cache_size_bytes),
	 .default_text = "8m", .min = 64 * 1024, .max = 1024 * 1024 * 1024,
	 .summary = "How much memory answers may take while they are fresh."},
	{.name = "on_dns_failure", .type = &setting_choice, .offset = FIELD(on_dns_failure),
	 .default_text = "defer", .choices = failures,
	 .summary = "What the gate does with mail while DNS cannot tell: pass or defer."},
	{.name = "spf_max_lookups", .type = &setting_count, .offset = FIELD(spf_max_lookups),
	 .default_text = "10", .min = 1, .max = 20,
	 .summary = "Terms of SPF records that may ask DNS, for one mail."},
	{.name = "spf_max_void_lookups", .type = &setting_count, .offset = FIELD(spf_max_void_lookups),
	 .default_text = "2", .min = 0, .max = 20,
	 .summary = "Of those, terms that may find nothing."},
	{.name = "mynetworks", .type = &setting_networks, .offset = FIELD(mynetworks),
	 .default_text = "127.0.0.0/8 [::1]/128",
	 .summary = "Clients that are never checked."},
	{.name = "sender_access", .type = &setting_table, .offset = FIELD(sender_access),
	 .default_text = "/etc/sixgate/sender_access",
	 .summary = "What to do with mail from a sender: access(5) as plain text."},
	{.name = "sender_access_requires", .type = &setting_choice, .offset = FIELD(sender_access_requires),
	 .default_text = "not-disowned", .choices = requirements,
	 .summary = "When an OK in sender_access counts: any: always; not-disowned: unless SPF says that "
		    "the mail is not the domain's; authenticated: when SPF or the host name says it is."},
	{.name = "recipient_access", .type = &setting_table, .offset = FIELD(recipient_access),
	 .default_text = "/etc/sixgate/recipient_access",
	 .summary = "What to do with mail to a recipient: access(5) as plain text."},
	{.name = "recipient_delimiter", .type = &setting_string, .offset = FIELD(recipient_delimiter),
	 .default_text = "+",
	 .summary = "Characters that begin an extension, for user+ext@domain in the two tables."},
	{.name = "check_deadline", .type = &setting_time, .offset = FIELD(check_deadline_s),
	 .default_text = "20s", .min = 1, .max = 90,
	 .summary = "Every request is answered within this time."},
	{.name = "max_connections", .type = &setting_count, .offset = FIELD(max_connections),
	 .default_text = "1000", .min = 1, .max = 100000,
	 .summary = "Connections at a time; beyond, the one that is idle longest is closed."},
	{.name = "max_request_size", .type = &setting_size, .offset = FIELD(max_request_size_bytes),
	 .default_text = "16k", .min = 2048, .max = 1024 * 1024,
	 .summary = "The longest request; a connection that sends a longer one is closed."},
	{.name = "idle_timeout", .type = &setting_time, .offset = FIELD(idle_timeout_s),
	 .default_text = "600s", .min = 1, .max = 86400,
	 .summary = "A connection that asks nothing for so long is closed."},
	{.name = "max_entries", .type = &setting_count, .offset = FIELD(max_entries),
	 .default_text = "10000000", .min = 100, .max = 1000000000, .needs_restart = true,
	 .summary = "Greylist entries kept; beyond, the one next to expire makes room."},
	{.name = "max_new_per_client", .type = &setting_count, .offset = FIELD(max_new_per_client),
	 .default_text = "1000", .min = 0, .max = 1000000000,
	 .summary = "New triplets a day that are stored for one IPv6 /64 or IPv4 /24; ten times as many "
		    "for a /48, a hundred times for a /32; 0: no cap."},
	{.name = "on_store_failure", .type = &setting_choice, .offset = FIELD(on_store_failure),
	 .default_text = "pass", .choices = failures,
	 .summary = "What becomes of mail while the store cannot answer: pass or defer."},
	{.name = "privacy", .type = &setting_choice, .offset = FIELD(privacy),
	 .default_text = "no", .choices = no_yes, .needs_restart = true,
	 .summary = "Store and log keyed hashes in place of addresses and host names."},
	{.name = "privacy_key", .type = &setting_path, .offset = FIELD(privacy_key),
	 .default_text = "/var/lib/sixgate/privacy.key", .needs_restart = true,
	 .summary = "The file with the key of these hashes; it is made when it is missing."},
};
/* clang-format on */

const size_t config_table_count = sizeof(config_table) / sizeof(config_table[0]);

_Static_assert(sizeof(config_table) / sizeof(config_table[0]) <= CONFIG_SETTINGS_MAX,
	       "struct config keeps what was written for every row");
_Static_assert(sizeof(modes) / sizeof(modes[0]) == MODE_OFF + 2, "a word for every mode");
_Static_assert(sizeof(failures) / sizeof(failures[0]) == ON_FAILURE_DEFER + 2, "one for each");
_Static_assert(sizeof(syncs) / sizeof(syncs[0]) == STORE_SYNC_NORMAL + 2, "one for each");
_Static_assert(sizeof(requirements) / sizeof(requirements[0]) == REQUIRES_AUTHENTICATED + 2,
	       "one for each");
_Static_assert(sizeof(profiles) / sizeof(profiles[0]) == PROFILE_OBSERVE + 2, "one for each");
_Static_assert(1 << (sizeof(families) / sizeof(families[0]) - 2) == FAMILY_IPV4, "one for each");
