/* SPDX-License-Identifier: BSD-2-Clause */
/* outbound: whether Google and Microsoft would take this host's mail. */
#include "commands.h"
#include "outbound_lookup.h"
#include "outbound_plan.h"
#include "outbound_report.h"
#include "outbound_view.h"
#include "screen.h"

#include "rules/outbound.h"

#include <getopt.h>
#include <stdio.h>

static bool outbound_parse_address(struct outbound_wishes *wishes, const char *text)
{
	struct netaddr address;

	if (!netaddr_parse(span_of(text), &address)) {
		screen_complain("outbound: --ip: %s: expected an IPv4 or IPv6 address", text);
		return false;
	}
	if (!outbound_is_global(&address)) {
		screen_complain("outbound: --ip: %s: others never see mail come from this address; "
				"expected the public one",
				text);
		return false;
	}
	outbound_addresses_add(&wishes->addresses, &address);
	if (wishes->addresses.has_more)
		screen_complain("outbound: --ip: at most %d addresses are checked at once",
				OUTBOUND_ADDRESSES_MAX);
	return !wishes->addresses.has_more;
}

static bool outbound_parse_sender(struct outbound_wishes *wishes, const char *text)
{
	struct spf_question about = {.sender = span_of(text)};
	struct spf_evidence identity = {.result = SPF_NOT_ASKED};
	size_t at = span_find_last(about.sender, '@');

	if (at > 0 && at < about.sender.length)
		spf_question_identity(&about, &identity);
	if (identity.domain[0] == '\0' || identity.is_helo) {
		screen_complain("outbound: --from: %s: expected user@domain", text);
		return false;
	}
	wishes->sender = text;
	return true;
}

static bool outbound_parse_server(struct outbound_wishes *wishes, const char *text)
{
	struct netaddr address;
	struct span port;

	if (!netaddr_parse_with_port(span_of(text), &address, &port)) {
		screen_complain("outbound: --dns: %s: expected the address of a name server, as in "
				"192.0.2.53 or [2001:db8::53]:5353",
				text);
		return false;
	}
	wishes->servers = text;
	return true;
}

static bool outbound_parse(struct outbound_wishes *wishes, int argc, char **argv)
{
	static const struct option options[] = {{"ip", required_argument, NULL, 'i'},
						{"from", required_argument, NULL, 'f'},
						{"helo", required_argument, NULL, 'h'},
						{"dns", required_argument, NULL, 'd'},
						{0}};
	int option;

	*wishes = (struct outbound_wishes){.servers = ""};
	optind = 0; /* glibc: start anew */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		bool is_right = option == 'i'   ? outbound_parse_address(wishes, optarg)
				: option == 'f' ? outbound_parse_sender(wishes, optarg)
				: option == 'd' ? outbound_parse_server(wishes, optarg)
						: option == 'h';
		if (!is_right)
			return false;
		if (option == 'h')
			wishes->helo = optarg;
	}
	if (optind < argc)
		screen_complain("%s: %s: expected options only", argv[0], argv[optind]);
	return optind == argc;
}

static json_t *outbound_find_out(const struct outbound_wishes *wishes)
{
	struct outbound_postfix postfix;
	struct outbound_plan plan;
	struct outbound_answers answers;

	outbound_postfix_ask(&postfix);
	outbound_plan_make(&plan, wishes, &postfix);
	const struct outbound_question question = {
		.sender = plan.sender,
		.helo = plan.helo,
		.servers = wishes->servers,
		.addresses = plan.addresses.addresses,
		.address_count = plan.addresses.count,
	};
	outbound_look_up(&question, &answers);
	json_t *report = outbound_report(&plan, &answers, &postfix);
	outbound_answers_clear(&answers);
	outbound_plan_clear(&plan);
	outbound_postfix_clear(&postfix);
	return report;
}

int outbound_run(const struct ctl *ctl, int argc, char **argv)
{
	struct outbound_wishes wishes;

	if (!outbound_parse(&wishes, argc, argv))
		return command_usage(argv[0]);
	json_t *report = outbound_find_out(&wishes);
	bool accepts = json_is_true(json_object_get(report, "accepts"));
	if (ctl->is_json) {
		json_dumpf(report, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		outbound_view_print(ctl, report);
	}
	json_decref(report);
	return accepts ? CTL_DONE : CTL_REFUSED;
}
