/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate's table, the header, and which message had it. */
#include "rules/gate.h"

#include "base/hash.h"
#include "rules/auth_results.h"
#include "rules/instances.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct netaddr client;

static struct evidence evidence_of(enum iprev_result iprev, enum spf_result spf)
{
	struct evidence evidence = {.iprev = {.result = iprev}, .spf = {.result = spf}};

	if (iprev == IPREV_PASS || iprev == IPREV_FAIL)
		snprintf(evidence.iprev.name, sizeof(evidence.iprev.name), "mail.example");
	if (spf != SPF_NOT_ASKED)
		snprintf(evidence.spf.domain, sizeof(evidence.spf.domain), "example.org");
	return evidence;
}

/* Every row of the contract (design 6) under every profile, and what may follow it. */
static void test_table(void)
{
	static const struct {
		enum iprev_result iprev;
		enum spf_result spf;
		const char *google, *microsoft; /* the beginning of the answer; NULL: goes on */
		const char *evidence;
	} cases[] = {
		{IPREV_PERMERROR, SPF_NOT_ASKED, "550 5.7.25 ", "DEFER_IF_PERMIT 4.7.25 ",
		 "iprev permerror"},
		{IPREV_FAIL, SPF_NOT_ASKED, "550 5.7.25 ", "DEFER_IF_PERMIT 4.7.25 ", "iprev fail"},
		{IPREV_TEMPERROR, SPF_NOT_ASKED, "DEFER_IF_PERMIT 4.7.25 ",
		 "DEFER_IF_PERMIT 4.7.25 ", "iprev temperror"},
		{IPREV_PASS, SPF_NOT_ASKED, NULL, NULL, NULL},
		{IPREV_PASS, SPF_FAIL, "550 5.7.23 ", "DEFER_IF_PERMIT 4.7.23 ", "spf fail"},
		{IPREV_PASS, SPF_TEMPERROR, "DEFER_IF_PERMIT 4.7.24 ", "DEFER_IF_PERMIT 4.7.24 ",
		 "spf temperror"},
		{IPREV_PASS, SPF_NONE, NULL, "DEFER_IF_PERMIT 4.7.26 ", "spf none"},
		{IPREV_PASS, SPF_NEUTRAL, NULL, "DEFER_IF_PERMIT 4.7.26 ", "spf neutral"},
		{IPREV_PASS, SPF_SOFTFAIL, NULL, "DEFER_IF_PERMIT 4.7.26 ", "spf softfail"},
		{IPREV_PASS, SPF_PERMERROR, NULL, "DEFER_IF_PERMIT 4.7.26 ", "spf permerror"},
		{IPREV_PASS, SPF_PASS, NULL, NULL, NULL},
		/* The host comes before the domain. */
		{IPREV_PERMERROR, SPF_FAIL, "550 5.7.25 ", "DEFER_IF_PERMIT 4.7.25 ",
		 "iprev permerror"},
		{IPREV_TEMPERROR, SPF_FAIL, "DEFER_IF_PERMIT 4.7.25 ", "DEFER_IF_PERMIT 4.7.25 ",
		 "iprev temperror"},
		{IPREV_FAIL, SPF_PASS, "550 5.7.25 ", "DEFER_IF_PERMIT 4.7.25 ", "iprev fail"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence evidence = evidence_of(cases[i].iprev, cases[i].spf);
		const char *expected[] = {cases[i].google, cases[i].microsoft, NULL};
		static const char *const names[] = {"google", "microsoft", "observe"};
		for (unsigned profile = 0; profile < GATE_PROFILE_COUNT; profile++) {
			struct gate_case about = {.profile = (enum gate_profile)profile,
						  .client = &client,
						  .evidence = &evidence};
			struct gate_judgement judgement = {.evidence = NULL};
			bool judged = gate_judge(&about, &judgement);
			bool right = judged == (expected[profile] != NULL);
			if (judged && right)
				right = strncmp(judgement.answer, expected[profile],
						strlen(expected[profile])) == 0 &&
					strcmp(judgement.evidence, cases[i].evidence) == 0 &&
					judgement.is_permanent == (judgement.answer[0] == '5');
			tap_ok(right, "%s: iprev=%s spf=%s: %s", names[profile],
			       iprev_result_word(cases[i].iprev), spf_result_word(cases[i].spf),
			       expected[profile] != NULL ? expected[profile] : "goes on");
		}
	}
}

static bool judge(struct evidence evidence, bool trusted, bool dns_failure_passes,
		  enum gate_profile profile, struct gate_judgement *judgement)
{
	struct gate_case about = {.profile = profile,
				  .dns_failure_passes = dns_failure_passes,
				  .is_trusted_forwarder = trusted,
				  .client = &client,
				  .evidence = &evidence};
	return gate_judge(&about, judgement);
}

static void test_exceptions(void)
{
	struct gate_judgement judgement;
	struct evidence bounce = evidence_of(IPREV_PASS, SPF_NONE);

	tap_ok(!judge(evidence_of(IPREV_PASS, SPF_FAIL), true, false, GATE_GOOGLE, &judgement),
	       "a trusted forwarder is not judged by SPF");
	tap_ok(!judge(evidence_of(IPREV_PASS, SPF_NONE), true, false, GATE_MICROSOFT, &judgement),
	       "nor by its absence");
	tap_ok(judge(evidence_of(IPREV_FAIL, SPF_FAIL), true, false, GATE_GOOGLE, &judgement),
	       "but by its own name it is");
	tap_ok(!judge(evidence_of(IPREV_TEMPERROR, SPF_NOT_ASKED), false, true, GATE_GOOGLE,
		      &judgement),
	       "on_dns_failure = pass: iprev temperror goes on");
	tap_ok(!judge(evidence_of(IPREV_PASS, SPF_TEMPERROR), false, true, GATE_MICROSOFT,
		      &judgement),
	       "on_dns_failure = pass: spf temperror goes on");
	tap_ok(judge(evidence_of(IPREV_TEMPERROR, SPF_FAIL), false, true, GATE_GOOGLE, &judgement),
	       "on_dns_failure = pass: what is known for sure still decides");

	struct evidence doubtful = evidence_of(IPREV_PASS, SPF_FAIL);
	doubtful.spf.is_doubtful = true;
	tap_ok(judge(doubtful, false, false, GATE_GOOGLE, &judgement) && !judgement.is_permanent &&
		       strcmp(judgement.reply, "450 4.7.24") == 0 &&
		       strcmp(judgement.evidence, "spf temperror") == 0,
	       "an SPF fail that rests on what DNS could not tell is not refused for good");
	tap_ok(judge(doubtful, false, false, GATE_MICROSOFT, &judgement) &&
		       strcmp(judgement.reply, "450 4.7.24") == 0,
	       "and told as what it is by either profile");
	tap_ok(!judge(doubtful, false, true, GATE_GOOGLE, &judgement) &&
		       !judge(doubtful, false, true, GATE_MICROSOFT, &judgement),
	       "on_dns_failure = pass: it goes on");
	tap_ok(!judge(doubtful, true, false, GATE_GOOGLE, &judgement),
	       "it is nothing to a trusted forwarder");
	doubtful.spf.result = SPF_SOFTFAIL;
	tap_ok(!judge(doubtful, false, false, GATE_GOOGLE, &judgement) &&
		       judge(doubtful, false, false, GATE_MICROSOFT, &judgement) &&
		       strcmp(judgement.reply, "450 4.7.26") == 0,
	       "a softfail is temporary anyway");

	bounce.spf.is_helo = true;
	tap_ok(!judge(bounce, false, false, GATE_MICROSOFT, &judgement),
	       "a bounce is not deferred for a HELO name without SPF");
	bounce.spf.result = SPF_FAIL;
	tap_ok(judge(bounce, false, false, GATE_GOOGLE, &judgement) &&
		       strstr(judgement.answer, "HELO domain [example.org]") != NULL,
	       "one whose HELO name fails SPF is refused, and told so");
	tap_ok(judge(evidence_of(IPREV_PERMERROR, SPF_NOT_ASKED), false, false, GATE_GOOGLE,
		     &judgement) &&
		       strstr(judgement.answer, "[2001:db8::1]") != NULL &&
		       strstr(judgement.answer, "AAAA") != NULL,
	       "the text names the address, and the record that is missing");
	tap_is(judgement.reply, "550 5.7.25", "the codes alone, for the log");

	struct evidence hostile = evidence_of(IPREV_PASS, SPF_FAIL);
	memset(hostile.spf.domain, 'x', sizeof(hostile.spf.domain) - 1);
	memcpy(hostile.spf.domain, "a%s\n", 4);
	tap_ok(judge(hostile, false, false, GATE_GOOGLE, &judgement) &&
		       strchr(judgement.answer, '\n') == NULL &&
		       strstr(judgement.answer, "[a%s\\x0axxx") != NULL &&
		       strlen(judgement.answer) < 480,
	       "a hostile domain stays one short line, and is no format");
}

static void check_header(const char *expected, struct evidence evidence, const char *id,
			 int64_t delay_s, const char *name)
{
	char header[AUTH_RESULTS_SIZE];
	bool has = auth_results_format(header, span_of(id), &client, &evidence, delay_s);
	tap_is(has ? header : "", expected, "%s", name);
}

static void test_header(void)
{
	struct evidence evidence = evidence_of(IPREV_PASS, SPF_PASS);
	struct netaddr ipv6 = client;

	check_header("Authentication-Results: mx.example; iprev=pass policy.iprev=\"2001:db8::1\"; "
		     "spf=pass smtp.mailfrom=example.org",
		     evidence, "mx.example", 0, "the header; an IPv6 address is quoted");
	evidence.spf.is_helo = true;
	check_header("Authentication-Results: mx.example; iprev=pass policy.iprev=\"2001:db8::1\"; "
		     "spf=pass smtp.helo=example.org; x-greylist=pass (delayed 312 s)",
		     evidence, "mx.example", 312, "a bounce that was delayed");
	check_header("Authentication-Results: mx.example; x-greylist=pass (delayed 1 s)",
		     (struct evidence){.spf = {.result = SPF_NOT_ASKED}}, "mx.example", 1,
		     "the delay alone");
	check_header("", (struct evidence){.spf = {.result = SPF_NOT_ASKED}}, "mx.example", 0,
		     "nothing to tell, no header");
	netaddr_parse(SPAN("192.0.2.1"), &client);
	evidence = evidence_of(IPREV_FAIL, SPF_NONE);
	snprintf(evidence.spf.domain, sizeof(evidence.spf.domain), "we\"ird\\;(x).example");
	check_header("Authentication-Results: \"my host\"; iprev=fail policy.iprev=192.0.2.1; "
		     "spf=none smtp.mailfrom=\"we\\\"ird\\\\;(x).example\"",
		     evidence, "my host", 0, "what is no token is quoted");
	evidence.spf.domain[0] = '\0';
	check_header("Authentication-Results: mx.example; iprev=fail policy.iprev=192.0.2.1; "
		     "spf=none",
		     evidence, "mx.example", 0, "a sender without a domain");

	/* The longest that there can be. */
	char header[AUTH_RESULTS_SIZE], id[256];
	memset(id, '"', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	memset(evidence.spf.domain, '"', sizeof(evidence.spf.domain) - 1);
	evidence.spf.is_helo = false;
	evidence.spf.domain[sizeof(evidence.spf.domain) - 1] = '\0';
	auth_results_format(header, span_of(id), &client, &evidence, INT64_MAX);
	tap_ok(strcmp(header + strlen(header) - 3, " s)") == 0, "the longest header is whole");
	client = ipv6;
}

static void test_instances(void)
{
	struct instances *instances = instances_new();
	char instance[32];

	tap_ok(instances_add(instances, SPAN("a.1.2.0")), "a message is new");
	tap_ok(!instances_add(instances, SPAN("a.1.2.0")), "its second recipient is not");
	tap_ok(instances_add(instances, SPAN("a.1.3.0")), "the next message is");
	tap_ok(instances_add(instances, SPAN("")) && instances_add(instances, SPAN("")),
	       "without an instance everything is");
	for (int i = 0; i < 100000; i++) {
		snprintf(instance, sizeof(instance), "b.%d", i);
		instances_add(instances, span_of(instance));
	}
	tap_ok(!instances_add(instances, span_of(instance)), "the last of many is remembered");
	tap_ok(instances_add(instances, SPAN("a.1.2.0")),
	       "the first is forgotten: memory is fixed");
	instances_free(&instances);
}

int main(void)
{
	hash_init();
	netaddr_parse(SPAN("2001:db8::1"), &client);
	test_table();
	test_exceptions();
	test_header();
	test_instances();
	return tap_done();
}
