/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks why is told every step in words, gets the answer that the mail would get, and leaves
 * nothing behind. */
#include "daemon/explanation_json.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/check.h"
#include "daemon/loader.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "rules/privacy.h"
#include "store/store.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1800000000, SAYS_MAX = 6, PATH_SIZE = 128 };

static const char records[] =
	"25.2.0.192.in-addr.arpa    PTR  first.example\n"
	"25.2.0.192.in-addr.arpa    PTR  mail.corp.example\n"
	"first.example              A    192.0.2.99\n"
	"mail.corp.example          A    192.0.2.25\n"
	"2.113.0.203.in-addr.arpa   PTR  down.example\n"
	"down.example               A    @servfail\n"
	"3.113.0.203.in-addr.arpa   PTR  @never\n"
	"4.113.0.203.in-addr.arpa   PTR  other.example\n"
	"other.example              A    192.0.2.99\n"
	"5.113.0.203.in-addr.arpa   PTR  slow.example\n"
	"slow.example               A    @never\n"
	"6.113.0.203.in-addr.arpa   PTR  @servfail\n"
	"corp.example               TXT  v=spf1 include:_spf.corp.example -all\n"
	"_spf.corp.example          TXT  v=spf1 ip4:192.0.2.0/26 -all\n"
	"disowned.example           TXT  v=spf1 -all\n"
	"wide.example               TXT  v=spf1 +all\n"
	"broken.example             TXT  v=spf1 ip4:what\n"
	"doubtful.example           TXT  v=spf1 ptr -all\n"
	"silent.example             TXT  @never\n";

static const char settings[] = "greylist = enforce\n"
			       "gate = enforce\n"
			       "gate_families = ipv4, ipv6\n"
			       "check_deadline = 1\n";

static const char farms[] = "google ptr:.google.example\n"
			    "big cidr:198.51.100.0/25 pass\n"
			    "plain cidr:198.51.100.128/25\n";

static const char sender_access[] = "partner.example OK\n"
				    "corp.example OK\n"
				    "disowned.example OK\n"
				    "doubtful.example OK\n"
				    "hello.example DUNNO\n"
				    "shop.example REJECT no shops\n";

static const char recipient_access[] = "open@here.example OK\n";

/* A store that fails, or never answers. */
struct dead_store {
	struct store base;
	bool is_silent;
	struct event *later;
	store_done_fn *done;
	void *arg;
};

/* All that a check needs. */
struct rig {
	char directory[32];
	struct event_base *base;
	struct loader *loader;
	struct ruleset *rules;
	struct zone *zone;
	struct dns *dns;
	struct spf *spf;
	struct store *store; /* a real one */
	struct privacy *privacy;
	struct checker *checker;
};

struct asked {
	struct explanation *explanation; /* owned; NULL: an ordinary check */
	bool is_answered;
	struct verdict verdict;
	json_t *told; /* owned; when there is an explanation */
};

static void rig_write(const struct rig *rig, const char *name, const char *text)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", rig->directory, name);
	FILE *stream = fopen(path, "w");
	fputs(text, stream);
	fclose(stream);
}

static void rig_load(struct rig *rig, const char *override)
{
	static const char *const tables[] = {"farms", "sender_access", "recipient_access"};
	char path[PATH_SIZE], texts[4][PATH_SIZE];
	char *overrides[] = {texts[0], texts[1], texts[2], texts[3]};
	struct diag diag = {0};

	for (size_t i = 0; i < 3; i++)
		snprintf(texts[i], PATH_SIZE, "%s=%s/%s", tables[i], rig->directory, tables[i]);
	snprintf(texts[3], PATH_SIZE, "%s", override != NULL ? override : "");
	snprintf(path, sizeof(path), "%s/sixgate.conf", rig->directory);
	struct loader_source source = {path, overrides, override != NULL ? 4 : 3};
	rig->loader = loader_new(&source, &rig->rules, &diag);
	for (size_t i = 0; i < diag.line_count; i++)
		printf("# %s\n", diag.lines[i].text);
	diag_clear(&diag);
}

static void rig_start_checker(struct rig *rig, struct store *store)
{
	struct checker_parts parts = {.base = rig->base,
				      .store = store,
				      .privacy = rig->privacy,
				      .dns = rig->dns,
				      .spf = rig->spf,
				      .hostname = "mx.example"};
	rig->checker = checker_new(&parts);
}

/* override: "name=value", or NULL; store NULL: a real one, and empty. */
static void rig_start(struct rig *rig, const char *override, struct store *store, bool is_private)
{
	struct dns_options dns_options = {
		.servers = "", .timeout_s = 5, .cache_bytes = 1024 * 1024};
	struct store_options store_options = {.max_entries = 1000};
	char path[PATH_SIZE], why[STORE_WHY_SIZE];
	struct diag diag = {0};

	*rig = (struct rig){.directory = "/tmp/sixgate-why-XXXXXX"};
	if (mkdtemp(rig->directory) == NULL)
		abort();
	rig_write(rig, "sixgate.conf", settings);
	rig_write(rig, "farms", farms);
	rig_write(rig, "sender_access", sender_access);
	rig_write(rig, "recipient_access", recipient_access);
	rig->base = event_base_new();
	rig_load(rig, override);
	rig->zone = zone_new(rig->base, records);
	rig->dns = dns_new_over(rig->base, zone_transport(rig->zone), &dns_options);
	rig->spf = spf_new(rig->dns);
	snprintf(path, sizeof(path), "%s/key", rig->directory);
	if (is_private)
		rig->privacy = privacy_open(path, &diag);
	snprintf(path, sizeof(path), "sqlite:%s/store.db", rig->directory);
	if (store == NULL)
		rig->store = store_open(path, &store_options, rig->base, why);
	clock_set_for_test(NOW);
	rig_start_checker(rig, store != NULL ? store : rig->store);
}

static void rig_stop(struct rig *rig)
{
	char command[64];

	checker_free(&rig->checker);
	store_free(&rig->store);
	spf_free(&rig->spf);
	dns_free(&rig->dns);
	privacy_free(&rig->privacy);
	ruleset_release(&rig->rules);
	loader_free(&rig->loader);
	event_base_free(rig->base);
	snprintf(command, sizeof(command), "rm -rf %s", rig->directory);
	if (system(command) != 0)
		abort();
}

static void on_verdict(const struct verdict *verdict, void *arg)
{
	struct asked *asked = arg;

	asked->is_answered = true;
	asked->verdict = *verdict;
	if (asked->explanation != NULL)
		asked->told = explanation_json(asked->explanation, verdict, clock_wall_s());
}

/* Room for a request as smtpd writes it. */
enum { ASK_SIZE = 1024 };

static struct check *ask_start(struct rig *rig, const char *attributes, char bytes[static ASK_SIZE],
			       struct asked *asked)
{
	struct request request;

	snprintf(bytes, ASK_SIZE, "request=smtpd_access_policy\nprotocol_state=RCPT\n%s\n\n",
		 attributes);
	if (request_parse(&request, span_of(bytes)) != NULL)
		abort();
	return check_start_explaining(rig->checker, rig->rules, &request, asked->explanation,
				      on_verdict, asked);
}

static void ask(struct rig *rig, const char *attributes, struct asked *asked)
{
	char bytes[ASK_SIZE];
	struct check *check = ask_start(rig, attributes, bytes, asked);

	while (!asked->is_answered)
		event_base_loop(rig->base, EVLOOP_ONCE);
	check_free(&check);
}

/* The explanation; a new reference. */
static json_t *explain(struct rig *rig, const char *attributes, struct verdict *verdict)
{
	struct asked asked = {.explanation = explanation_new()};

	ask(rig, attributes, &asked);
	explanation_free(&asked.explanation);
	*verdict = asked.verdict;
	return asked.told;
}

static struct verdict ask_in_earnest(struct rig *rig, const char *attributes)
{
	struct asked asked = {.explanation = NULL};

	ask(rig, attributes, &asked);
	return asked.verdict;
}

static const json_t *told_step(const json_t *told, const char *name)
{
	size_t i;
	const json_t *step;

	json_array_foreach (json_object_get(told, "steps"), i, step)
		if (strcmp(json_string_value(json_object_get(step, "step")), name) == 0)
			return step;
	return NULL;
}

/* Whether step NAME says TEXT in a line of its own; says is "NAME: TEXT". */
static bool told_says(const json_t *told, const char *says)
{
	char name[32];
	const char *text = strstr(says, ": ") + 2;
	size_t i;
	const json_t *detail;

	snprintf(name, sizeof(name), "%.*s", (int)(text - 2 - says), says);
	const json_t *step = told_step(told, name);
	if (step == NULL)
		return false;
	if (strcmp(json_string_value(json_object_get(step, "text")), text) == 0)
		return true;
	json_array_foreach (json_object_get(step, "details"), i, detail)
		if (strcmp(json_string_value(detail), text) == 0)
			return true;
	return false;
}

/* "request=ok exempt=no ..." */
static void told_way(const json_t *told, char *out, size_t size)
{
	size_t i, length = 0;
	const json_t *step;

	json_array_foreach (json_object_get(told, "steps"), i, step)
		length += (size_t)snprintf(out + length, size - length, "%s%s=%s", i > 0 ? " " : "",
					   json_string_value(json_object_get(step, "step")),
					   json_string_value(json_object_get(step, "result")));
}

static void show(const json_t *told)
{
	char *text = json_dumps(told, JSON_INDENT(1));

	fprintf(stderr, "%s\n", text);
	free(text);
}

#define FROM(address, sender)                                                                      \
	"client_address=" address "\nsender=" sender "\nrecipient=b@here.example"
#define BEGINS "request=ok exempt=no recipient_access=none "

static const struct why_case {
	const char *name, *setting, *attributes, *way;
	const char *says[SAYS_MAX]; /* each "STEP: LINE" */
	int64_t asked_s[2];         /* before, in earnest: seconds ago, the longest first */
} why_cases[] = {
	{"mynetworks",
	 NULL,
	 FROM("127.0.0.1", "a@corp.example"),
	 "request=ok exempt=yes verdict=pass",
	 {"exempt: mynetworks has 127.0.0.0/8: such a client is never checked"},
	 {0}},
	{"a recipient that is let through",
	 NULL,
	 "client_address=192.0.2.25\nsender=a@x.example\nrecipient=open@here.example",
	 "request=ok exempt=no recipient_access=ok verdict=pass",
	 {0},
	 {0}},
	{"a sender that is refused",
	 NULL,
	 FROM("192.0.2.25", "a@shop.example"),
	 BEGINS "sender_access=reject iprev=not asked spf=not asked verdict=reject",
	 {"iprev: not asked: sender_access decides without it",
	  "spf: not asked: sender_access decides without it"},
	 {0}},
	{"an OK for whoever says it",
	 "sender_access_requires=any",
	 FROM("192.0.2.25", "a@disowned.example"),
	 BEGINS "sender_access=ok iprev=not asked spf=not asked verdict=pass",
	 {"sender_access: sender_access_requires = any: it counts always"},
	 {0}},
	{"an OK that SPF does not speak against",
	 NULL,
	 FROM("192.0.2.25", "a@partner.example"),
	 BEGINS "sender_access=ok iprev=not asked spf=none verdict=pass",
	 {"sender_access: sender_access_requires = not-disowned: it counts, as SPF does not say "
	  "that the mail is not the domain's",
	  "spf: the MAIL FROM domain partner.example has no SPF record"},
	 {0}},
	{"an OK that SPF disowns",
	 NULL,
	 FROM("192.0.2.25", "a@disowned.example"),
	 BEGINS "sender_access=ok, but iprev=pass spf=fail gate=reject verdict=reject",
	 {"sender_access: sender_access_requires = not-disowned: it does not count, as SPF says "
	  "that the mail is not the domain's",
	  "spf: the SPF record of the MAIL FROM domain disowned.example says that the client may "
	  "not send for it",
	  "gate: gate_profile = google: spf fail: 550 5.7.23"},
	 {0}},
	{"an OK that SPF disowns, through a trusted forwarder",
	 "trusted_forwarders=192.0.2.25",
	 FROM("192.0.2.25", "a@disowned.example"),
	 BEGINS "sender_access=ok iprev=not asked spf=fail verdict=pass",
	 {"sender_access: sender_access_requires = not-disowned: it counts, as trusted_forwarders "
	  "has the client: what it hands on fails SPF by no fault of the sender's"},
	 {0}},
	{"an OK that SPF disowns, while DNS could not tell",
	 NULL,
	 FROM("203.0.113.6", "a@doubtful.example"),
	 BEGINS "sender_access=ok iprev=not asked spf=fail verdict=pass",
	 {"sender_access: sender_access_requires = not-disowned: it counts, as SPF is in doubt: "
	  "DNS could not tell all that the record asks for",
	  "spf: in doubt, as DNS could not tell all that the record asks for: no evidence against "
	  "the client for good"},
	 {0}},
	{"an OK that SPF proves",
	 "sender_access_requires=authenticated",
	 FROM("192.0.2.25", "a@corp.example"),
	 BEGINS "sender_access=ok iprev=not asked spf=pass verdict=pass",
	 {"sender_access: sender_access_requires = authenticated: it counts, as SPF proves that "
	  "the "
	  "client sends for corp.example"},
	 {0}},
	{"an OK that the client's name proves",
	 "sender_access_requires=authenticated",
	 "client_name=mx.partner.example\n" FROM("192.0.2.77", "a@partner.example"),
	 BEGINS "sender_access=ok iprev=pass spf=none verdict=pass",
	 {"sender_access: sender_access_requires = authenticated: it counts, as the client's "
	  "confirmed name mx.partner.example is within partner.example",
	  "iprev: client_name is a name that Postfix has confirmed; DNS was not asked"},
	 {0}},
	{"an OK that nothing proves",
	 "sender_access_requires=authenticated",
	 FROM("192.0.2.25", "a@partner.example"),
	 BEGINS "sender_access=ok, but iprev=pass spf=none gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"sender_access: sender_access_requires = authenticated: it does not count, as neither "
	  "SPF "
	  "proves that the client sends for partner.example, nor does it have a confirmed name "
	  "within it"},
	 {0}},
	{"a line that says DUNNO",
	 NULL,
	 FROM("203.0.113.1", "a@hello.example"),
	 BEGINS "sender_access=dunno iprev=permerror spf=not asked gate=reject verdict=reject",
	 {"sender_access: as if there were no line"},
	 {0}},
	{"a client without a name",
	 NULL,
	 FROM("203.0.113.1", "a@x.example"),
	 BEGINS "sender_access=none iprev=permerror spf=not asked gate=reject verdict=reject",
	 {"iprev: the client has no name: there is no PTR record",
	  "iprev: PTR record: no such name",
	  "spf: not asked: the gate refuses the client for its host already",
	  "gate: gate_profile = google: iprev permerror: 550 5.7.25"},
	 {0}},
	{"a name that leads elsewhere",
	 NULL,
	 FROM("203.0.113.4", "a@x.example"),
	 BEGINS "sender_access=none iprev=fail spf=not asked gate=reject verdict=reject",
	 {"iprev: the client has a name, but none that leads back to its address",
	  "iprev: other.example has 192.0.2.99: does not lead back to the client"},
	 {0}},
	{"a name whose addresses DNS could not tell",
	 NULL,
	 FROM("203.0.113.2", "a@x.example"),
	 BEGINS "sender_access=none iprev=temperror spf=not asked gate=defer verdict=defer",
	 {"iprev: down.example: no address: DNS could not tell"},
	 {0}},
	{"DNS that is silent about the client's name",
	 NULL,
	 FROM("203.0.113.3", "a@x.example"),
	 BEGINS "sender_access=none iprev=temperror spf=not asked gate=defer verdict=defer",
	 {"iprev: PTR record: no answer in time",
	  "iprev: DNS did not answer within three quarters of check_deadline"},
	 {0}},
	{"DNS that is silent about the name's addresses",
	 NULL,
	 FROM("203.0.113.5", "a@x.example"),
	 BEGINS "sender_access=none iprev=temperror spf=not asked gate=defer verdict=defer",
	 {"iprev: slow.example: no answer in time"},
	 {0}},
	{"DNS that is silent about SPF",
	 NULL,
	 FROM("192.0.2.25", "a@silent.example"),
	 BEGINS "sender_access=none iprev=pass spf=temperror gate=defer verdict=defer",
	 {"spf: the SPF record of the MAIL FROM domain silent.example could not be evaluated now: "
	  "DNS could not tell",
	  "spf: DNS did not answer within three quarters of check_deadline",
	  "iprev: mail.corp.example has 192.0.2.25: leads back to the client"},
	 {0}},
	{"a gate that is dry",
	 "gate=dry",
	 FROM("203.0.113.1", "a@x.example"),
	 BEGINS "sender_access=none iprev=permerror spf=none gate=dry farm=none greylist=new "
		"verdict=greylist",
	 {"gate: gate = dry: told, and not done"},
	 {0}},
	{"a gate that is off",
	 "gate=off",
	 FROM("203.0.113.1", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=none gate=off farm=none greylist=new "
		"verdict=greylist",
	 {"iprev: not asked: gate = off", "gate: gate = off"},
	 {0}},
	{"a gate for the other family",
	 "gate_families=ipv6",
	 FROM("203.0.113.1", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=none gate=off farm=none greylist=new "
		"verdict=greylist",
	 {"iprev: not asked: gate_families does not have ipv4",
	  "gate: gate_families does not have ipv4"},
	 {0}},
	{"a trusted forwarder at the gate",
	 "trusted_forwarders=.corp.example",
	 "client_name=mail.corp.example\nclient_address=192.0.2.25\nsender=\n"
	 "helo_name=disowned.example\nrecipient=b@here.example",
	 BEGINS "sender_access=none iprev=pass spf=fail gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"spf: the SPF record of the HELO domain disowned.example says that the client may not "
	  "send for it",
	  "gate: trusted_forwarders has the client: what SPF says is not held against it"},
	 {0}},
	{"a record that is wrong",
	 NULL,
	 FROM("192.0.2.25", "a@broken.example"),
	 BEGINS "sender_access=none iprev=pass spf=permerror gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"spf: the SPF record of the MAIL FROM domain broken.example is wrong, and says nothing"},
	 {0}},
	{"a sender without a domain, and a HELO that is none",
	 "gate=off",
	 "client_address=192.0.2.25\nsender=\nrecipient=b@here.example",
	 BEGINS "sender_access=none iprev=not asked spf=none gate=off farm=none greylist=new "
		"verdict=greylist",
	 {"spf: there is no HELO domain to ask about"},
	 {0}},
	{"a record that lets everybody pass",
	 NULL,
	 FROM("192.0.2.25", "a@wide.example"),
	 BEGINS "sender_access=none iprev=pass spf=pass gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"spf: +all",
	  "spf: not narrow: the record lets nearly everybody pass, so that this proves nothing"},
	 {0}},
	{"a farm that is never greylisted",
	 "gate=off",
	 FROM("198.51.100.1", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=not asked gate=off farm=big greylist=off "
		"verdict=pass",
	 {"spf: not asked: the client's farm is never greylisted", "farm: cidr:198.51.100.0/25",
	  "greylist: the farm has \"pass\": it is never greylisted"},
	 {0}},
	{"greylisting that is off",
	 "greylist=off",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=none gate=pass farm=none greylist=off "
		"verdict=pass",
	 {"greylist: greylist = off"},
	 {0}},
	{"greylisting that is dry",
	 "greylist=dry",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=none gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"greylist: sender a@x.example, recipient b@here.example: has to wait 5 min (greylist = "
	  "dry: told, and not done)"},
	 {0}},
	{"a new sender",
	 "sender_access=",
	 FROM("192.0.2.25", "a@corp.example"),
	 BEGINS "sender_access=none iprev=pass spf=pass gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"spf: the SPF record of the MAIL FROM domain corp.example lets the client send for it",
	  "spf: include:_spf.corp.example ip4:192.0.2.0/26",
	  "spf: narrow: the client is one of the domain's own hosts",
	  "greylist: key 192.0.2.0/24: never seen", "greylist: key domain:corp.example: never seen",
	  "greylist: client domain:corp.example: 0 passes of greylist_known_after = 5"},
	 {0}},
	{"one that comes back too early",
	 NULL,
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=none gate=pass farm=none greylist=early "
		"verdict=greylist",
	 {"greylist: sender a@x.example, recipient b@here.example: has to wait 2 min",
	  "greylist: key 192.0.2.0/24: first seen 3 min ago, waits, expires in 47 h"},
	 {180}},
	{"one that comes back in time",
	 "gate=off",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=not asked gate=off farm=none greylist=pass "
		"verdict=pass",
	 {"spf: not asked: the triplet passes by its network already"},
	 {600}},
	{"one that has passed before",
	 "gate=off",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=not asked gate=off farm=none greylist=pass "
		"verdict=pass",
	 {"greylist: key 192.0.2.0/24: first seen 3 h ago, 1 pass, the last 2 h ago, expires in "
	  "34 days",
	  "greylist: client 192.0.2.0/24: 1 pass of greylist_known_after = 5, last seen 2 h ago"},
	 {10800, 7200}},
	{"one that came back too late",
	 "gate=off",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=not asked spf=none gate=off farm=none greylist=new "
		"verdict=greylist",
	 {"greylist: key 192.0.2.0/24: first seen 3 days ago, waits, expired 24 h ago"},
	 {259200}},
	{"a client that is known",
	 "greylist_known_after=1",
	 "client_name=x.y\n" FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=none gate=pass farm=none greylist=known "
		"verdict=pass",
	 {"greylist: client 192.0.2.0/24: 1 pass of greylist_known_after = 1, last seen 2 h ago"},
	 {10800, 7200}},
	{"nobody becomes known",
	 "greylist_known_after=0",
	 FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=none gate=pass farm=none greylist=new "
		"verdict=greylist",
	 {"greylist: greylist_known_after = 0: no client becomes known"},
	 {0}},
	{"a farm's customer that comes back",
	 "gate=off",
	 "client_name=m1.google.example\n" FROM("192.0.2.25", "a@x.example"),
	 BEGINS "sender_access=none iprev=pass spf=not asked gate=off farm=google greylist=pass "
		"verdict=pass",
	 {"farm: ptr:.google.example: the confirmed name m1.google.example",
	  "greylist: client 192.0.2.0/24: does not become known, as it is a farm's",
	  "spf: not asked: the triplet passes by its network or farm already"},
	 {600}},
};

/* Who asks why once more is told the same, and the mail gets the answer that was told. */
static void test_again(struct rig *rig, const struct why_case *why, const json_t *told,
		       const struct verdict *verdict)
{
	struct verdict again;
	json_t *told_again = explain(rig, why->attributes, &again);
	struct verdict earnest = ask_in_earnest(rig, why->attributes);

	tap_ok(json_equal(told, told_again), "%s: to have asked why changes nothing", why->name);
	tap_is(verdict->answer, earnest.answer, "%s: the mail gets the same answer", why->name);
	json_decref(told_again);
}

static void test_why(const struct why_case *why)
{
	struct verdict verdict;
	char way[512];
	struct rig rig;

	rig_start(&rig, why->setting, NULL, false);
	for (size_t i = 0; i < 2 && why->asked_s[i] > 0; i++) {
		clock_set_for_test(NOW - why->asked_s[i]);
		(void)ask_in_earnest(&rig, why->attributes);
	}
	clock_set_for_test(NOW);
	json_t *told = explain(&rig, why->attributes, &verdict);
	told_way(told, way, sizeof(way));
	tap_is(way, why->way, "%s: the steps", why->name);
	for (size_t i = 0; i < SAYS_MAX && why->says[i] != NULL; i++) {
		bool says = told_says(told, why->says[i]);
		tap_ok(says, "%s: %s", why->name, why->says[i]);
		if (!says)
			show(told);
	}
	/* To wait for silent DNS once is enough. */
	if (strstr(why->name, "silent") == NULL)
		test_again(&rig, why, told, &verdict);
	json_decref(told);
	rig_stop(&rig);
}

#define NEW FROM("192.0.2.25", "a@x.example")

/* How many lines of verdicts there are in a file. */
static int count_verdicts(const char *path)
{
	FILE *stream = fopen(path, "r");
	char line[VERDICT_LOG_SIZE + 64];
	int count = 0;

	while (fgets(line, sizeof(line), stream) != NULL)
		count += strstr(line, "action=") != NULL;
	fclose(stream);
	return count;
}

/* What is logged goes to stderr, which is a file meanwhile. */
static void test_log(void)
{
	struct verdict verdict;
	char path[PATH_SIZE];
	struct rig rig;

	rig_start(&rig, NULL, NULL, false);
	rig_write(&rig, "log", "");
	snprintf(path, sizeof(path), "%s/log", rig.directory);
	fflush(stderr);
	int kept = dup(STDERR_FILENO);
	if (freopen(path, "a", stderr) == NULL)
		abort();
	json_t *told = explain(&rig, NEW, &verdict);
	fflush(stderr);
	int explained = count_verdicts(path);
	(void)ask_in_earnest(&rig, NEW);
	fflush(stderr);
	int logged = count_verdicts(path);
	dup2(kept, STDERR_FILENO);
	close(kept);
	tap_is_number(explained, 0, "an explanation leaves no line in the log");
	tap_is_number(logged, 1, "the mail does");
	const char *line =
		json_string_value(json_object_get(json_object_get(told, "verdict"), "log"));
	tap_ok(strncmp(line, "action=greylist, reason=new, ", 29) == 0,
	       "but the explanation tells the line");
	json_decref(told);
	rig_stop(&rig);
}

static void test_flood(void)
{
	struct verdict verdict;
	struct rig rig;

	rig_start(&rig, "max_new_per_client=1", NULL, false);
	json_decref(explain(&rig, NEW, &verdict));
	json_decref(explain(&rig, FROM("192.0.2.25", "other@x.example"), &verdict));
	verdict = ask_in_earnest(&rig, NEW);
	tap_is_number(verdict.reason, REASON_NEW, "explanations do not count as new triplets");
	clock_set_for_test(NOW + 2 * 86400);
	json_decref(explain(&rig, FROM("192.0.2.25", "other@x.example"), &verdict));
	tap_is_number(verdict.reason, REASON_NEW, "two days later the bound is open again ...");
	clock_set_for_test(NOW);
	json_t *told = explain(&rig, FROM("192.0.2.25", "other@x.example"), &verdict);
	tap_is_number(verdict.reason, REASON_NEW_NOT_STORED,
		      "... and to have asked why then does not open it now");
	tap_ok(told_says(told, "greylist: max_new_per_client = 1: its network has reached it, so "
			       "that it waits, and is not stored"),
	       "the bound is told");
	json_decref(told);
	rig_stop(&rig);
}

static void test_header(void)
{
	static const char message[] = NEW "\ninstance=1.2.3";
	struct verdict told, first, second;
	struct rig rig;

	rig_start(&rig, "greylist=off", NULL, false);
	json_decref(explain(&rig, message, &told));
	first = ask_in_earnest(&rig, message);
	second = ask_in_earnest(&rig, message);
	tap_ok(strncmp(told.answer, "PREPEND Authentication-Results: ", 32) == 0,
	       "an explanation tells the header");
	tap_is(first.answer, told.answer, "and the message still gets it");
	tap_is(second.answer, "DUNNO", "once");
	rig_stop(&rig);
}

static void test_cancel(void)
{
	static const char *const slow[] = {FROM("203.0.113.3", "a@x.example"),
					   FROM("203.0.113.5", "a@x.example"),
					   FROM("192.0.2.25", "a@silent.example")};
	struct verdict verdict;
	struct rig rig;

	rig_start(&rig, NULL, NULL, false);
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
		struct asked asked = {.explanation = explanation_new()};
		char bytes[ASK_SIZE];
		struct check *check = ask_start(&rig, slow[i], bytes, &asked);
		for (int turns = 0; turns < 20; turns++)
			event_base_loop(rig.base, EVLOOP_NONBLOCK);
		tap_ok(!asked.is_answered && zone_outstanding(rig.zone) > 0,
		       "explanation %zu waits for DNS", i);
		check_free(&check);
		explanation_free(&asked.explanation);
		zone_set(rig.zone, records);
		event_base_loop(rig.base, EVLOOP_NONBLOCK);
		tap_ok(!asked.is_answered, "explanation %zu is gone when it is cancelled", i);
	}
	json_t *told = explain(&rig, NEW, &verdict);
	tap_is_number(verdict.reason, REASON_NEW, "and the next one is told");
	json_decref(told);
	rig_stop(&rig);
}

static void on_dead_store(evutil_socket_t fd, short events, void *arg)
{
	struct dead_store *dead = arg;
	struct store_answer answer = {.status = STORE_FAILED};

	(void)fd;
	(void)events;
	dead->done(&answer, dead->arg);
}

static struct store_request *dead_start(struct store *store, const struct store_question *question,
					store_done_fn *done, void *arg)
{
	static struct store_request request;
	struct dead_store *dead = (struct dead_store *)store;

	(void)question;
	request.store = store;
	dead->done = done;
	dead->arg = arg;
	if (!dead->is_silent)
		event_active(dead->later, EV_TIMEOUT, 0);
	return &request;
}

static void dead_cancel(struct store_request *request)
{
	(void)request;
}

static void test_dead_store(void)
{
	static const struct store_class class = {.start = dead_start, .cancel = dead_cancel};
	struct dead_store dead = {.base.class = &class};
	struct verdict verdict;
	struct rig rig;

	rig_start(&rig, "gate=off", &dead.base, false);
	dead.later = event_new(rig.base, -1, 0, on_dead_store, &dead);
	json_t *told = explain(&rig, NEW, &verdict);
	tap_ok(told_says(told, "greylist: the store could not answer: on_store_failure decides"),
	       "a store that fails");
	tap_ok(told_says(told, "spf: not asked: the store did not answer"),
	       "SPF is not asked then");
	json_decref(told);
	dead.is_silent = true;
	told = explain(&rig, NEW, &verdict);
	tap_ok(told_says(told, "greylist: the store did not answer within check_deadline: "
			       "on_store_failure decides"),
	       "a store that is silent");
	tap_is_number(verdict.reason, REASON_CHECK_DEADLINE, "and the deadline");
	json_decref(told);
	event_free(dead.later);
	rig_stop(&rig);
}

/* What the store and the log would hold is told as they would hold it. */
static void test_privacy(void)
{
	static const char bounce[] = "client_address=192.0.2.25\nsender=\n"
				     "helo_name=secret.example\nrecipient=b@here.example";
	struct verdict verdict;
	struct rig rig;

	rig_start(&rig, NULL, NULL, true);
	json_t *told = explain(&rig, bounce, &verdict);
	const char *line =
		json_string_value(json_object_get(json_object_get(told, "verdict"), "log"));
	tap_ok(strstr(line, "helo_name=h:") != NULL && strstr(line, "secret.example") == NULL &&
		       strstr(line, "192.0.2.25") == NULL,
	       "privacy: the line of the log has hashes, also of the HELO name");
	const json_t *entry =
		json_array_get(json_object_get(told_step(told, "greylist"), "entries"), 0);
	tap_ok(strncmp(json_string_value(json_object_get(entry, "key")), "h:", 2) == 0,
	       "privacy: and so have the keys");
	json_decref(told);
	rig_stop(&rig);
}

int main(void)
{
	hash_init();
	for (size_t i = 0; i < sizeof(why_cases) / sizeof(why_cases[0]); i++)
		test_why(&why_cases[i]);
	test_log();
	test_flood();
	test_header();
	test_cancel();
	test_dead_store();
	test_privacy();
	libevent_global_shutdown();
	return tap_done();
}
