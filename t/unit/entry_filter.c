/* SPDX-License-Identifier: BSD-2-Clause */
/* Which entries an admin means by what he writes. */
#include "rules/entry_filter.h"

#include "base/hash.h"
#include "rules/privacy.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum which { CLIENT, SENDER, RECIPIENT };

static const char *set(struct entry_filter *filter, enum which which, const char *pattern,
		       const struct privacy *privacy)
{
	switch (which) {
	case CLIENT:
		return entry_filter_set_client(filter, span_of(pattern), 24, 64, privacy);
	case SENDER:
		return entry_filter_set_sender(filter, span_of(pattern), privacy);
	case RECIPIENT:
		break;
	}
	return entry_filter_set_recipient(filter, span_of(pattern), privacy);
}

static void test_matches(void)
{
	static const struct {
		enum which which;
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{CLIENT, "2001:db8::1", "2001:db8::/64", true},
		{CLIENT, "2001:db8:0:1::1", "2001:db8::/64", false},
		{CLIENT, "[2001:db8::1]", "2001:db8::/64", true},
		{CLIENT, "2001:db8::/64", "2001:db8::/64", true},
		{CLIENT, "2001:db8::/80", "2001:db8::/64", true},
		{CLIENT, "2001:db8::/32", "2001:db8:77::/64", true},
		{CLIENT, "2001:db8::/32", "2001:db9::/64", false},
		{CLIENT, "2001:db8::/32", "192.0.2.0/24", false},
		{CLIENT, "2001:db8::/32", "farm:google", false},
		{CLIENT, "192.0.2.7", "192.0.2.0/24", true},
		{CLIENT, "192.0.0.0/16", "192.0.2.0/24", true},
		{CLIENT, "0.0.0.0/0", "192.0.2.0/24", true},
		{CLIENT, "0.0.0.0/0", "2001:db8::/64", false},
		{CLIENT, "2002:c000:207::1", "192.0.2.0/24", true},
		{CLIENT, "farm:google", "farm:google", true},
		{CLIENT, "farm:google", "farm:google/example.org", true},
		{CLIENT, "farm:google", "farm:googleplex", false},
		{CLIENT, "farm:google/example.org", "farm:google/example.org", true},
		{CLIENT, "domain:Example.org", "domain:example.org", true},
		{CLIENT, "domain:*", "domain:example.org", true},
		{CLIENT, "*", "farm:google", true},
		{CLIENT, "2001:db8:*", "2001:db8:5::/64", true},
		{SENDER, "bob17@example.org", "bob#@example.org", true},
		{SENDER, "Bob+list@Example.ORG", "bob@example.org", true},
		{SENDER, "bob@example.org", "rob@example.org", false},
		{SENDER, "example.org", "bob@example.org", true},
		{SENDER, "example.org", "bob@mail.example.org", true},
		{SENDER, "example.org", "bob@badexample.org", false},
		{SENDER, "@example.org", "bob@example.org", true},
		{SENDER, ".example.org", "bob@mail.example.org", true},
		{SENDER, ".example.org", "bob@example.org", false},
		{SENDER, "bob@", "bob@example.org", true},
		{SENDER, "bob@", "bobby@example.org", false},
		{SENDER, "bob@", "bob", false},
		{SENDER, "<>", "<>", true},
		{SENDER, "<>", "bob@example.org", false},
		{SENDER, "*@example.*", "bob@example.org", true},
		{SENDER, "*b*b*@*", "bob@example.org", true},
		{SENDER, "*z*", "bob@example.org", false},
		{SENDER, "example.org", "<>", false},
		{RECIPIENT, "Alice@here.example", "alice@here.example", true},
		{RECIPIENT, "alice17@here.example", "alice17@here.example", true},
		{RECIPIENT, "here.example", "alice@here.example", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct entry_filter filter = {0};
		const char *why = set(&filter, cases[i].which, cases[i].pattern, NULL);
		const char *other = "x@y.example";
		bool matches = entry_filter_matches(
			&filter, cases[i].which == CLIENT ? cases[i].text : "192.0.2.0/24",
			cases[i].which == SENDER ? cases[i].text : other,
			cases[i].which == RECIPIENT ? cases[i].text : other, 0);
		tap_ok(why == NULL && matches == cases[i].matches, "%s %s %s %s", cases[i].pattern,
		       cases[i].matches ? "means" : "does not mean", cases[i].text,
		       why != NULL ? why : "");
		tap_ok(!entry_filter_is_empty(&filter), "and is a condition");
	}
}

static void test_errors(void)
{
	static const struct {
		enum which which;
		const char *pattern, *words;
	} cases[] = {
		{CLIENT, "", "expected an address"},
		{CLIENT, "mail.example.org", "expected an address"},
		{CLIENT, "farm:", "expected an address"},
		{CLIENT, "192.0.2.1/24", "bits are set behind the prefix"},
		{CLIENT, "[2001:db8::1]/32", "bits are set behind the prefix"},
		{CLIENT, "192.0.2.0/33", "the prefix length is not a number from 0 to 32"},
		{CLIENT, "example.org/24", "not a network such as 192.0.2.0/24"},
		{SENDER, "", "expected user@domain"},
		{SENDER, "@", "expected user@domain"},
		{SENDER, ".", "expected user@domain"},
		{RECIPIENT, "", "expected user@domain"},
	};
	struct entry_filter filter = {0};
	char text[2000];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = set(&filter, cases[i].which, cases[i].pattern, NULL);
		tap_ok(why != NULL && strncmp(why, cases[i].words, strlen(cases[i].words)) == 0,
		       "\"%s\" is refused: %s", cases[i].pattern, why != NULL ? why : "not");
	}
	memset(text, '*', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int which = CLIENT; which <= RECIPIENT; which++)
		tap_ok(set(&filter, (enum which)which, text, NULL) != NULL, "so is a long one");
	tap_ok(entry_filter_is_empty(&filter), "what was refused is no condition");
}

static void test_states(void)
{
	struct entry_filter filter = {.state = ENTRY_WAITING};

	tap_ok(entry_filter_matches(&filter, "k", "s", "r", 0) &&
		       !entry_filter_matches(&filter, "k", "s", "r", 1),
	       "waiting is what has not passed");
	filter.state = ENTRY_PASSED;
	tap_ok(!entry_filter_matches(&filter, "k", "s", "r", 0) &&
		       entry_filter_matches(&filter, "k", "s", "r", 1),
	       "passed is what has");
	tap_ok(!entry_filter_is_empty(&filter), "a state is a condition");
}

static void test_privacy(void)
{
	char path[] = "/tmp/sixgate-filter-XXXXXX", hash[PRIVACY_TEXT_SIZE];
	struct diag diag = {0};
	struct entry_filter filter = {0};

	close(mkstemp(path));
	unlink(path);
	struct privacy *privacy = privacy_open(path, &diag);
	privacy_hash(privacy, span_of("bob#@example.org"), hash);
	tap_ok(set(&filter, SENDER, "bob17@example.org", privacy) == NULL &&
		       entry_filter_matches(&filter, "x", hash, "y", 0),
	       "a whole address is found by its hash");
	tap_ok(set(&filter, SENDER, hash, privacy) == NULL &&
		       entry_filter_matches(&filter, "x", hash, "y", 0),
	       "and so is the hash of a log line");
	privacy_hash(privacy, span_of("2001:db8::/64"), hash);
	filter = (struct entry_filter){0};
	tap_ok(set(&filter, CLIENT, "2001:db8::77", privacy) == NULL &&
		       entry_filter_matches(&filter, hash, "x", "y", 0),
	       "an address is found by the hash of its network");
	tap_ok(set(&filter, CLIENT, "farm:google", privacy) == NULL &&
		       entry_filter_matches(&filter, "farm:google", "x", "y", 0),
	       "a farm has its own name");
	privacy_hash(privacy, span_of("domain:example.org"), hash);
	tap_ok(set(&filter, CLIENT, "domain:Example.ORG", privacy) == NULL &&
		       entry_filter_matches(&filter, hash, "x", "y", 0),
	       "a domain is found by its hash, however it is written");
	privacy_hash(privacy, span_of("farm:google/example.org"), hash);
	tap_ok(set(&filter, CLIENT, "farm:google/Example.org", privacy) == NULL &&
		       entry_filter_matches_client(&filter, hash),
	       "and so is a farm's customer");
	tap_ok(set(&filter, SENDER, "example.org", privacy) != NULL &&
		       set(&filter, SENDER, "*", privacy) != NULL &&
		       set(&filter, SENDER, "bob@", privacy) != NULL &&
		       set(&filter, CLIENT, "2001:db8::/32", privacy) != NULL &&
		       set(&filter, CLIENT, "*", privacy) != NULL,
	       "what hashes cannot tell is refused");
	privacy_free(&privacy);
	diag_clear(&diag);
	unlink(path);
}

int main(void)
{
	hash_init();
	test_matches();
	test_errors();
	test_states();
	test_privacy();
	return tap_done();
}
