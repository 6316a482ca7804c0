/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ask a policy server as many smtpd processes do: each connection asks, waits for its answer, looks
 * whether it is what it must be, and asks again.
 *
 * Without --rate that is a closed loop: at many connections the latency is mostly queueing.  With
 * it requests come at their times, whether or not the server keeps up, and the latency counts from
 * the time at which a request was due, so that a server which stands still is charged for all that
 * came meanwhile.
 */
#include "base/memory.h"
#include "population.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 4096,
	EVENTS_MAX = 256,
	REQUEST_SIZE = 2048,
	ANSWER_SIZE = 4096,
	LATENCY_UNIT_NS = 100,
	SILENCE_S = 100, /* Postfix waits no longer (smtpd_policy_service_timeout) */
	NEW_NUMBERS_FROM = 1 << 30,
	NEW_NUMBERS_A_SEED = 1 << 24,
};

enum load_answer { ANSWER_ANY, ANSWER_PASS, ANSWER_DEFER, ANSWER_NO_REJECT, ANSWER_COUNT };

static const char *const answer_words[ANSWER_COUNT] = {
	[ANSWER_ANY] = "any",
	[ANSWER_PASS] = "pass",
	[ANSWER_DEFER] = "defer",
	[ANSWER_NO_REJECT] = "no-reject",
};

struct load_options {
	const char *connect; /* unix:PATH or inet:HOST:PORT */
	const char *spawn;   /* or a command */
	unsigned connections;
	enum population_mix mix;
	uint32_t entries;
	double seconds, warmup_s;
	uint64_t requests; /* 0: as many as the seconds allow */
	double rate;       /* 0: closed loop */
	uint32_t seed;
	enum load_answer answer;
	bool prints;
};

struct connection {
	int fd;
	pid_t child; /* 0: none */
	bool is_busy;
	int64_t asked_ns; /* or, with a rate, when it was due */
	size_t used;
	char answer[ANSWER_SIZE];
};

struct load {
	const struct load_options *options;
	struct connection *connections;
	int epoll;
	uint64_t random;
	uint32_t next_new;
	int64_t measure_from_ns, end_ns, due_ns;
	uint64_t asked, answers, wrong;
	uint32_t *latencies; /* of measured answers, in LATENCY_UNIT_NS */
	size_t latency_count, latency_size;
};

static void die(const char *what)
{
	fprintf(stderr, "policy-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* xorshift64*: the same numbers for the same seed, everywhere. */
static uint32_t load_random(struct load *load)
{
	load->random ^= load->random >> 12;
	load->random ^= load->random << 25;
	load->random ^= load->random >> 27;
	return (uint32_t)((load->random * 0x2545f4914f6cdd1dULL) >> 32);
}

/* What Postfix 3.7 sends at RCPT. */
static size_t load_format(const struct population_mail *mail, uint64_t instance,
			  char request[static REQUEST_SIZE])
{
	return (size_t)snprintf(
		request, REQUEST_SIZE,
		"request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
		"client_address=%s\nclient_name=%s\nclient_port=38514\nreverse_client_name=%s\n"
		"server_address=2001:db8:25::1\nserver_port=25\nhelo_name=%s\nsender=%s\n"
		"recipient=%s\nrecipient_count=0\nqueue_id=\ninstance=%llx.65a1b2c3.1f00.0\n"
		"size=18340\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\n"
		"ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\n"
		"encryption_protocol=TLSv1.3\nencryption_cipher=TLS_AES_256_GCM_SHA384\n"
		"encryption_keysize=256\npolicy_context=\n\n",
		mail->client_address, mail->client_name, mail->client_name, mail->helo_name,
		mail->sender, mail->recipient, (unsigned long long)instance);
}

static void load_next_mail(struct load *load, struct population_mail *mail)
{
	const struct load_options *options = load->options;
	uint32_t salt = load_random(load);
	uint32_t number = population_is_new(options->mix) ? load->next_new++
							  : load_random(load) % options->entries;

	population_mail(options->mix, number, salt, mail);
}

static void connection_ask(struct load *load, struct connection *connection, int64_t due_ns)
{
	char request[REQUEST_SIZE];
	struct population_mail mail;

	load_next_mail(load, &mail);
	size_t length = load_format(&mail, load->asked, request);
	connection->asked_ns = due_ns > 0 ? due_ns : now_ns();
	connection->is_busy = true;
	load->asked++;
	if (send(connection->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		die("a request was not taken");
}

static void load_count(struct load *load, const struct connection *connection)
{
	int64_t now = now_ns();

	if (now < load->measure_from_ns)
		return;
	if (load->latency_count == load->latency_size) {
		load->latency_size = load->latency_size > 0 ? 2 * load->latency_size : 1 << 16;
		load->latencies =
			mem_resize(load->latencies, load->latency_size * sizeof(*load->latencies));
	}
	load->latencies[load->latency_count++] =
		(uint32_t)((now - connection->asked_ns) / LATENCY_UNIT_NS);
}

static bool load_is_right(const struct load *load, const char *action)
{
	bool passes = strncmp(action, "DUNNO", 5) == 0 || strncmp(action, "PREPEND ", 8) == 0 ||
		      strncmp(action, "prepend ", 8) == 0 || strncmp(action, "dunno", 5) == 0;
	bool defers =
		strncasecmp(action, "DEFER_IF_PERMIT ", 16) == 0 || strncmp(action, "45", 2) == 0;

	switch (load->options->answer) {
	case ANSWER_PASS:
		return passes;
	case ANSWER_DEFER:
		return defers;
	case ANSWER_NO_REJECT:
		return passes || defers;
	case ANSWER_ANY:
	case ANSWER_COUNT:
		break;
	}
	return action[0] != '\0';
}

/* Take what has come; true when the answer is complete. */
static bool connection_read(struct load *load, struct connection *connection)
{
	static const char name[] = "action=";
	size_t room = sizeof(connection->answer) - 1 - connection->used;
	ssize_t got = recv(connection->fd, connection->answer + connection->used, room, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0 || (size_t)got == room) {
		fprintf(stderr, "policy-load: the server closed a connection\n");
		exit(1);
	}
	connection->used += (size_t)got;
	char *end = connection->answer + connection->used;
	if (connection->used < 2 || end[-1] != '\n' || end[-2] != '\n')
		return false;
	end[-2] = '\0';
	if (strncmp(connection->answer, name, sizeof(name) - 1) != 0 ||
	    memchr(connection->answer, '\n', connection->used - 2) != NULL ||
	    !load_is_right(load, connection->answer + sizeof(name) - 1)) {
		if (load->wrong++ == 0)
			fprintf(stderr, "policy-load: a wrong answer: %s\n", connection->answer);
	}
	connection->used = 0;
	connection->is_busy = false;
	load->answers++;
	load_count(load, connection);
	return true;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die(path);
	return fd;
}

static int connect_inet(const char *name)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(name, ':');
	struct addrinfo *list;
	char host[256];

	if (colon == NULL)
		die("--connect: expected unix:PATH or inet:HOST:PORT");
	snprintf(host, sizeof(host), "%.*s", (int)(colon - name), name);
	if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
		die(name);
	int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) != 0)
		die(name);
	freeaddrinfo(list);
	return fd;
}

/* As spawn(8) starts it: the connection is its standard input and output. */
static int connect_spawned(const char *command, pid_t *child)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		die("socketpair");
	*child = fork();
	if (*child < 0)
		die("fork");
	if (*child == 0) {
		dup2(pair[1], STDIN_FILENO);
		dup2(pair[1], STDOUT_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	return pair[0];
}

static void connection_open(struct load *load, struct connection *connection)
{
	const struct load_options *options = load->options;
	struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};

	if (options->spawn != NULL)
		connection->fd = connect_spawned(options->spawn, &connection->child);
	else if (strncmp(options->connect, "unix:", 5) == 0)
		connection->fd = connect_unix(options->connect + 5);
	else
		connection->fd =
			connect_inet(options->connect + strcspn(options->connect, ":") + 1);
	fcntl(connection->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		die("epoll_ctl");
}

static bool load_has_more(const struct load *load, int64_t now)
{
	if (load->options->requests > 0)
		return load->asked < load->options->requests;
	return now < load->end_ns;
}

/* Ask all that is due on connections that are free. */
static void load_ask_due(struct load *load, int64_t now)
{
	const struct load_options *options = load->options;

	for (unsigned i = 0; i < options->connections; i++) {
		if (load->due_ns > now || !load_has_more(load, now))
			return;
		if (load->connections[i].is_busy)
			continue;
		connection_ask(load, &load->connections[i], load->due_ns);
		load->due_ns += (int64_t)(1e9 / options->rate);
	}
}

/* Until something comes or is due. */
static int load_wait(struct load *load, struct epoll_event *events)
{
	struct timespec wait = {.tv_sec = SILENCE_S};
	int64_t left_ns = load->due_ns - now_ns();

	if (load->options->rate > 0 && load_has_more(load, now_ns())) {
		if (left_ns < 0)
			left_ns = 0;
		/* What is overdue waits for a connection. */
		if (left_ns > 0 || load->asked == load->answers)
			wait = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
	}
	return epoll_pwait2(load->epoll, events, EVENTS_MAX, &wait, NULL);
}

static void load_run(struct load *load)
{
	const struct load_options *options = load->options;
	struct epoll_event events[EVENTS_MAX];
	int64_t start_ns = now_ns();

	load->measure_from_ns = start_ns + (int64_t)(options->warmup_s * 1e9);
	load->end_ns = load->measure_from_ns + (int64_t)(options->seconds * 1e9);
	load->due_ns = start_ns;
	for (unsigned i = 0; options->rate <= 0 && i < options->connections; i++)
		if (load_has_more(load, now_ns()))
			connection_ask(load, &load->connections[i], 0);
	while (load_has_more(load, now_ns()) || load->answers < load->asked) {
		if (options->rate > 0)
			load_ask_due(load, now_ns());
		int count = load_wait(load, events);
		if (count < 0 && errno != EINTR)
			die("epoll_pwait2");
		if (count == 0 && options->rate <= 0) {
			fprintf(stderr, "policy-load: no answer in %d s\n", SILENCE_S);
			exit(1);
		}
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			if (connection_read(load, connection) && options->rate <= 0 &&
			    load_has_more(load, connection->asked_ns))
				connection_ask(load, connection, 0);
		}
	}
}

static int compare_latencies(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double load_percentile_us(const struct load *load, double part)
{
	if (load->latency_count == 0)
		return 0;
	size_t at = (size_t)((double)load->latency_count * part);
	if (at >= load->latency_count)
		at = load->latency_count - 1;
	return (double)load->latencies[at] * LATENCY_UNIT_NS / 1000;
}

static void load_report(struct load *load, double measured_s)
{
	struct rusage used;

	qsort(load->latencies, load->latency_count, sizeof(*load->latencies), compare_latencies);
	getrusage(RUSAGE_SELF, &used);
	printf("{\"mix\": \"%s\", \"connections\": %u, \"seconds\": %.3f, \"answers\": %zu, "
	       "\"wrong\": %llu, \"rate\": %.1f, \"p50_us\": %.1f, \"p95_us\": %.1f, "
	       "\"p99_us\": %.1f, \"max_us\": %.1f, \"cpu_s\": %.3f}\n",
	       population_mix_word(load->options->mix), load->options->connections, measured_s,
	       load->latency_count, (unsigned long long)load->wrong,
	       (double)load->latency_count / measured_s, load_percentile_us(load, 0.5),
	       load_percentile_us(load, 0.95), load_percentile_us(load, 0.99),
	       load_percentile_us(load, 1),
	       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: policy-load --connect unix:PATH|inet:HOST:PORT | --spawn COMMAND | "
		"--print\n"
		"  --mix new|known|farm|gate|gate-new|flood-prefix|flood-ipv4|flood-host\n"
		"                   what mail comes (known)\n"
		"  --entries N      size of the population of known, farm and gate (1000)\n"
		"  --connections N  (50)\n"
		"  --seconds S      how long is measured (3); --warmup S before that (1)\n"
		"  --requests N     so many requests in place of so many seconds\n"
		"  --rate R         requests a second; without: each as soon as the last is "
		"answered\n"
		"  --seed N         other mail (1)\n"
		"  --answer pass|defer|no-reject|any   what every answer must be (by the mix)\n"
		"  --print          print the population: address, name, sender, recipient\n");
	return 2;
}

static bool load_find_answer(const char *word, enum load_answer *answer)
{
	for (*answer = 0; *answer < ANSWER_COUNT; (*answer)++)
		if (strcmp(word, answer_words[*answer]) == 0)
			return true;
	return false;
}

static enum load_answer load_usual_answer(enum population_mix mix)
{
	switch (mix) {
	case POPULATION_NEW:
	case POPULATION_FLOOD_PREFIX:
	case POPULATION_FLOOD_IPV4:
	case POPULATION_FLOOD_HOST:
		return ANSWER_DEFER;
	case POPULATION_KNOWN:
	case POPULATION_FARM:
	case POPULATION_GATE:
		return ANSWER_PASS;
	case POPULATION_GATE_NEW:
	case POPULATION_MIX_COUNT:
		break;
	}
	return ANSWER_ANY;
}

/* False: something is not understood. */
static bool load_parse(int argc, char **argv, struct load_options *options)
{
	static const struct option names[] = {
		{"connect", required_argument, NULL, 'c'},
		{"spawn", required_argument, NULL, 'p'},
		{"connections", required_argument, NULL, 'n'},
		{"mix", required_argument, NULL, 'm'},
		{"entries", required_argument, NULL, 'e'},
		{"seconds", required_argument, NULL, 's'},
		{"warmup", required_argument, NULL, 'w'},
		{"requests", required_argument, NULL, 'r'},
		{"rate", required_argument, NULL, 'R'},
		{"seed", required_argument, NULL, 'S'},
		{"answer", required_argument, NULL, 'a'},
		{"print", no_argument, NULL, 'P'},
		{NULL, 0, NULL, 0},
	};
	bool has_answer = false;

	for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (option) {
		case 'c':
			options->connect = optarg;
			break;
		case 'p':
			options->spawn = optarg;
			break;
		case 'n':
			options->connections = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			if (!population_find_mix(optarg, &options->mix))
				return false;
			break;
		case 'e':
			options->entries = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			options->seconds = strtod(optarg, NULL);
			break;
		case 'w':
			options->warmup_s = strtod(optarg, NULL);
			break;
		case 'r':
			options->requests = strtoull(optarg, NULL, 10);
			break;
		case 'R':
			options->rate = strtod(optarg, NULL);
			break;
		case 'S':
			options->seed = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			has_answer = load_find_answer(optarg, &options->answer);
			if (!has_answer)
				return false;
			break;
		case 'P':
			options->prints = true;
			break;
		default:
			return false;
		}
	}
	if (!has_answer)
		options->answer = load_usual_answer(options->mix);
	/* All requests count, from the first. */
	if (options->requests > 0)
		options->warmup_s = 0;
	return optind == argc && options->entries > 0 && options->connections > 0 &&
	       options->connections <= CONNECTIONS_MAX &&
	       (options->prints || (options->connect != NULL) != (options->spawn != NULL));
}

static void load_print_population(const struct load_options *options)
{
	struct population_mail mail;

	for (uint32_t i = 0; i < options->entries; i++) {
		population_mail(options->mix, i, i, &mail);
		printf("%s\t%s\t%s\t%s\n", mail.client_address, mail.client_name, mail.sender,
		       mail.recipient);
	}
}

int main(int argc, char **argv)
{
	struct load_options options = {
		.connections = 50,
		.mix = POPULATION_KNOWN,
		.entries = 1000,
		.seconds = 3,
		.warmup_s = 1,
		.seed = 1,
	};

	if (!load_parse(argc, argv, &options))
		return usage();
	if (options.prints) {
		load_print_population(&options);
		return 0;
	}
	struct load load = {
		.options = &options,
		.connections = mem_alloc(options.connections * sizeof(*load.connections)),
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.random = options.seed * 0x9e3779b97f4a7c15ULL + 1,
		.next_new = NEW_NUMBERS_FROM + options.seed % 128 * NEW_NUMBERS_A_SEED,
	};
	for (unsigned i = 0; i < options.connections; i++)
		connection_open(&load, &load.connections[i]);
	int64_t start_ns = now_ns();
	load_run(&load);
	int64_t from_ns = start_ns > load.measure_from_ns ? start_ns : load.measure_from_ns;
	load_report(&load, (double)(now_ns() - from_ns) / 1e9);
	for (unsigned i = 0; i < options.connections; i++) {
		close(load.connections[i].fd);
		if (load.connections[i].child > 0)
			waitpid(load.connections[i].child, NULL, 0);
	}
	close(load.epoll);
	free(load.connections);
	free(load.latencies);
	return load.wrong > 0 ? 1 : 0;
}
