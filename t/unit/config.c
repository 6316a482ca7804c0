/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/config.h"

#include "base/memory.h"
#include "base/text_file.h"
#include "tap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct config *read_text(const char *text, char *const *overrides, size_t count,
				struct diag *diag)
{
	char path[] = "/tmp/sixgate-config-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	fputs(text, file);
	fclose(file);
	struct config *config = config_read(path, overrides, count, diag);
	unlink(path);
	return config;
}

/* What is said behind "file:line: ", or NULL. */
static const char *said(const struct diag *diag, size_t number)
{
	if (number >= diag->line_count)
		return NULL;
	const char *line = strstr(diag->lines[number].text, "/tmp/sixgate-config-");
	return line != NULL ? line + strlen("/tmp/sixgate-config-XXXXXX")
			    : diag->lines[number].text;
}

static void test_defaults(void)
{
	struct diag diag = {0};
	struct config *config = read_text("", NULL, 0, &diag);

	tap_ok(diag.line_count == 0, "an empty file is valid");
	tap_is_number(config->greylist_delay_s, 300, "greylist_delay is five minutes");
	tap_is_number(config->greylist_retry_window_s, 2 * 86400, "greylist_retry_window two days");
	tap_is_number(config->greylist_lifetime_s, 35 * 86400, "greylist_lifetime 35 days");
	tap_is_number(config->max_request_size_bytes, 16384, "max_request_size 16 KiB");
	tap_is_number(config->greylist, MODE_ENFORCE, "greylisting is enforced");
	tap_is_number(config->on_store_failure, ON_FAILURE_PASS, "without a store mail passes");
	tap_ok(config->farms.is_default, "the farms file may be missing");
	config_free(&config);
}

static void test_errors(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"greylist_delay = 5 minutes\n",
		 ":1: greylist_delay: \"5 minutes\": expected a "
		 "time from 1s to 86400s, in s, m, h, d or w, such as 5m"},
		{"\n\ngreylst = dry\n",
		 ":3: greylst: there is no such setting; sixgate.conf(5) lists them"},
		{"greylist\n", ":1: \"greylist\": expected name = value"},
		{"greylist = maybe\n", ":1: greylist: \"maybe\": expected enforce, dry or off"},
		{"max_connections = 1k\n",
		 ":1: max_connections: \"1k\": expected a number from 1 to 100000"},
		{"max_connections = 99999999999999999999\n",
		 ":1: max_connections: \"99999999999999999999\": expected a number from 1 to "
		 "100000"},
		{"max_request_size = 1g\n", ":1: max_request_size: \"1g\": expected a size in "
					    "bytes from 2048 to 1048576, such as "
					    "16k"},
		{"policy_socket_mode = 888\n",
		 ":1: policy_socket_mode: \"888\": expected permissions in octal, such as 0660"},
		{"store = /var/lib/x.db\n",
		 ":1: store: \"/var/lib/x.db\": expected sqlite:/path/to/file"},
		{"sender_access = pcre:/etc/x\n",
		 ":1: sender_access: \"pcre:/etc/x\": expected the name of a text file, with or "
		 "without "
		 "hash:, btree:, lmdb:, cdb:, dbm: or texthash: before it"},
		{"policy_listen = unix:/a unix:/b unix:/a\n",
		 ":1: policy_listen: \"unix:/a\": is listed twice"},
		{"\n\ngreylist = x\nidle_timeout = 5y\ngreylst = dry\n",
		 ":3: greylist: \"x\": expected enforce, dry or off"}, /* by line, not by kind */
		{"policy_listen =\n",
		 ":1: policy_listen: is empty; expected unix:PATH, inet:HOST:PORT or "
		 "inet:[ADDR]:PORT"},
		{"greylist_text =\n",
		 ":1: greylist_text: expected a text of 1 to 200 bytes, it has 0"},
		{"greylist_text = a\001b\n",
		 ":1: greylist_text: control characters or bytes that are not UTF-8"},
		{"gate_families = ipv6 ipx\n",
		 ":1: gate_families: \"ipx\": expected ipv6 or ipv4, or several of them"},
		{"gate_families =\n",
		 ":1: gate_families: is empty; expected ipv6 or ipv4, or several of them"},
		{"dns_servers = 192.0.2.1 ns.example\n",
		 ":1: dns_servers: \"ns.example\": expected an address: ADDR, ADDR:PORT or "
		 "[ADDR]:PORT, such as 192.0.2.1 or [2001:db8::1]:5353"},
		{"dns_servers = fe80::1%eth0\n",
		 ":1: dns_servers: \"fe80::1%eth0\": expected an address: ADDR, ADDR:PORT or "
		 "[ADDR]:PORT, such as 192.0.2.1 or [2001:db8::1]:5353"},
		{"dns_servers = 0.0.0.0\n",
		 ":1: dns_servers: \"0.0.0.0\": expected an address: ADDR, ADDR:PORT or "
		 "[ADDR]:PORT, such as 192.0.2.1 or [2001:db8::1]:5353"},
		{"dns_servers = ::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9\n",
		 ":1: dns_servers: expected at most 8 servers"},
		{"authserv_id = my host\n",
		 ":1: authserv_id: \"my host\": expected one word of at most 253 bytes, such as "
		 "mx.example.org"},
		{"trusted_forwarders = forward.example\n",
		 ":1: trusted_forwarders: \"forward.example\": a name without a dot in front; "
		 "expected networks such as 192.0.2.0/24 [2001:db8::]/32, or names such as "
		 ".forward.example"},
		{"trusted_forwarders = .org\n",
		 ":1: trusted_forwarders: \".org\": only one label; expected networks such as "
		 "192.0.2.0/24 [2001:db8::]/32, or names such as .forward.example"},
		{"greylist_delay = 1h\ngreylist_retry_window = 30m\n",
		 ": greylist_delay: is not shorter than greylist_retry_window, so that no retry "
		 "could ever "
		 "pass"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct diag diag = {0};
		struct config *config = read_text(cases[i].text, NULL, 0, &diag);
		tap_ok(diag.error_count > 0, "refused: %.30s", cases[i].error);
		tap_is(said(&diag, 0), cases[i].error, "and told in one clear line");
		config_free(&config);
		diag_clear(&diag);
	}
}

static void test_values(void)
{
	static char override_1[] = "greylist=dry", override_2[] = "greylist_delay = 10m";
	static char *const overrides[] = {override_1, override_2};
	struct diag diag = {0};
	struct config *config = read_text("greylist_delay = 7m\n"
					  "greylist_lifetime = 5w\n"
					  "max_request_size = 32 K\n"
					  "mynetworks = 192.0.2.0/24\n"
					  "  [2001:db8::]/32\n"
					  "sender_access = hash:/etc/postfix/sender_access\n"
					  "greylist_lifetime = 840h\n"
					  "idle_timeout = 599001ms\n"
					  "policy_listen = unix:/a, inet:[::1]:1\n",
					  overrides, 2, &diag);

	tap_is(said(&diag, 0), ":7: greylist_lifetime: replaces the value of line 2",
	       "a setting that is written twice is a warning, and the last one counts");
	tap_is_number((long long)diag.error_count, 0, "the file is valid");
	tap_is_number(config->greylist_delay_s, 600, "-o goes over the file");
	tap_is_number(config->greylist, MODE_DRY, "and over defaults");
	tap_is_number(config->max_request_size_bytes, 32768, "sizes have units");
	tap_is_number(config->idle_timeout_s, 600, "milliseconds are the next whole second");
	tap_is_number((long long)config->mynetworks.count, 2, "a line may continue");
	tap_is_number((long long)config->policy_listen.count, 2, "a list of sockets");
	tap_is(config->sender_access.path, "/etc/postfix/sender_access", "hash: is the text file");

	char *printed = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&printed, &size);
	config_print(config, stream);
	fclose(stream);
	tap_is(printed,
	       "policy_listen = unix:/a, inet:[::1]:1\n"
	       "greylist = dry\n"
	       "greylist_delay = 10m\n"
	       "mynetworks = 192.0.2.0/24  [2001:db8::]/32\n"
	       "sender_access = hash:/etc/postfix/sender_access\n"
	       "max_request_size = 32 K\n",
	       "-n prints what differs from the defaults: 840h is 35d");
	free(printed);
	config_free(&config);
	diag_clear(&diag);
}

/* The whole of a file of this source tree. */
static char *read_source(const char *name)
{
	char path[512];
	struct diag diag = {0};
	struct text_file file;

	snprintf(path, sizeof(path), "%s/%s", getenv("SIXGATE_SOURCE"), name);
	char *text = NULL;
	if (text_file_read(&file, path, &diag) == TEXT_FILE_READ)
		text = mem_copy_text(file.bytes, file.length);
	text_file_clear(&file);
	diag_clear(&diag);
	return text != NULL ? text : mem_copy_string("");
}

/* text with every run of white space, and of the marks in skip, as one blank. */
static char *words_of(const char *text, const char *skip)
{
	char *words = mem_alloc(strlen(text) + 2);
	size_t used = 0;
	for (; *text != '\0'; text++) {
		bool blank = isspace((unsigned char)*text) || strchr(skip, *text) != NULL;
		if (!blank)
			words[used++] = *text;
		else if (used > 0 && words[used - 1] != ' ')
			words[used++] = ' ';
	}
	return words;
}

/* The example file and the manual say of every setting what the table says. */
static void test_documents(void)
{
	char *example = read_source("etc/sixgate.conf");
	char *manual = read_source("doc/sixgate.conf.5");
	char *example_words = words_of(example, "#");
	char *manual_words = words_of(manual, "");

	for (size_t i = 0; i < config_table_count; i++) {
		const struct setting *setting = &config_table[i];
		bool is_empty = setting->default_text[0] == '\0';
		char line[1024];

		snprintf(line, sizeof(line), "%s %s =%s%s ", setting->summary, setting->name,
			 is_empty ? "" : " ", setting->default_text);
		char *wanted = words_of(line, "#");
		tap_ok(strstr(example_words, wanted) != NULL,
		       "etc/sixgate.conf has %s with its default and summary", setting->name);
		free(wanted);

		snprintf(line, sizeof(line), ".It Cm %s Pq %s %s", setting->name,
			 is_empty ? "empty" : setting->default_text, setting->summary);
		wanted = words_of(line, "");
		tap_ok(strstr(manual_words, wanted) != NULL,
		       "sixgate.conf(5) has %s with its default and summary", setting->name);
		free(wanted);
	}
	free(example);
	free(manual);
	free(example_words);
	free(manual_words);
}

int main(void)
{
	test_defaults();
	test_errors();
	test_values();
	test_documents();
	return tap_done();
}
