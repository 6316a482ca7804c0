/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules.h"

#include "memory_file.h"
#include "rules/privacy.h"

#include <stdio.h>
#include <stdlib.h>

static const char sender_access[] = "ok.example OK\n"
				    "no.example REJECT we do not want this\n"
				    "later.example 450 4.7.1 not now\n"
				    "<> DUNNO\n"
				    "friend@ OK\n";
static const char recipient_access[] = "open@here.example OK\n"
				       "closed@here.example 550 5.1.1 nobody\n"
				       "list+x@here.example DEFER\n";
static const char farms[] = "google ptr:.google.com spf:_spf.google.com\n"
			    "passing cidr:198.51.100.0/24 cidr:[2001:db8:ffff::]/48 pass\n"
			    "two spf:two.example spf:three.example ptr:.two.example\n";

/* Each changes the defaults. */
static const char *const settings[] = {
	"gate_families = ipv6 ipv4\nauthserv_id = mx.here.example\nmax_request_size = 2k\n",
	"gate_families = ipv6 ipv4\ngate_profile = microsoft\ngreylist = dry\n"
	"trusted_forwarders = .forward.example 192.0.2.0/28\nmynetworks = 203.0.113.0/24\n",
	"gate = dry\nsender_access_requires = authenticated\ngreylist_known_after = 0\n"
	"gate_families = ipv6 ipv4\non_store_failure = defer\n",
	"gate = off\nsender_access_requires = any\ngreylist_text = Wait %s seconds, %s of them\n",
	"gate_profile = observe\ngate_families = ipv6 ipv4\non_dns_failure = pass\n"
	"greylist_ipv6_prefix = 48\nspf_max_lookups = 20\nspf_max_void_lookups = 20\n"
	"max_new_per_client = 0\n",
	"greylist = off\ngate_families = ipv6 ipv4\non_dns_failure = pass\n",
};

enum { RULES_COUNT = sizeof(settings) / sizeof(settings[0]), TEXT_SIZE = 1024 };

static struct {
	struct loader *loaders[RULES_COUNT];
	struct ruleset *list[RULES_COUNT];
	struct privacy *privacy;
} rules;

static void rules_read(size_t number)
{
	struct memory_file senders, recipients, table, file;
	struct loader_source source = {0};
	struct diag diag = {0};
	char text[TEXT_SIZE];

	memory_file_open(&senders, span_of(sender_access));
	memory_file_open(&recipients, span_of(recipient_access));
	memory_file_open(&table, span_of(farms));
	snprintf(text, sizeof(text), "%ssender_access = %s\nrecipient_access = %s\nfarms = %s\n",
		 settings[number], senders.path, recipients.path, table.path);
	memory_file_open(&file, span_of(text));
	source.path = file.path;
	rules.loaders[number] = loader_new(&source, &rules.list[number], &diag);
	diag_print(&diag);
	if (rules.loaders[number] == NULL)
		abort();
	memory_file_close(&file);
	memory_file_close(&table);
	memory_file_close(&recipients);
	memory_file_close(&senders);
}

struct ruleset *rules_choose(unsigned number)
{
	if (rules.list[0] == NULL)
		for (size_t i = 0; i < RULES_COUNT; i++)
			rules_read(i);
	return rules.list[number % RULES_COUNT];
}

struct loader *rules_loader(void)
{
	rules_choose(0);
	return rules.loaders[0];
}

const struct privacy *rules_privacy(void)
{
	struct memory_file file;
	struct diag diag = {0};

	if (rules.privacy != NULL)
		return rules.privacy;
	memory_file_open(&file,
			 SPAN("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
	rules.privacy = privacy_open(file.path, &diag);
	memory_file_close(&file);
	if (rules.privacy == NULL)
		abort();
	return rules.privacy;
}
