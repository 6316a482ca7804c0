/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sixgated: options, and the modules put together in the order in which they depend on each other.
 */
#include "base/diag.h"
#include "base/hash.h"
#include "base/hostname.h"
#include "base/log.h"
#include "base/memory.h"
#include "admin.h"
#include "check.h"
#include "farm_resolver.h"
#include "listener.h"
#include "loader.h"
#include "lookup/dns.h"
#include "lookup/spf.h"
#include "rules/privacy.h"
#include "scheduling.h"
#include "server.h"
#include "stats_totals.h"
#include "store/store.h"
#include "supervisor.h"
#include "user.h"
#include "version.h"

#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"usage: sixgated [-c FILE] [-o NAME=VALUE]... [-t] [-n] [-v] [-V] [-h]\n"
	"\n"
	"The Sixgate policy daemon for Postfix.  It stays in the foreground.\n"
	"\n"
	"  -c FILE        read the settings from FILE (default " CONFIG_DEFAULT_FILE ")\n"
	"  -o NAME=VALUE  set a setting, over what FILE says; may be given again\n"
	"  -t             test the settings and every file that they name, then end:\n"
	"                 0 when all is well, 1 when something is wrong\n"
	"  -n             print the settings that differ from their defaults, then end\n"
	"  -v             log to stderr, with detail, and not to syslog\n"
	"  -V             print the version, then end\n"
	"  -h, --help     print this, then end\n"
	"\n"
	"See sixgated(8), sixgate.conf(5), sixgate_farms(5).\n";

struct options {
	struct loader_source source;
	char **overrides; /* owned; the strings are argv's */
	bool test, print, verbose;
};

struct daemon {
	struct event_base *base;
	struct loader *loader;
	struct ruleset *rules; /* held: those in force */
	struct listeners listeners, admin_listeners;
	struct privacy *privacy; /* NULL: off */
	struct store *store;
	char hostname[HOSTNAME_SIZE];
	struct dns *dns;
	struct spf *spf;
	struct farm_resolver *farm_resolver;
	struct stats *stats;
	struct stats_totals *totals;
	struct checker *checker;
	struct server *server;
	struct admin *admin; /* NULL: nowhere */
	struct supervisor *supervisor;
	struct event *hangup, *terminate, *interrupt;
};

/* True to go on; false to end with *status. */
static bool options_parse(struct options *options, int argc, char **argv, int *status)
{
	static const struct option long_options[] = {{"help", no_argument, NULL, 'h'},
						     {"version", no_argument, NULL, 'V'},
						     {NULL, 0, NULL, 0}};
	int option;

	*status = EXIT_SUCCESS;
	options->overrides = mem_alloc((size_t)argc * sizeof(*options->overrides));
	while ((option = getopt_long(argc, argv, "c:o:tnvVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->source.path = optarg;
			break;
		case 'o':
			options->overrides[options->source.override_count++] = optarg;
			break;
		case 't':
			options->test = true;
			break;
		case 'n':
			options->print = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'V':
			puts("sixgated " SIXGATE_VERSION);
			return false;
		case 'h':
			fputs(usage, stdout);
			return false;
		default:
			fputs(usage, stderr);
			*status = EXIT_FAILURE;
			return false;
		}
	}
	options->source.overrides = options->overrides;
	if (optind < argc) {
		fprintf(stderr,
			"sixgated: \"%s\": unexpected argument; there are only options, see "
			"sixgated -h\n",
			argv[optind]);
		*status = EXIT_FAILURE;
		return false;
	}
	return true;
}

/* -t and -n: read all, print what is asked for. */
static int daemon_inspect(struct daemon *daemon, const struct options *options)
{
	struct diag diag = {0};

	daemon->loader = loader_new(&options->source, &daemon->rules, &diag);
	if (daemon->loader != NULL && options->test) {
		const struct config *config = ruleset_config(daemon->rules);
		struct user_ids ids;
		(void)user_find_ids(config->user, config->admin_group, &ids, &diag);
	}
	diag_print(&diag);
	if (daemon->loader != NULL && options->print)
		config_print(ruleset_config(daemon->rules), stdout);
	bool succeeded = diag.error_count == 0;
	diag_clear(&diag);
	return succeeded ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct dns_options daemon_dns_options(const struct config *config)
{
	return (struct dns_options){.servers = config->dns_servers,
				    .timeout_s = config->dns_timeout_s,
				    .cache_bytes = (size_t)config->dns_cache_size_bytes};
}

/* There may be fewer descriptors than the settings ask for. */
static void daemon_warn_few_descriptors(const struct config *config)
{
	size_t descriptors = server_count_descriptors();

	if ((size_t)config->max_connections > descriptors)
		log_warning("max_connections: of %lld connections only %zu can have a file "
			    "descriptor at a time (ulimit -n, LimitNOFILE)",
			    (long long)config->max_connections, descriptors);
}

static void on_rules(struct ruleset *rules, void *arg)
{
	struct daemon *daemon = arg;
	ruleset_release(&daemon->rules);
	daemon->rules = rules;
	server_set_rules(daemon->server, rules);
	if (daemon->admin != NULL)
		admin_set_rules(daemon->admin, rules);
	struct dns_options options = daemon_dns_options(ruleset_config(rules));
	dns_configure(daemon->dns, &options);
	farm_resolver_set_farms(daemon->farm_resolver, ruleset_farms(rules));
}

static void on_reloaded(uint64_t number, bool succeeded, const struct diag *messages, void *arg)
{
	struct daemon *daemon = arg;

	if (succeeded) {
		daemon_warn_few_descriptors(ruleset_config(daemon->rules));
		log_info("reloaded");
	}
	supervisor_tell_ready();
	if (daemon->admin != NULL)
		admin_tell_reloaded(daemon->admin, number, succeeded, messages);
}

static void on_hangup(evutil_socket_t signal_number, short events, void *arg)
{
	struct daemon *daemon = arg;
	(void)signal_number;
	(void)events;
	supervisor_tell_reloading();
	loader_reload(daemon->loader);
}

static void on_stopped(void *arg)
{
	struct daemon *daemon = arg;
	event_base_loopbreak(daemon->base);
}

static void on_terminate(evutil_socket_t signal_number, short events, void *arg)
{
	struct daemon *daemon = arg;
	(void)events;
	log_info("ending after signal %d", (int)signal_number);
	supervisor_tell_stopping();
	admin_free(&daemon->admin);
	listeners_close(&daemon->admin_listeners);
	server_stop(daemon->server, on_stopped, daemon);
	/* Who connects from now on is refused at once, and need not wait for the end. */
	listeners_close(&daemon->listeners);
}

static struct event *daemon_add_signal(struct daemon *daemon, int number, event_callback_fn fn)
{
	struct event *event = evsignal_new(daemon->base, number, fn, daemon);
	evsignal_add(event, NULL);
	return event;
}

/*
 * The admin socket.  Nobody needs it for mail to flow: where the default cannot be opened, be it
 * that the directory is missing or that another sixgated has it, we do without.
 */
static bool daemon_open_admin(struct daemon *daemon, const struct config *config,
			      const struct user_ids *ids, struct diag *diag)
{
	bool can_give = geteuid() == 0 || config->admin_group[0] != '\0';
	const struct listener_kind kind = {.setting = "admin_listen",
					   .mode = 0660,
					   /* Only root can give it away. */
					   .uid = geteuid() == 0 ? ids->uid : (uid_t)-1,
					   .gid = can_give ? ids->gid : (gid_t)-1,
					   .makes_directory = true};
	struct diag trouble = {0};

	if (daemon->admin_listeners.count > 0)
		return true;
	if (config_is_written(config, "admin_listen"))
		return listeners_open(&daemon->admin_listeners, &config->admin_listen, &kind, diag);
	if (!listeners_open(&daemon->admin_listeners, &config->admin_listen, &kind, &trouble))
		for (size_t i = 0; i < trouble.line_count; i++)
			log_warning("%s; there is no admin socket", trouble.lines[i].text);
	diag_clear(&trouble);
	return true;
}

static bool daemon_open_policy(struct daemon *daemon, const struct config *config,
			       struct diag *diag)
{
	const struct listener_kind kind = {.setting = "policy_listen",
					   .mode = (mode_t)config->policy_socket_mode,
					   .uid = (uid_t)-1,
					   .gid = (gid_t)-1};

	return daemon->listeners.count > 0 ||
	       listeners_open(&daemon->listeners, &config->policy_listen, &kind, diag);
}

/* Sockets before the user is changed, so that root can make them; what is kept belongs to the user.
 */
static bool daemon_open(struct daemon *daemon, const struct config *config, struct diag *diag)
{
	struct store_options store_options = {.sync_full = config->store_sync == STORE_SYNC_FULL,
					      .max_entries = config->max_entries};
	struct user_ids ids;
	char why[STORE_WHY_SIZE];

	if (!user_find_ids(config->user, config->admin_group, &ids, diag) ||
	    !listeners_take_passed(&daemon->listeners, &daemon->admin_listeners, diag) ||
	    !daemon_open_policy(daemon, config, diag) ||
	    !daemon_open_admin(daemon, config, &ids, diag) || !user_become(config->user, diag))
		return false;
	if (config->privacy) {
		daemon->privacy = privacy_open(config->privacy_key.path, diag);
		if (daemon->privacy == NULL)
			return false;
	}
	daemon->store = store_open(config->store, &store_options, daemon->base, why);
	if (daemon->store == NULL)
		diag_error(diag, "store", 0, "%s", why);
	return daemon->store != NULL;
}

/* As many descriptors as we may have. */
static void daemon_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* What takes the requests through their checks. */
static void daemon_start_checks(struct daemon *daemon)
{
	struct dns_options options = daemon_dns_options(ruleset_config(daemon->rules));

	hostname_get(daemon->hostname);
	daemon->dns = dns_new(daemon->base, &options);
	daemon->spf = spf_new(daemon->dns);
	daemon->farm_resolver = farm_resolver_new(daemon->base, daemon->dns, daemon->store);
	farm_resolver_set_farms(daemon->farm_resolver, ruleset_farms(daemon->rules));
	daemon->stats = stats_new();
	daemon->totals = stats_totals_new(daemon->base, daemon->stats, daemon->dns, daemon->store);
	struct checker_parts parts = {
		.base = daemon->base,
		.store = daemon->store,
		.privacy = daemon->privacy,
		.dns = daemon->dns,
		.spf = daemon->spf,
		.farm_resolver = daemon->farm_resolver,
		.hostname = daemon->hostname,
		.stats = daemon->stats,
	};
	daemon->checker = checker_new(&parts);
}

static void daemon_start_admin(struct daemon *daemon)
{
	struct admin_parts parts = {
		.base = daemon->base,
		.listeners = &daemon->admin_listeners,
		.loader = daemon->loader,
		.store = daemon->store,
		.dns = daemon->dns,
		.farm_resolver = daemon->farm_resolver,
		.checker = daemon->checker,
		.server = daemon->server,
		.stats = daemon->stats,
		.totals = daemon->totals,
		.version = SIXGATE_VERSION,
		.privacy = daemon->privacy,
	};

	if (daemon->admin_listeners.count > 0)
		daemon->admin = admin_new(&parts, daemon->rules);
}

static bool daemon_start(struct daemon *daemon, const struct options *options, struct diag *diag)
{
	/* Before anybody can see that we start; what comes early is done when the loop runs. */
	daemon->hangup = daemon_add_signal(daemon, SIGHUP, on_hangup);
	daemon->terminate = daemon_add_signal(daemon, SIGTERM, on_terminate);
	daemon->interrupt = daemon_add_signal(daemon, SIGINT, on_terminate);
	daemon->loader = loader_new(&options->source, &daemon->rules, diag);
	if (daemon->loader == NULL)
		return false;
	if (!daemon_open(daemon, ruleset_config(daemon->rules), diag))
		return false;
	daemon_raise_file_limit();
	daemon_warn_few_descriptors(ruleset_config(daemon->rules));
	loader_warn_unreadable(daemon->loader);
	daemon_start_checks(daemon);
	daemon->server = server_new(daemon->base, &daemon->listeners, daemon->checker,
				    daemon->rules, daemon->stats);
	daemon_start_admin(daemon);
	if (!loader_start(daemon->loader, daemon->base, on_rules, on_reloaded, daemon)) {
		diag_error(diag, "sixgated", 0, "no thread to be had");
		return false;
	}
	return true;
}

static void daemon_free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/* In the opposite order; every part may be missing. */
static void daemon_end(struct daemon *daemon)
{
	supervisor_free(&daemon->supervisor);
	daemon_free_event(daemon->hangup);
	daemon_free_event(daemon->terminate);
	daemon_free_event(daemon->interrupt);
	loader_free(&daemon->loader);
	admin_free(&daemon->admin);
	server_free(&daemon->server);
	checker_free(&daemon->checker);
	stats_totals_free(&daemon->totals);
	farm_resolver_free(&daemon->farm_resolver);
	spf_free(&daemon->spf);
	dns_free(&daemon->dns);
	stats_free(&daemon->stats);
	store_free(&daemon->store);
	privacy_free(&daemon->privacy);
	listeners_close(&daemon->listeners);
	listeners_close(&daemon->admin_listeners);
	ruleset_release(&daemon->rules);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	libevent_global_shutdown();
}

static void on_libevent_log(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warning("libevent: %s", text);
}

static int daemon_run(struct daemon *daemon, const struct options *options)
{
	struct diag diag = {0};

	log_open(options->verbose);
	event_set_log_callback(on_libevent_log);
	user_renounce();
	log_start_writer();
	daemon->base = event_base_new();
	bool started = daemon->base != NULL && daemon_start(daemon, options, &diag);
	diag_log(&diag);
	diag_clear(&diag);
	if (!started)
		return EXIT_FAILURE;

	/* Now that the threads are there which have longer ones. */
	scheduling_shorten_turns();
	log_info("sixgated " SIXGATE_VERSION " is ready");
	daemon->supervisor = supervisor_new(daemon->base);
	event_base_dispatch(daemon->base);

	/* A second signal must not end us while the store is closed. */
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct daemon daemon = {0};
	int status;

	/* What we make is for us and our group. */
	umask(027);
	signal(SIGPIPE, SIG_IGN);
	event_set_mem_functions(mem_alloc, mem_resize, free);
	hash_init();
	if (options_parse(&options, argc, argv, &status)) {
		status = options.test || options.print ? daemon_inspect(&daemon, &options)
						       : daemon_run(&daemon, &options);
		daemon_end(&daemon);
		log_stop_writer();
	}
	free(options.overrides);
	return status;
}
