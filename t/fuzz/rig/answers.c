/* SPDX-License-Identifier: BSD-2-Clause */
#include "answers.h"

#include "base/memory.h"
#include "input.h"
#include "lookup/dns_name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What was answered to whom. */
struct answers_known {
	enum dns_type type;
	char name[DNS_NAME_SIZE];
	const struct dns_answer *answer; /* held */
};

static struct {
	struct span text, rest;
	struct netaddr client;
	struct answers_known known[ANSWERS_MAX];
	size_t count;
} answers;

static void answers_add(struct dns_answer *answer, enum dns_type type, struct span record)
{
	struct netaddr addr = {.bits = type == DNS_A ? 32 : 128};
	char name[DNS_NAME_SIZE];

	switch (type) {
	case DNS_TXT:
		dns_answer_add_text(answer, record);
		break;
	case DNS_MX:
	case DNS_PTR:
		dns_name_fold(record, name);
		dns_answer_add_text(answer, span_of(name));
		break;
	case DNS_A:
	case DNS_AAAA:
		memcpy(addr.bytes, record.text,
		       record.length < addr.bits / 8 ? record.length : addr.bits / 8);
		if (span_equals(record, SPAN("c")) && answers.client.bits == addr.bits)
			addr = answers.client;
		dns_answer_add_address(answer, &addr);
		break;
	}
}

static struct dns_answer *answers_make(enum dns_type type)
{
	if (answers.rest.length == 0)
		answers.rest = answers.text;
	struct span line = input_line(&answers.rest);
	enum dns_status status = span_equals(line, SPAN("!"))   ? DNS_FAILED
				 : span_equals(line, SPAN("-")) ? DNS_NO_NAME
				 : span_equals(line, SPAN("=")) ? DNS_NO_DATA
								: DNS_FOUND;
	struct dns_answer *answer = dns_answer_new(status, 60);
	while (status == DNS_FOUND) {
		answers_add(answer, type, input_take(&line, '\1'));
		if (line.length == 0)
			break;
	}
	return answer;
}

void answers_begin(struct span text, const struct netaddr *client)
{
	answers_end();
	answers.text = answers.rest = text.length > 0 ? text : SPAN("-");
	answers.client = *client;
}

const struct dns_answer *answers_get(enum dns_type type, const char *name)
{
	for (size_t i = 0; i < answers.count; i++)
		if (answers.known[i].type == type && strcmp(answers.known[i].name, name) == 0)
			return answers.known[i].answer;
	assert(answers.count < ANSWERS_MAX);
	struct answers_known *known = &answers.known[answers.count++];
	known->type = type;
	memcpy(known->name, name, strlen(name) + 1);
	known->answer = answers_make(type);
	return known->answer;
}

void answers_end(void)
{
	while (answers.count > 0)
		dns_answer_release(&answers.known[--answers.count].answer);
}

static void answers_ask(struct dns_transport *transport, enum dns_type type, const char *name,
			dns_transport_done_fn *done, void *asked)
{
	(void)transport;
	done(answers_get(type, name), asked);
}

static void answers_free(struct dns_transport *transport)
{
	free(transport);
}

static const struct dns_transport_class answers_class = {.ask = answers_ask, .free = answers_free};

struct dns_transport *answers_transport_new(void)
{
	struct dns_transport *transport = mem_alloc(sizeof(*transport));

	transport->class = &answers_class;
	return transport;
}
