/* SPDX-License-Identifier: BSD-2-Clause */
/* c-ares and our use of it, against name servers in this process, good ones and bad ones. */
#include "lookup/dns_ares.h"

#include "base/hash.h"
#include "base/log.h"
#include "lookup/dns.h"
#include "lookup/dns_packet.h"
#include "nameserver.h"
#include "tap.h"

#include <event2/event.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	SHORT_MS = 400,      /* the timeout for what is never answered */
	RETRY_MS = 4000,     /* for what is answered at the second try, after a quarter of it */
	PATIENCE_MS = 60000, /* for what is answered at once, however slow the machine */
};

static struct event_base *base;

/* What a server does, and what it saw. */
struct server {
	struct nameserver *server;
	const char *address; /* of x.example */
	unsigned rcode;      /* for all, instead of answers */
	int drops;           /* so many questions, in silence */
	bool hates_edns;
	int questions, over_tcp;
};

static struct packet packet;

static void begin_reply(const struct nameserver_question *question, unsigned rcode)
{
	packet_begin(&packet, question->id, PACKET_RESPONSE | PACKET_RECURSION, rcode,
		     question->name, question->type);
}

static void reply_address(const struct nameserver_question *question, const char *address)
{
	char line[64];

	begin_reply(question, ns_r_noerror);
	snprintf(line, sizeof(line), "an @ 300 A %s", address);
	packet_add(&packet, line);
	nameserver_reply(question, &packet);
}

/* What an attacker sends who guesses, before the answer comes. */
static void reply_forged(const struct nameserver_question *question)
{
	if (strcmp(question->name, "wrong-id.example") == 0) {
		struct nameserver_question other = *question;
		other.id = (uint16_t)~question->id;
		reply_address(&other, "192.0.2.66");
	} else if (strcmp(question->name, "wrong-name.example") == 0) {
		packet_begin(&packet, question->id, PACKET_RESPONSE, ns_r_noerror, "x.example",
			     question->type);
		packet_add(&packet, "an wrong-name.example 300 A 192.0.2.66");
		nameserver_reply(question, &packet);
	} else if (strcmp(question->name, "wrong-type.example") == 0) {
		packet_begin(&packet, question->id, PACKET_RESPONSE, ns_r_noerror, question->name,
			     16);
		packet_add(&packet, "an @ 300 A 192.0.2.66");
		nameserver_reply(question, &packet);
	} else if (strcmp(question->name, "garbage.example") == 0) {
		begin_reply(question, ns_r_noerror);
		packet_add(&packet, "an @ 300 A 192.0.2.66");
		for (packet.length = 0; packet.length < 12; packet.length++)
			nameserver_reply(question, &packet);
		memset(packet.bytes, 0xff, 500);
		packet.length = 500;
		nameserver_reply(question, &packet);
	}
}

/* Texts that only TCP can carry. */
static void reply_large(const struct nameserver_question *question)
{
	begin_reply(question, ns_r_noerror);
	if (question->tcp == NULL) {
		packet_poke(&packet, 2, 0x83);
	} else if (strcmp(question->name, "long.example") == 0) {
		packet_add_long_text(&packet, 60000);
	} else {
		for (int i = 0; i < 2000; i++)
			packet_add(&packet, "an @ 300 TXT v=spf1 -all");
	}
	nameserver_reply(question, &packet);
}

/* A server that tells a CNAME and not where it leads to: hN leads to h(N-1), h0 has an address,
 * and "circle" leads to itself. */
static void reply_alias(const struct nameserver_question *question)
{
	char line[64] = "an @ 60 CNAME circle2.example";
	int left;

	if (strcmp(question->name, "h0.example") == 0)
		return reply_address(question, "192.0.2.10");
	if (sscanf(question->name, "h%d.example", &left) == 1)
		snprintf(line, sizeof(line), "an @ 60 CNAME h%d.example", left - 1);
	else if (strcmp(question->name, "circle2.example") == 0)
		snprintf(line, sizeof(line), "an @ 60 CNAME circle.example");
	begin_reply(question, ns_r_noerror);
	packet_add(&packet, line);
	nameserver_reply(question, &packet);
}

static void serve(const struct nameserver_question *question)
{
	struct server *server = question->arg;
	const char *name = question->name;

	server->questions++;
	server->over_tcp += question->tcp != NULL;
	if (server->drops > 0) {
		server->drops--;
		return;
	}
	if (server->rcode != ns_r_noerror || (server->hates_edns && question->has_edns)) {
		begin_reply(question, server->rcode != ns_r_noerror ? server->rcode : ns_r_formerr);
		return nameserver_reply(question, &packet);
	}
	if (strcmp(name, "long.example") == 0 || strcmp(name, "many.example") == 0)
		return reply_large(question);
	if (name[0] == 'h' || name[0] == 'c')
		return reply_alias(question);
	if (strcmp(name, "none.example") == 0 || strcmp(name, "empty.example") == 0) {
		begin_reply(question, name[0] == 'n' ? ns_r_nxdomain : ns_r_noerror);
		packet_add(&packet, "ns example 120 SOA 60");
		return nameserver_reply(question, &packet);
	}
	if (strcmp(name, "odd.example") == 0) {
		begin_reply(question, 11);
		return nameserver_reply(question, &packet);
	}
	reply_forged(question);
	reply_address(question, server->address);
}

static bool server_start_at(struct server *server, const char *addr, uint16_t port,
			    const char *address)
{
	*server = (struct server){.address = address};
	server->server = nameserver_new(base, addr, port, serve, server);
	return server->server != NULL;
}

static bool server_start(struct server *server, const char *addr, const char *address)
{
	return server_start_at(server, addr, 0, address);
}

/* Somebody who asks. */
struct asker {
	int answers;
	enum dns_status status;
	const struct dns_answer *answer; /* held */
	struct dns_query *query;
};

static void on_asked(const struct dns_answer *answer, void *arg)
{
	struct asker *asker = arg;

	asker->query = NULL;
	asker->answers++;
	asker->status = dns_answer_status(answer);
	dns_answer_release(&asker->answer);
	asker->answer = dns_answer_hold(answer);
}

static void await(const struct asker *asker)
{
	while (asker->answers == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

static struct dns_transport *transport_to(const char *servers, int64_t timeout_ms)
{
	return dns_ares_new(base, servers, "/nonexistent", timeout_ms);
}

static void ask(struct dns_transport *transport, enum dns_type type, const char *name,
		struct asker *asker)
{
	transport->class->ask(transport, type, name, on_asked, asker);
}

static const char *address_of(const struct asker *asker)
{
	static char text[NETADDR_TEXT_SIZE];

	if (asker->answers != 1 || asker->status != DNS_FOUND)
		return "no address";
	netaddr_format(dns_answer_address(asker->answer, 0), text);
	return text;
}

static void test_answers(const char *addr)
{
	static const struct {
		const char *what, *name, *expected; /* NULL: no address */
		enum dns_status status;
		int64_t ttl_s;
		int questions;
	} cases[] = {
		{"a plain answer", "x.example", "192.0.2.1", DNS_FOUND, 300, 1},
		{"no such name", "none.example", NULL, DNS_NO_NAME, 60, 1},
		{"no such record", "empty.example", NULL, DNS_NO_DATA, 60, 1},
		{"a result that nobody knows", "odd.example", NULL, DNS_FAILED, 0, 1},
		{"an answer with another id does not count", "wrong-id.example", "192.0.2.1",
		 DNS_FOUND, 300, 1},
		{"an answer to another name does not count", "wrong-name.example", "192.0.2.1",
		 DNS_FOUND, 300, 1},
		{"an answer to another type does not count", "wrong-type.example", "192.0.2.1",
		 DNS_FOUND, 300, 1},
		{"garbage does not count", "garbage.example", "192.0.2.1", DNS_FOUND, 300, 1},
		{"a CNAME that the server leaves to us", "h1.example", "192.0.2.10", DNS_FOUND, 60,
		 2},
		{"eight of them", "h8.example", "192.0.2.10", DNS_FOUND, 60, 9},
		{"nine are too many", "h9.example", NULL, DNS_FAILED, 0, 9},
		{"CNAMEs in a circle", "circle.example", NULL, DNS_FAILED, 0, 9},
		{"an empty label is not asked", "a..example", NULL, DNS_NO_NAME, 0, 0},
		{"a label of 64 bytes is not asked",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", NULL,
		 DNS_NO_NAME, 0, 0},
		{"a name of Tor (RFC 7686) is not asked", "x.onion", NULL, DNS_NO_NAME, 0, 0},
	};
	struct server server;

	if (!server_start(&server, addr, "192.0.2.1"))
		return;
	int events = event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED);
	struct dns_transport *transport = transport_to(nameserver_text(server.server), PATIENCE_MS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asker asker = {0};
		server.questions = 0;
		ask(transport, DNS_A, cases[i].name, &asker);
		await(&asker);
		tap_is(address_of(&asker),
		       cases[i].expected != NULL ? cases[i].expected : "no address", "%s: %s", addr,
		       cases[i].what);
		tap_ok(asker.status == cases[i].status &&
			       dns_answer_ttl_s(asker.answer) == cases[i].ttl_s &&
			       server.questions == cases[i].questions,
		       "%s: %s: status, TTL and number of questions", addr, cases[i].what);
		dns_answer_release(&asker.answer);
	}
	tap_is_number(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), events,
		      "%s: with nothing out there is no timer and no socket", addr);
	transport->class->free(transport);
	nameserver_free(&server.server);
}

static void test_large(const char *addr)
{
	struct server server;
	struct asker asker = {0}, many = {0};

	if (!server_start(&server, addr, "192.0.2.1"))
		return;
	struct dns_transport *transport = transport_to(nameserver_text(server.server), PATIENCE_MS);
	ask(transport, DNS_TXT, "long.example", &asker);
	await(&asker);
	tap_ok(asker.status == DNS_FOUND && server.over_tcp == 1 &&
		       dns_answer_text(asker.answer, 0).length == DNS_PACKET_TEXT_MAX,
	       "%s: a text of 60000 bytes comes over TCP", addr);
	ask(transport, DNS_TXT, "many.example", &many);
	await(&many);
	tap_ok(many.status == DNS_FOUND && dns_answer_count(many.answer) == 2 &&
		       span_equals(dns_answer_text(many.answer, 0), SPAN("v=spf1 -all")),
	       "%s: so do 2000 texts", addr);
	dns_answer_release(&asker.answer);
	dns_answer_release(&many.answer);
	transport->class->free(transport);
	nameserver_free(&server.server);
}

enum mood { WELL, FAILING, REFUSING, SILENT, OLD };

static void server_start_in(struct server *server, enum mood mood, const char *address)
{
	server_start(server, "127.0.0.1", address);
	server->rcode = mood == FAILING    ? ns_r_servfail
			: mood == REFUSING ? ns_r_refused
					   : ns_r_noerror;
	server->drops = mood == SILENT ? 100 : 0;
	server->hates_edns = mood == OLD;
}

/* Two servers, and how often each is asked. */
static void test_failures(void)
{
	static const struct {
		const char *what;
		enum mood first, second;
		int first_questions, second_questions;
		const char *expected;
		int64_t timeout_ms;
	} cases[] = {
		{"both are well", WELL, WELL, 1, 0, "192.0.2.1", PATIENCE_MS},
		{"SERVFAIL", FAILING, WELL, 1, 1, "192.0.2.2", PATIENCE_MS},
		{"REFUSED", REFUSING, WELL, 1, 1, "192.0.2.2", PATIENCE_MS},
		{"SERVFAIL from both", FAILING, FAILING, 1, 1, "no address", PATIENCE_MS},
		{"no answer", SILENT, WELL, 1, 1, "192.0.2.2", RETRY_MS},
		{"no answer from both", SILENT, SILENT, 1, 1, "no address", SHORT_MS},
		{"one that does not know EDNS", OLD, WELL, 2, 0, "192.0.2.1", PATIENCE_MS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server first, second;
		struct asker asker = {0};
		char servers[100];
		server_start_in(&first, cases[i].first, "192.0.2.1");
		server_start_in(&second, cases[i].second, "192.0.2.2");
		snprintf(servers, sizeof(servers), "%s, %s", nameserver_text(first.server),
			 nameserver_text(second.server));
		struct dns_transport *transport = transport_to(servers, cases[i].timeout_ms);
		ask(transport, DNS_A, "x.example", &asker);
		await(&asker);
		tap_is(address_of(&asker), cases[i].expected, "two servers: %s", cases[i].what);
		tap_ok(asker.status == DNS_FOUND || asker.status == DNS_FAILED,
		       "two servers: %s: never is that \"no\"", cases[i].what);
		tap_is_number(first.questions, cases[i].first_questions,
			      "two servers: %s: questions to the first", cases[i].what);
		tap_is_number(second.questions, cases[i].second_questions,
			      "two servers: %s: questions to the second", cases[i].what);
		dns_answer_release(&asker.answer);
		transport->class->free(transport);
		nameserver_free(&first.server);
		nameserver_free(&second.server);
	}
}

static void test_one_server(void)
{
	struct server server;
	struct asker asker = {0}, none = {0}, closed = {0};

	server_start(&server, "127.0.0.1", "192.0.2.1");
	struct dns_transport *transport = transport_to(nameserver_text(server.server), RETRY_MS);
	server.drops = 1;
	ask(transport, DNS_A, "x.example", &asker);
	await(&asker);
	tap_is(address_of(&asker), "192.0.2.1", "one server: a lost packet is sent again");
	tap_is_number(server.questions, 2, "one server: once");
	transport->class->free(transport);
	transport = transport_to(nameserver_text(server.server), SHORT_MS);
	server.drops = 100;
	server.questions = 0;
	ask(transport, DNS_A, "x.example", &none);
	await(&none);
	tap_ok(none.status == DNS_FAILED && server.questions == 2,
	       "one server: without an answer it fails, after two tries");
	nameserver_free(&server.server);
	ask(transport, DNS_A, "x.example", &closed);
	await(&closed);
	tap_is_number(closed.status, DNS_FAILED, "one server: that is gone");
	transport->class->free(transport);
	dns_answer_release(&asker.answer);
	dns_answer_release(&none.answer);
	dns_answer_release(&closed.answer);
}

static void test_free(void)
{
	struct server server;
	struct asker one = {0}, two = {0}, tcp = {0};

	server_start(&server, "127.0.0.1", "192.0.2.1");
	struct dns_transport *transport = transport_to(nameserver_text(server.server), PATIENCE_MS);
	ask(transport, DNS_TXT, "long.example", &tcp);
	while (server.over_tcp == 0)
		event_base_loop(base, EVLOOP_ONCE);
	server.drops = 100;
	ask(transport, DNS_A, "x.example", &one);
	ask(transport, DNS_A, "y.example", &two);
	while (server.questions < 4)
		event_base_loop(base, EVLOOP_ONCE);
	transport->class->free(transport);
	tap_ok(one.answers == 1 && two.answers == 1 && one.status == DNS_FAILED &&
		       two.status == DNS_FAILED && tcp.answers == 1,
	       "the end of a transport answers what is out");
	nameserver_free(&server.server);
	dns_answer_release(&one.answer);
	dns_answer_release(&two.answer);
	dns_answer_release(&tcp.answer);
}

static void test_burst(void)
{
	enum { BURST = 2000 };
	static struct asker askers[BURST];
	struct server server;
	size_t found = 0;

	server_start(&server, "127.0.0.1", "192.0.2.1");
	struct dns_transport *transport = transport_to(nameserver_text(server.server), PATIENCE_MS);
	for (int i = 0; i < BURST; i++) {
		char name[32];
		snprintf(name, sizeof(name), "n%d.burst.example", i);
		ask(transport, DNS_A, name, &askers[i]);
		/* So that no socket's buffer overflows: what is lost would wait for its retry. */
		if (i % 50 == 49)
			await(&askers[i]);
	}
	for (int i = 0; i < BURST; i++) {
		await(&askers[i]);
		found += askers[i].status == DNS_FOUND;
		dns_answer_release(&askers[i].answer);
	}
	tap_is_number((long long)found, BURST, "2000 questions are answered");
	transport->class->free(transport);
	nameserver_free(&server.server);
}

static void start(struct dns *dns, const char *name, struct asker *asker)
{
	asker->query = dns_start(dns, DNS_A, span_of(name), on_asked, asker);
}

static void test_configure(void)
{
	struct server silent, good;
	struct asker one = {0}, two = {0}, odd = {0}, gone = {0};
	struct dns_options options = {.timeout_s = 60, .cache_bytes = 1 << 20};

	server_start(&silent, "127.0.0.1", "192.0.2.1");
	server_start(&good, "127.0.0.1", "192.0.2.2");
	silent.drops = 1000;
	options.servers = nameserver_text(silent.server);
	struct dns *dns = dns_new(base, &options);
	start(dns, "x.example", &one);
	start(dns, "y.example", &two);
	start(dns, "z.example", &gone);
	start(dns, "back\\slash.example", &odd);
	while (silent.questions < 3)
		event_base_loop(base, EVLOOP_ONCE);
	await(&odd);
	tap_ok(odd.status == DNS_NO_NAME, "a name with a backslash is not asked");
	dns_cancel(&gone.query);
	options.servers = nameserver_text(good.server);
	dns_configure(dns, &options);
	tap_ok(one.answers == 0 && two.answers == 0, "other servers answer nothing at once");
	await(&one);
	await(&two);
	tap_is(address_of(&one), "192.0.2.2", "what was out is asked of the new server");
	tap_is(address_of(&two), "192.0.2.2", "all of it");
	tap_is_number(gone.answers, 0, "who had cancelled is told nothing");
	dns_configure(dns, &options);
	start(dns, "out.example", &gone);
	dns_cancel(&gone.query);
	dns_free(&dns);
	dns_answer_release(&one.answer);
	dns_answer_release(&two.answer);
	dns_answer_release(&odd.answer);
	nameserver_free(&silent.server);
	nameserver_free(&good.server);
}

/* A network of our own, where port 53 is free: c-ares knows no ports in resolv.conf. */
static bool enter_own_network(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_up = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
	close(fd);
	return is_up;
}

static void write_resolv_conf(const char *path, const char *server)
{
	FILE *file = fopen(path, "w");

	fprintf(file, "search example.org\noptions attempts:9 rotate\nnameserver %s\n", server);
	fclose(file);
}

static void test_resolv_conf(void)
{
	char path[] = "/tmp/sixgate-resolv-XXXXXX";
	struct server before, after;
	struct asker one = {0}, two = {0}, three = {0};
	struct dns_options options = {
		.servers = "", .resolv_conf = path, .timeout_s = 60, .cache_bytes = 0};

	if (!server_start_at(&before, "127.0.0.1", 53, "192.0.2.1") ||
	    !server_start_at(&after, "127.0.0.2", 53, "192.0.2.2")) {
		tap_ok(false, "port 53 in a network of our own");
		return;
	}
	close(mkstemp(path));
	write_resolv_conf(path, "127.0.0.1");
	struct dns *dns = dns_new(base, &options);
	start(dns, "x.example", &one);
	await(&one);
	tap_is(address_of(&one), "192.0.2.1", "the server of resolv.conf is asked");
	before.drops = 1000;
	start(dns, "y.example", &two);
	write_resolv_conf(path, "127.0.0.2");
	/* It is looked at once a second, when something is asked. */
	while (two.answers == 0) {
		three.answers = 0;
		start(dns, "a..example", &three);
		await(&three);
	}
	tap_is(address_of(&two), "192.0.2.2",
	       "when resolv.conf has changed, what is out is asked of its new server");
	one.answers = 0;
	start(dns, "x.example", &one);
	await(&one);
	tap_is(address_of(&one), "192.0.2.2", "and so is what comes later");
	unlink(path);
	dns_free(&dns);
	dns_answer_release(&one.answer);
	dns_answer_release(&two.answer);
	dns_answer_release(&three.answer);
	nameserver_free(&before.server);
	nameserver_free(&after.server);
}

/* In how many ways a server can be written. */
static void test_servers(void)
{
	static const char *const texts[] = {"127.0.0.1",     "127.0.0.1:53", "[127.0.0.1]:53",
					    "::1",           "[::1]:53",     "[::1]",
					    ", 127.0.0.1 ,", "127.0.0.1,::1"};
	struct server server, server6;

	server_start_at(&server, "127.0.0.1", 53, "192.0.2.1");
	if (!server_start_at(&server6, "::1", 53, "192.0.2.1")) {
		tap_ok(false, "port 53 of ::1 in a network of our own");
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct asker asker = {0};
		struct dns_transport *transport = transport_to(texts[i], PATIENCE_MS);
		ask(transport, DNS_A, "x.example", &asker);
		await(&asker);
		tap_is(address_of(&asker), "192.0.2.1", "servers \"%s\"", texts[i]);
		transport->class->free(transport);
		dns_answer_release(&asker.answer);
	}
	nameserver_free(&server.server);
	nameserver_free(&server6.server);
}

int main(void)
{
	log_open(true);
	hash_init();
	base = event_base_new();
	test_answers("127.0.0.1");
	test_answers("::1");
	test_large("127.0.0.1");
	test_large("::1");
	test_failures();
	test_one_server();
	test_free();
	test_burst();
	test_configure();
	if (enter_own_network()) {
		test_servers();
		test_resolv_conf();
	} else {
		tap_ok(true, "not tested, as a network of our own is not to be had: resolv.conf");
	}
	event_base_free(base);
	return tap_done();
}
