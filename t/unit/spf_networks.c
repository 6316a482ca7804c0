/* SPDX-License-Identifier: BSD-2-Clause */
/* SPF records flattened into networks: what is followed, what is left, what is refused. */
#include "lookup/spf_networks.h"

#include "lookup/dns.h"
#include "tap.h"
#include "zone.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base;

struct asked {
	struct spf_networks_query *query;
	int answers;
	enum spf_networks_status status;
	size_t count;
	int64_t ttl_s;
	char networks[1024], why[SPF_NETWORKS_TEXT_SIZE], left[SPF_NETWORKS_TEXT_SIZE];
};

static void on_networks(const struct spf_networks *networks, void *arg)
{
	struct asked *asked = arg;
	asked->query = NULL;
	asked->answers++;
	asked->status = networks->status;
	asked->count = networks->count;
	asked->ttl_s = networks->ttl_s;
	memcpy(asked->why, networks->why, sizeof(asked->why));
	memcpy(asked->left, networks->left, sizeof(asked->left));
	asked->networks[0] = '\0';
	for (size_t i = 0; i < networks->count && i < 20; i++) {
		char text[NETWORK_TEXT_SIZE];
		network_format(&networks->list[i], text);
		strcat(strcat(asked->networks, i > 0 ? " " : ""), text);
	}
}

static struct dns *dns_over(struct zone *zone)
{
	struct dns_options options = {.servers = "", .timeout_s = 5};
	return dns_new_over(base, zone_transport(zone), &options);
}

/* The networks of x.example, and how many questions that took. */
static size_t resolve(const char *records, struct asked *asked)
{
	struct zone *zone = zone_new(base, records);
	struct dns *dns = dns_over(zone);

	zone_answer_later(zone);
	*asked = (struct asked){0};
	asked->query = spf_networks_start(dns, SPAN("x.example"), on_networks, asked);
	if (asked->answers != 0)
		tap_ok(false, "no answer comes within the call");
	while (asked->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
	size_t questions = zone_questions(zone);
	dns_free(&dns);
	return questions;
}

static void test_found(void)
{
	static const struct {
		const char *name, *records, *networks, *left;
	} cases[] = {
		{"ip4 and ip6, sorted, each once",
		 "x.example TXT v=spf1 ip6:2001:db8::/32 ip4:198.51.100.0/24 ip4:192.0.2.1 "
		 "ip4:192.0.2.1/32 -all",
		 "192.0.2.1/32 198.51.100.0/24 2001:db8::/32", ""},
		{"another TXT record does not matter",
		 "x.example TXT google-site-verification=x\nx.example TXT v=spf1 ip4:192.0.2.1",
		 "192.0.2.1/32", ""},
		{"include, two deep",
		 "x.example TXT v=spf1 include:a.example ~all\n"
		 "a.example TXT v=spf1 include:B.example. ip4:192.0.2.0/25 -all\n"
		 "b.example TXT v=spf1 ip4:192.0.2.128/25 ?all",
		 "192.0.2.0/25 192.0.2.128/25", ""},
		{"redirect when there is no all",
		 "x.example TXT v=spf1 ip4:192.0.2.1 redirect=a.example\n"
		 "a.example TXT v=spf1 ip4:192.0.2.2 -all",
		 "192.0.2.1/32 192.0.2.2/32", ""},
		{"and not when there is one",
		 "x.example TXT v=spf1 ip4:192.0.2.1 redirect=a.example -all\n", "192.0.2.1/32",
		 ""},
		{"nothing behind all", "x.example TXT v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2",
		 "192.0.2.1/32", ""},
		{"a of both families, with prefixes",
		 "x.example TXT v=spf1 a a:mail.example/24//64\n"
		 "x.example A 192.0.2.1\n"
		 "mail.example A 198.51.100.7\nmail.example AAAA 2001:db8:0:1::7",
		 "192.0.2.1/32 198.51.100.0/24 2001:db8:0:1::/64", ""},
		{"mx of both families, and in an include the included domain's",
		 "x.example TXT v=spf1 include:a.example\n"
		 "a.example TXT v=spf1 mx\na.example MX 10 mx1.example\na.example MX 20 "
		 "mx2.example\n"
		 "mx1.example A 192.0.2.1\nmx2.example AAAA 2001:db8::2\nmx2.example A 192.0.2.2",
		 "192.0.2.1/32 192.0.2.2/32 2001:db8::2/128", ""},
		{"a name without addresses is nothing",
		 "x.example TXT v=spf1 a:gone.example mx ip4:192.0.2.1", "192.0.2.1/32", ""},
		{"an include that leads back ends",
		 "x.example TXT v=spf1 include:a.example include:x.example\n"
		 "a.example TXT v=spf1 ip4:192.0.2.1 redirect=x.example",
		 "192.0.2.1/32", ""},
		{"what cannot be flattened is told",
		 "x.example TXT v=spf1 ip4:192.0.2.1 ptr:y.example exists:%{i}.y.example "
		 "include:%{d2}.z.example ?include:w.example -ip4:192.0.2.9 a:%{h} redirect=%{d}.r",
		 "192.0.2.1/32",
		 "ptr:y.example exists:%{i}.y.example include:%{d2}.z.example ?include:w.example "
		 "-ip4:192.0.2.9 a:%{h} redirect=%{d}.r"},
		{"IPv4-mapped networks match nobody (RFC 7208 5.6)",
		 "x.example TXT v=spf1 ip6:::ffff:192.0.2.0/120 ip4:192.0.2.1", "192.0.2.1/32", ""},
		{"just not too wide", "x.example TXT v=spf1 ip4:10.0.0.0/9 ip6:2000::/17",
		 "10.0.0.0/9 2000::/17", ""},
		{"just not too wide together, each counted once",
		 "x.example TXT v=spf1 ip4:10.0.0.0/9 ip4:10.128.0.0/9 ip4:11.0.0.0/9 "
		 "ip4:11.128.0.0/9 ip4:10.0.0.0/9 ip6:2000::/17 ip6:2000:8000::/17 ip6:2001::/17 "
		 "include:a.example\na.example TXT v=spf1 ip6:2001:8000::/17 ip6:2001::/17",
		 "10.0.0.0/9 10.128.0.0/9 11.0.0.0/9 11.128.0.0/9 2000::/17 2000:8000::/17 "
		 "2001::/17 2001:8000::/17",
		 ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked asked;
		resolve(cases[i].records, &asked);
		tap_is_number(asked.status, SPF_NETWORKS_FOUND, "%s %s", cases[i].name, asked.why);
		tap_is(asked.networks, cases[i].networks, "its networks");
		tap_is(asked.left, cases[i].left, "and what is left");
	}
}

static void test_refused(void)
{
	static const struct {
		const char *records, *why;
		enum spf_networks_status status;
	} cases[] = {
		{"y.example A 192.0.2.1", "x.example has no SPF record", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf10 ip4:192.0.2.1", "x.example has no SPF record",
		 SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1\nx.example TXT v=spf1 ip4:192.0.2.1",
		 "x.example has several SPF records", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 include:a.example",
		 "a.example has no SPF record", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 ip4:192.0.2",
		 "x.example: a syntax error in \"ip4:192.0.2\"", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 +all", "x.example passes everybody (+all)",
		 SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 include:a.example -all\n"
		 "a.example TXT v=spf1 all",
		 "a.example passes everybody (+all)", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:10.0.0.0/8",
		 "has the network 10.0.0.0/8, which is too wide", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip6:2000::/16",
		 "has the network 2000::/16, which is too wide", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 a/0 ip4:192.0.2.1\nx.example A 192.0.2.1",
		 "has the network 0.0.0.0/0, which is too wide", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:10.0.0.0/9 ip4:10.128.0.0/9 ip4:11.0.0.0/9 "
		 "include:a.example\na.example TXT v=spf1 ip4:11.128.0.0/9 ip4:192.0.2.1",
		 "has IPv4 networks that are together wider than a /7", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 ip6:2000::/17 ip6:2000:8000::/17 "
		 "ip6:2001::/17 ip6:2001:8000::/17 ip6:2002::1",
		 "has IPv6 networks that are together wider than a /15", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 -all", "names no network", SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 ptr:yahoo.example ?all", "names no network",
		 SPF_NETWORKS_REFUSED},
		{"x.example TXT v=spf1 redirect=a..example",
		 "leads to \"a..example\", which is "
		 "no domain",
		 SPF_NETWORKS_REFUSED},
		{"x.example TXT @servfail", "DNS does not answer for x.example",
		 SPF_NETWORKS_FAILED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 include:a.example\na.example TXT @servfail",
		 "DNS does not answer for a.example", SPF_NETWORKS_FAILED},
		{"x.example TXT v=spf1 ip4:192.0.2.1 mx\nx.example MX 10 m.example\n"
		 "m.example A 192.0.2.2\nm.example AAAA @servfail",
		 "DNS does not answer for m.example", SPF_NETWORKS_FAILED},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked asked;
		resolve(cases[i].records, &asked);
		tap_is_number(asked.status, cases[i].status, "refused: %s", cases[i].records);
		tap_is(asked.why, cases[i].why, "and why");
		tap_is_number((long long)asked.count, 0, "no networks");
	}
}

static void test_ttl(void)
{
	static const struct {
		const char *records;
		int64_t ttl_s;
	} cases[] = {
		{"x.example 7200 TXT v=spf1 ip4:192.0.2.1", 7200},
		{"x.example 7200 TXT v=spf1 a:a.example\na.example 3600 A 192.0.2.1\n"
		 "a.example 5000 AAAA 2001:db8::1",
		 3600},
		{"x.example 10 TXT v=spf1 ip4:192.0.2.1", 300},
		{"x.example 604800 TXT v=spf1 ip4:192.0.2.1", 86400},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked asked;
		resolve(cases[i].records, &asked);
		tap_is_number(asked.ttl_s, cases[i].ttl_s, "the TTL of %s", cases[i].records);
	}
}

/* x.example, with count terms by format, and a record for each include; records that would be too
 * long are in parts. */
static char *many(const char *format, int count)
{
	enum { PART = 150 };
	char *text = calloc(1, 500000), *at = text;

	at += sprintf(at, "x.example TXT v=spf1");
	for (int i = 0; count > PART && i < count; i += PART)
		at += sprintf(at, " include:p%d.example", i);
	for (int i = 0; i < count; i++) {
		if (count > PART && i % PART == 0)
			at += sprintf(at, "\np%d.example TXT v=spf1", i);
		at += sprintf(at, format, i / 256, i % 256);
	}
	*at++ = '\n';
	for (int i = 0; i < count && strstr(format, "include") != NULL; i++)
		at += sprintf(at, "a%d-%d.example TXT v=spf1 ip4:192.%d.%d.1\n", i / 256, i % 256,
			      i / 256, i % 256);
	return text;
}

/* A record that nobody reads. */
static void test_long(void)
{
	struct asked asked;
	char *records = calloc(1, 60000), *at = records;

	at += sprintf(at, "x.example TXT v=spf1 ip4:192.0.2.1");
	while (at < records + 20000)
		at += sprintf(at, " ip4:192.0.2.2");
	sprintf(at, " -all\n");
	resolve(records, &asked);
	tap_is(asked.why, "x.example has an SPF record of more than 16 KB", "a record of 20 KB");
	tap_ok(asked.count == 0, "no network of it");
	free(records);
}

static void test_bounds(void)
{
	static const struct {
		const char *format;
		int count;
		const char *why; /* NULL: found */
		size_t networks;
	} cases[] = {
		{" ip4:192.%d.%d.1", 5000, "", 5000},
		{" ip4:192.%d.%d.1", 5001, "has more than 5000 networks", 0},
		{" ip4:%2$d.%1$d.0.0/9", 256, "has IPv4 networks that are together wider than a /7",
		 0},
		{" ip6:%2$x:%1$x::/17", 4096,
		 "has IPv6 networks that are together wider than a /15", 0},
		{" include:a%d-%d.example", 99, "", 99},
		{" include:a%d-%d.example", 101, "leads to more than 100 domains", 0},
		{" mx:a%d-%d.example", 100, "needs more than 100 questions to DNS", 0},
		{" x%d=%d.and.much.more.of.what.nobody.reads.and.nobody.should.have.to", 4200,
		 "has more than 262144 bytes of records", 0},
		{" -mx:a%d-%d.example", 4500, "names no network", 0},
		{" -mx:a%d-%d.example", 10001, "takes more than 10000 steps to follow", 0},
		{" a", 12000, "takes more than 10000 steps to follow", 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked asked;
		char *records = many(cases[i].format, cases[i].count);
		size_t questions = resolve(records, &asked);
		tap_is(asked.why, cases[i].why, "%d times%s", cases[i].count, cases[i].format);
		tap_ok(asked.count == cases[i].networks && questions <= 100,
		       "%zu networks, %zu questions", asked.count, questions);
		if (cases[i].count == 4500)
			tap_ok(strlen(asked.left) > 400 &&
				       strcmp(asked.left + strlen(asked.left) - 4, " ...") == 0,
			       "what is left is told as far as there is room");
		free(records);
	}
}

/* format, count times, with the number. */
static char *add_times(char *at, const char *format, int count)
{
	for (int i = 0; i < count; i++)
		at += sprintf(at, format, i);
	return at;
}

/* What a provider's records can say to keep us busy: little is asked, and most of it once. */
static void test_steps(void)
{
	static const char too_many[] = "takes more than 10000 steps to follow";
	static const struct {
		const char *name, *terms;
		int term_count;
		const char *record; /* of DNS; NULL: none */
		int record_count;
		const char *why;
		size_t networks, questions; /* questions: at most */
	} cases[] = {
		{"mx, again and again", " mx", 9990, "x.example MX 10 m%d.example\n", 10, too_many,
		 0, 1},
		{"mx, quite often", " mx", 400, "x.example MX 10 m%d.example\n", 10, "", 1, 22},
		{"ten MX hosts", " mx", 1, "x.example MX 10 m%d.example\n", 10, "", 1, 22},
		{"eleven MX hosts", " mx", 1, "x.example MX 10 m%d.example\n", 11,
		 "x.example has more than 10 MX hosts", 0, 2},
		{"include, again and again", " include:x.example", 9990, NULL, 0, too_many, 0, 1},
		{"include, quite often", " include:x.example", 900, NULL, 0, "", 1, 1},
		{"names that are none", " a:a..example", 1000, NULL, 0, "", 1, 1},
		{"another TXT record of many words", "", 0,
		 "x.example TXT a b c d e f g h i j k l m n o p q r s t u v w x y z %d\n", 400,
		 too_many, 0, 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *records = calloc(1, 500000), *at = records;
		struct asked asked;
		at += sprintf(at, "x.example TXT v=spf1 ip4:192.0.2.1");
		at = add_times(at, cases[i].terms, cases[i].term_count);
		*at++ = '\n';
		if (cases[i].record != NULL)
			add_times(at, cases[i].record, cases[i].record_count);
		size_t questions = resolve(records, &asked);
		tap_is(asked.why, cases[i].why, "%s", cases[i].name);
		tap_ok(asked.count == cases[i].networks && questions <= cases[i].questions,
		       "%zu networks, %zu questions", asked.count, questions);
		free(records);
	}
}

/* Addresses that are looked at, but no client has, cost as well; a zone has none of them. */
static void test_mapped_steps(void)
{
	struct netaddr mapped = {.bits = 128, .bytes = {[10] = 0xff, [11] = 0xff, [12] = 192}};
	struct dns_answer *text = dns_answer_new(DNS_FOUND, 300);
	struct dns_answer *addresses = dns_answer_new(DNS_FOUND, 300);
	const struct dns_answer *none = dns_answer_new(DNS_NO_DATA, 300);
	struct spf_networks networks = {0};
	struct dns_table table;
	size_t waits_for;

	dns_answer_add_text(text,
			    SPAN("v=spf1 ip4:192.0.2.1 a//96 a//97 a//98 a//99 a//100 a//101"));
	for (int i = 0; i < 2000; i++)
		dns_answer_add_address(addresses, &mapped);
	dns_table_init(&table, SPF_NETWORKS_QUESTIONS_MAX);
	while (!spf_networks_flatten(SPAN("x.example"), &table, &waits_for, &networks)) {
		enum dns_type type = table.rows[waits_for].type;
		dns_table_answer(&table, waits_for,
				 type == DNS_TXT    ? text
				 : type == DNS_AAAA ? addresses
						    : none);
	}
	tap_is(networks.why, "takes more than 10000 steps to follow",
	       "addresses in which no client is, again and again");
	spf_networks_clear(&networks);
	dns_table_clear(&table);
	dns_answer_release((const struct dns_answer **)&text);
	dns_answer_release((const struct dns_answer **)&addresses);
	dns_answer_release(&none);
}

/* Ten includes in each of ten deep: every domain is asked about once, all of a level at a time. */
static void test_bomb(void)
{
	char records[8192], *at = records;
	struct asked asked;

	at += sprintf(at, "x.example TXT v=spf1 include:l0.example include:l1.example\n");
	for (int i = 0; i < 10; i++) {
		at += sprintf(at, "l%d.example TXT v=spf1", i);
		for (int k = 0; k < 10; k++)
			at += sprintf(at, " include:l%d.example", k);
		at += sprintf(at, " ip4:192.0.2.%d\n", i);
	}
	size_t questions = resolve(records, &asked);
	tap_ok(asked.count == 10 && questions == 11, "a bomb of includes costs %zu questions",
	       questions);
}

static void test_cancel(void)
{
	struct zone *zone = zone_new(base, "x.example TXT v=spf1 include:a.example\n"
					   "a.example TXT @never");
	struct dns *dns = dns_over(zone);
	struct asked asked = {0};

	zone_answer_later(zone);
	asked.query = spf_networks_start(dns, SPAN("x.example"), on_networks, &asked);
	spf_networks_cancel(&asked.query);
	spf_networks_cancel(&asked.query);
	asked.query = spf_networks_start(dns, SPAN("x.example"), on_networks, &asked);
	while (zone_questions_about(zone, DNS_TXT, "a.example") == 0)
		event_base_loop(base, EVLOOP_ONCE);
	spf_networks_cancel(&asked.query);
	zone_set(zone, "a.example TXT v=spf1 ip4:192.0.2.1");
	for (int i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	tap_ok(asked.query == NULL && asked.answers == 0, "after a cancel there is no answer");
	dns_free(&dns);
}

int main(void)
{
	base = event_base_new();
	test_found();
	test_refused();
	test_ttl();
	test_bounds();
	test_long();
	test_steps();
	test_mapped_steps();
	test_bomb();
	test_cancel();
	event_base_free(base);
	libevent_global_shutdown();
	return tap_done();
}
