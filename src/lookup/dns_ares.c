/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_ares.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/netaddr.h"
#include "dns_name.h"
#include "dns_packet.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	DNS_ARES_EDNS_BYTES = 1232, /* what fits into one packet everywhere (DNS flag day 2020) */
	DNS_ARES_RECEIVE_BYTES = 1024 * 1024, /* of a socket, if the kernel allows */
	DNS_ARES_TICK_MAX_MS = 100,
	DNS_ARES_TICK_MIN_MS = 5,
};

/* A socket of c-ares that we watch. */
struct dns_ares_socket {
	TAILQ_ENTRY(dns_ares_socket) link;
	ares_socket_t fd;
	short events;
	struct event *event; /* owned */
};

TAILQ_HEAD(dns_ares_socket_queue, dns_ares_socket);

struct dns_ares {
	struct dns_transport base;
	struct event_base *loop;              /* borrowed */
	ares_channel channel;                 /* owned; NULL: it could not be made */
	struct dns_ares_socket_queue sockets; /* owned; some two for each server */
	/*
	 * Owned; ticks while a question is out.  ares_timeout() would tell when something is to be
	 * done, by a walk over all questions each time; this costs nothing, and a retry may be
	 * late by one tick.
	 */
	struct event *tick;
	struct timeval tick_every;
	size_t out; /* questions */
};

/* A question that is out. */
struct dns_ares_query {
	struct dns_ares *ares; /* borrowed */
	enum dns_type type;
	char name[DNS_NAME_SIZE]; /* what is asked about now, when CNAMEs were followed */
	unsigned cnames;          /* that were followed by asking again */
	int64_t ttl_s;            /* the least of theirs */
	dns_transport_done_fn *done;
	void *asked;
};

static void on_ares_answer(void *arg, int status, int timeouts, unsigned char *packet, int length);

static void on_ares_tick(evutil_socket_t fd, short events, void *arg)
{
	struct dns_ares *ares = arg;

	(void)fd;
	(void)events;
	ares_process_fd(ares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_ares_socket(evutil_socket_t fd, short events, void *arg)
{
	struct dns_ares *ares = arg;

	/* This may free the event that led here. */
	ares_process_fd(ares->channel, (events & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(events & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
}

static struct dns_ares_socket *dns_ares_find_socket(struct dns_ares *ares, ares_socket_t fd)
{
	struct dns_ares_socket *socket;

	TAILQ_FOREACH (socket, &ares->sockets, link)
		if (socket->fd == fd)
			return socket;
	return NULL;
}

static void dns_ares_drop_socket(struct dns_ares *ares, struct dns_ares_socket *socket)
{
	TAILQ_REMOVE(&ares->sockets, socket, link);
	event_free(socket->event);
	free(socket);
}

/* c-ares says what it waits for; for nothing right before it closes the socket. */
static void on_ares_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_ares *ares = arg;
	struct dns_ares_socket *socket = dns_ares_find_socket(ares, fd);
	short events = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (socket != NULL && socket->events == events)
		return;
	if (socket != NULL)
		dns_ares_drop_socket(ares, socket);
	if (events == 0)
		return;
	socket = mem_alloc(sizeof(*socket));
	socket->fd = fd;
	socket->events = events;
	socket->event =
		event_new(ares->loop, fd, (short)(events | EV_PERSIST), on_ares_socket, ares);
	event_add(socket->event, NULL);
	TAILQ_INSERT_TAIL(&ares->sockets, socket, link);
}

/* What is said of a question goes to its asker. */
static void dns_ares_finish(struct dns_ares_query *query, const struct dns_answer *answer)
{
	dns_transport_done_fn *done = query->done;
	void *asked = query->asked;

	if (--query->ares->out == 0)
		evtimer_del(query->ares->tick);
	free(query);
	done(answer, asked);
	dns_answer_release(&answer);
}

static void dns_ares_send(struct dns_ares_query *query)
{
	ares_query(query->ares->channel, query->name, ns_c_in, (int)query->type, on_ares_answer,
		   query);
}

/* What c-ares says without having a packet that would say it. */
static struct dns_answer *dns_ares_answer_of(int status)
{
	/* It does not ask about names that it does not like, such as x.onion (RFC 7686). */
	bool is_no_name = status == ARES_ENOTFOUND || status == ARES_EBADNAME;
	return dns_answer_new(is_no_name ? DNS_NO_NAME : DNS_FAILED, 0);
}

static void on_ares_answer(void *arg, int status, int timeouts, unsigned char *packet, int length)
{
	struct dns_ares_query *query = arg;
	struct dns_packet_alias alias;

	(void)timeouts;
	if (packet == NULL || length <= 0 ||
	    (status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND))
		return dns_ares_finish(query, dns_ares_answer_of(status));
	struct dns_answer *answer = dns_packet_parse(packet, (size_t)length, query->type,
						     query->name, query->ttl_s, &alias);
	if (answer == NULL && query->cnames == DNS_ARES_CNAMES_MAX)
		answer = dns_answer_new(DNS_FAILED, 0);
	if (answer != NULL)
		return dns_ares_finish(query, answer);
	query->cnames++;
	query->ttl_s = alias.ttl_s;
	memcpy(query->name, alias.target, sizeof(query->name));
	return dns_ares_send(query);
}

static void dns_ares_ask(struct dns_transport *transport, enum dns_type type, const char *name,
			 dns_transport_done_fn *done, void *asked)
{
	struct dns_ares *ares = (struct dns_ares *)transport;
	struct dns_ares_query *query = mem_alloc(sizeof(*query));

	query->ares = ares;
	query->type = type;
	snprintf(query->name, sizeof(query->name), "%s", name);
	query->ttl_s = DNS_PACKET_TTL_MAX_S;
	query->done = done;
	query->asked = asked;
	if (ares->out++ == 0)
		evtimer_add(ares->tick, &ares->tick_every);
	if (ares->channel == NULL)
		return dns_ares_finish(query, dns_answer_new(DNS_FAILED, 0));
	return dns_ares_send(query);
}

static void dns_ares_free(struct dns_transport *transport)
{
	struct dns_ares *ares = (struct dns_ares *)transport;

	/* Answers what is out, and closes the sockets. */
	if (ares->channel != NULL)
		ares_destroy(ares->channel);
	ares_library_cleanup();
	assert(ares->out == 0 && TAILQ_EMPTY(&ares->sockets));
	event_free(ares->tick);
	free(ares);
}

static const struct dns_transport_class dns_ares_class = {.ask = dns_ares_ask,
							  .free = dns_ares_free};

/* False when word is no server. */
static bool dns_ares_parse_server(struct span word, struct ares_addr_port_node *node)
{
	struct netaddr addr;
	struct span port;

	if (!netaddr_parse_with_port(word, &addr, &port))
		return false;

	*node = (struct ares_addr_port_node){.family = addr.bits == 32 ? AF_INET : AF_INET6};
	memcpy(&node->addr, addr.bytes, addr.bits / 8);
	for (size_t i = 0; i < port.length; i++)
		node->udp_port = 10 * node->udp_port + (port.text[i] - '0');
	node->tcp_port = node->udp_port;
	return true;
}

/* Ask these servers instead of those of the channel; c-ares takes a port 0 for 53. */
static int dns_ares_set_servers(ares_channel channel, const char *servers)
{
	struct ares_addr_port_node nodes[DNS_ARES_SERVERS_MAX];
	struct span rest = span_of(servers), word;
	size_t count = 0;

	while (count < DNS_ARES_SERVERS_MAX &&
	       (word = span_next_word(&rest, " \t\r\n,")).length > 0)
		if (dns_ares_parse_server(word, &nodes[count]))
			count++;
	for (size_t i = 1; i < count; i++)
		nodes[i - 1].next = &nodes[i];
	return count > 0 ? ares_set_servers_ports(channel, nodes) : ARES_SUCCESS;
}

static int dns_ares_count_servers(ares_channel channel)
{
	struct ares_addr_port_node *servers = NULL;
	int count = 0;

	if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS)
		for (struct ares_addr_port_node *at = servers; at != NULL; at = at->next)
			count++;
	ares_free_data(servers);
	return count;
}

/* Make the channel, which tries each server so many times. */
static int dns_ares_open(struct dns_ares *ares, const char *servers, const char *resolv_conf,
			 int timeout_ms, int tries)
{
	/*
	 * EDNS, so that hardly anything has to come over TCP; no search list and no HOSTALIASES,
	 * as names are whole.  Not NOCHECKRESP: without it the next server is asked when one says
	 * SERVFAIL or REFUSED; that all of them did is then ARES_ECONNREFUSED (1.18.1).
	 */
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = timeout_ms,
		.tries = tries,
		.ednspsz = DNS_ARES_EDNS_BYTES,
		.socket_receive_buffer_size = DNS_ARES_RECEIVE_BYTES,
		.sock_state_cb = on_ares_socket_state,
		.sock_state_cb_data = ares,
		.resolvconf_path = (char *)resolv_conf, /* is copied */
	};
	int set = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
		  ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF |
		  ARES_OPT_DOMAINS | ARES_OPT_NOROTATE;

	int status = ares_init_options(&ares->channel, &options, set);
	if (status != ARES_SUCCESS) {
		ares->channel = NULL;
		return status;
	}
	status = dns_ares_set_servers(ares->channel, servers);
	if (status != ARES_SUCCESS) {
		ares_destroy(ares->channel);
		ares->channel = NULL;
	}
	return status;
}

/*
 * The time for one try, which doubles with each round through the servers.  c-ares takes 9/16 to
 * 16/16 of it, by chance; so a third of all is a quarter most of the time.  A lone server gets two
 * tries, 1/3 + 2/3.  Two or more get one each, since with doubling more would not fit.
 */
static int dns_ares_try_ms(int64_t timeout_ms, int servers)
{
	int64_t try_ms = timeout_ms / (servers > 3 ? servers : 3);
	return try_ms > 0 ? (int)try_ms : 1;
}

struct dns_transport *dns_ares_new(struct event_base *base, const char *servers,
				   const char *resolv_conf, int64_t timeout_ms)
{
	struct dns_ares *ares = mem_alloc(sizeof(*ares));

	ares->base.class = &dns_ares_class;
	ares->loop = base;
	TAILQ_INIT(&ares->sockets);
	/* It would go on without memory, and with it perhaps without servers. */
	ares_library_init_mem(ARES_LIB_INIT_ALL, mem_alloc, free, mem_resize);
	/* How many servers resolv.conf names, only c-ares knows. */
	int try_ms = dns_ares_try_ms(timeout_ms, 1), count = 1;
	int status = dns_ares_open(ares, servers, resolv_conf, try_ms, 2);
	if (status == ARES_SUCCESS && (count = dns_ares_count_servers(ares->channel)) > 1) {
		ares_destroy(ares->channel);
		try_ms = dns_ares_try_ms(timeout_ms, count);
		status = dns_ares_open(ares, servers, resolv_conf, try_ms, 1);
	}
	if (status != ARES_SUCCESS)
		log_error("dns: no question can be asked: c-ares: %s", ares_strerror(status));

	int tick_ms = try_ms / 8;
	if (tick_ms > DNS_ARES_TICK_MAX_MS)
		tick_ms = DNS_ARES_TICK_MAX_MS;
	if (tick_ms < DNS_ARES_TICK_MIN_MS)
		tick_ms = DNS_ARES_TICK_MIN_MS;
	ares->tick_every = (struct timeval){.tv_usec = 1000 * tick_ms};
	ares->tick = event_new(base, -1, EV_PERSIST, on_ares_tick, ares);
	return &ares->base;
}
