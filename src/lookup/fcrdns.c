/* SPDX-License-Identifier: BSD-2-Clause */
#include "fcrdns.h"

#include "base/memory.h"
#include "dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of the names, and the question for its addresses. */
struct fcrdns_name {
	struct fcrdns *fcrdns;   /* borrowed */
	struct dns_query *query; /* owned; not NULL exactly while it is out */
	char name[DNS_NAME_SIZE];
};

struct fcrdns {
	struct dns *dns; /* borrowed */
	struct netaddr addr;
	struct fcrdns_report *report; /* borrowed; NULL: nobody wants it */
	fcrdns_done_fn *done;
	void *arg;
	struct dns_query *ptr_query; /* owned; not NULL exactly while it is out */
	struct fcrdns_name names[FCRDNS_NAMES_MAX];
	size_t name_count, answered; /* names that there are, and whose addresses are known */
	int64_t good_until_ms;       /* monotonic: all answers so far */
	bool has_doubt; /* the addresses of one could not be told, or names were left out */
};

void fcrdns_cancel(struct fcrdns **fcrdns)
{
	struct fcrdns *cancelled = *fcrdns;

	if (cancelled == NULL)
		return;
	*fcrdns = NULL;
	dns_cancel(&cancelled->ptr_query);
	for (size_t i = 0; i < cancelled->name_count; i++)
		dns_cancel(&cancelled->names[i].query);
	free(cancelled);
}

/* The only place that answers; everything is gone then. */
static void fcrdns_finish(struct fcrdns *fcrdns, enum iprev_result result, const char *name)
{
	struct iprev_evidence evidence = {.result = result};
	fcrdns_done_fn *done = fcrdns->done;
	void *arg = fcrdns->arg;
	int64_t good_until_ms = fcrdns->good_until_ms;

	snprintf(evidence.name, sizeof(evidence.name), "%s", name);
	fcrdns_cancel(&fcrdns);
	done(&evidence, good_until_ms, arg);
}

static void fcrdns_note_good(struct fcrdns *fcrdns, const struct dns_answer *answer)
{
	if (dns_answer_good_until_ms(answer) < fcrdns->good_until_ms)
		fcrdns->good_until_ms = dns_answer_good_until_ms(answer);
}

static bool fcrdns_leads_back(const struct fcrdns *fcrdns, const struct dns_answer *answer)
{
	for (size_t i = 0; i < dns_answer_count(answer); i++)
		if (netaddr_equals(dns_answer_address(answer, i), &fcrdns->addr))
			return true;
	return false;
}

/* Note what DNS says of the name with number i. */
static void fcrdns_report_name(struct fcrdns *fcrdns, size_t i, const struct dns_answer *answer)
{
	if (fcrdns->report == NULL)
		return;
	struct fcrdns_name_report *report = &fcrdns->report->names[i];
	size_t count = dns_answer_count(answer);

	report->is_answered = true;
	report->status = dns_answer_status(answer);
	report->leads_back = fcrdns_leads_back(fcrdns, answer);
	report->has_more = count > FCRDNS_ADDRESSES_SHOWN;
	report->address_count = report->has_more ? FCRDNS_ADDRESSES_SHOWN : count;
	for (size_t shown = 0; shown < report->address_count; shown++)
		report->addresses[shown] = *dns_answer_address(answer, shown);
}

/* Note which names there are. */
static void fcrdns_report_names(struct fcrdns *fcrdns, const struct dns_answer *answer)
{
	if (fcrdns->report == NULL)
		return;
	fcrdns->report->ptr_is_answered = true;
	fcrdns->report->ptr_status = dns_answer_status(answer);
	fcrdns->report->name_count = fcrdns->name_count;
	fcrdns->report->has_more_names = fcrdns->has_doubt;
	for (size_t i = 0; i < fcrdns->name_count; i++)
		memcpy(fcrdns->report->names[i].name, fcrdns->names[i].name, EVIDENCE_NAME_SIZE);
}

static void on_fcrdns_addresses(const struct dns_answer *answer, void *arg)
{
	struct fcrdns_name *name = arg;
	struct fcrdns *fcrdns = name->fcrdns;

	name->query = NULL;
	fcrdns->answered++;
	fcrdns_note_good(fcrdns, answer);
	fcrdns_report_name(fcrdns, (size_t)(name - fcrdns->names), answer);
	if (dns_answer_status(answer) == DNS_FAILED)
		fcrdns->has_doubt = true;
	if (fcrdns_leads_back(fcrdns, answer))
		return fcrdns_finish(fcrdns, IPREV_PASS, name->name);
	if (fcrdns->answered < fcrdns->name_count)
		return;
	if (fcrdns->has_doubt)
		return fcrdns_finish(fcrdns, IPREV_TEMPERROR, "");
	return fcrdns_finish(fcrdns, IPREV_FAIL, fcrdns->names[0].name);
}

static bool fcrdns_has_name(const struct fcrdns *fcrdns, struct span name)
{
	for (size_t i = 0; i < fcrdns->name_count; i++)
		if (span_equals(span_of(fcrdns->names[i].name), name))
			return true;
	return false;
}

/* The first ten names that differ and can be asked about. */
static void fcrdns_pick_names(struct fcrdns *fcrdns, const struct dns_answer *answer)
{
	for (size_t i = 0; i < dns_answer_count(answer); i++) {
		struct span name = dns_answer_text(answer, i);
		if (name.length == 0 || fcrdns_has_name(fcrdns, name))
			continue;
		if (fcrdns->name_count == FCRDNS_NAMES_MAX) {
			fcrdns->has_doubt = true;
			return;
		}

		struct fcrdns_name *picked = &fcrdns->names[fcrdns->name_count++];
		picked->fcrdns = fcrdns;
		memcpy(picked->name, name.text, name.length);
	}
}

static void on_fcrdns_names(const struct dns_answer *answer, void *arg)
{
	struct fcrdns *fcrdns = arg;
	enum dns_type type = fcrdns->addr.bits == 32 ? DNS_A : DNS_AAAA;

	fcrdns->ptr_query = NULL;
	fcrdns_note_good(fcrdns, answer);
	fcrdns_pick_names(fcrdns, answer);
	fcrdns_report_names(fcrdns, answer);
	if (dns_answer_status(answer) == DNS_FAILED)
		return fcrdns_finish(fcrdns, IPREV_TEMPERROR, "");
	/* Names that nobody could ask about lead nowhere. */
	if (fcrdns->name_count == 0)
		return fcrdns_finish(
			fcrdns,
			dns_answer_status(answer) == DNS_FOUND ? IPREV_FAIL : IPREV_PERMERROR, "");
	for (size_t i = 0; i < fcrdns->name_count; i++)
		fcrdns->names[i].query =
			dns_start(fcrdns->dns, type, span_of(fcrdns->names[i].name),
				  on_fcrdns_addresses, &fcrdns->names[i]);
}

struct fcrdns *fcrdns_start(struct dns *dns, const struct netaddr *addr,
			    struct fcrdns_report *report, fcrdns_done_fn *done, void *arg)
{
	struct fcrdns *fcrdns = mem_alloc(sizeof(*fcrdns));
	char name[DNS_NAME_SIZE];

	fcrdns->dns = dns;
	fcrdns->addr = *addr;
	fcrdns->report = report;
	fcrdns->good_until_ms = INT64_MAX;
	fcrdns->done = done;
	fcrdns->arg = arg;
	dns_name_of_address(addr, name);
	fcrdns->ptr_query = dns_start(dns, DNS_PTR, span_of(name), on_fcrdns_names, fcrdns);
	return fcrdns;
}
