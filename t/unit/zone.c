/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone.h"

#include "base/memory.h"
#include "lookup/dns_name.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
	ZONE_TYPE_ANY = 255,
	ZONE_TYPE_CNAME = 5,
	ZONE_TTL_S = 300,
	ZONE_NEGATIVE_TTL_S = 60,
	ZONE_CNAMES_MAX = 8,
};

struct zone_record {
	char name[DNS_NAME_SIZE];
	int type;
	int64_t ttl_s;
	char *value; /* owned */
};

/* Something that was asked. */
struct zone_question {
	TAILQ_ENTRY(zone_question) link;
	enum dns_type type;
	char name[DNS_NAME_SIZE];
	dns_transport_done_fn *done;
	void *asked;
};

TAILQ_HEAD(zone_queue, zone_question);

struct zone {
	struct dns_transport base;
	struct zone_record *records; /* owned */
	size_t record_count;
	bool answers_later;
	struct event *on_later;  /* owned */
	struct zone_queue later; /* are answered in the next round of the loop */
	struct zone_queue never;
	struct zone_question *asked; /* owned; all that was ever asked */
	size_t asked_count, asked_size, outstanding;
};

static void zone_wrong(struct span line)
{
	fprintf(stderr, "zone: this is no record: %.*s\n", (int)line.length, line.text);
	abort();
}

static int zone_type(struct span word)
{
	static const struct {
		const char *word;
		int type;
	} types[] = {
		{"A", DNS_A},           {"AAAA", DNS_AAAA}, {"PTR", DNS_PTR},
		{"MX", DNS_MX},         {"TXT", DNS_TXT},   {"CNAME", ZONE_TYPE_CNAME},
		{"ANY", ZONE_TYPE_ANY},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_equals(word, span_of(types[i].word)))
			return types[i].type;
	return 0;
}

static bool zone_is_special(struct span value)
{
	return span_equals(value, SPAN("@servfail")) || span_equals(value, SPAN("@never")) ||
	       span_equals(value, SPAN("@nxdomain"));
}

static void zone_add(struct zone *zone, struct span line)
{
	struct zone_record record = {.ttl_s = ZONE_TTL_S};
	struct span rest = line;

	if (!dns_name_fold(span_next_word(&rest, " \t"), record.name))
		zone_wrong(line);
	struct span word = span_next_word(&rest, " \t");
	if (word.length > 0 && ascii_is_digit(word.text[0])) {
		record.ttl_s = atoi(word.text);
		word = span_next_word(&rest, " \t");
	}
	record.type = zone_type(word);
	rest = span_trim(rest);
	bool is_special = rest.length > 0 && rest.text[0] == '@';
	if (record.type == 0 || (record.type == ZONE_TYPE_ANY && !is_special) ||
	    (is_special && !zone_is_special(rest)))
		zone_wrong(line);
	record.value = mem_copy_text(rest.text, rest.length);
	zone->records =
		mem_resize(zone->records, (zone->record_count + 1) * sizeof(*zone->records));
	zone->records[zone->record_count++] = record;
}

static void zone_clear(struct zone *zone)
{
	for (size_t i = 0; i < zone->record_count; i++)
		free(zone->records[i].value);
	free(zone->records);
	zone->records = NULL;
	zone->record_count = 0;
}

static void zone_read(struct zone *zone, const char *text)
{
	struct span rest = span_of(text), line;

	zone_clear(zone);
	while ((line = span_next_word(&rest, "\n")).length > 0) {
		line = span_trim(line);
		if (line.length > 0 && line.text[0] != '#')
			zone_add(zone, line);
	}
}

/* The value of a record goes into answer. */
static void zone_add_value(const struct zone_record *record, struct dns_answer *answer)
{
	struct span value = span_of(record->value);
	struct netaddr addr;
	char name[DNS_NAME_SIZE];

	dns_answer_limit_ttl(answer, record->ttl_s);
	switch (record->type) {
	case DNS_A:
	case DNS_AAAA:
		if (!netaddr_parse(value, &addr) || (addr.bits == 32) != (record->type == DNS_A))
			zone_wrong(value);
		return dns_answer_add_address(answer, &addr);
	case DNS_TXT:
		return dns_answer_add_text(answer, value);
	default:
		/* The preference of an MX record is in front. */
		dns_name_fold(span_from(value, 1 + span_find_last(value, ' ') < value.length
						       ? 1 + span_find_last(value, ' ')
						       : 0),
			      name);
		return dns_answer_add_text(answer, span_of(name));
	}
}

/* The name under which the records for name are: its own, or that of a wildcard.  False: none. */
static bool zone_owner(const struct zone *zone, const char *name, char owner[static DNS_NAME_SIZE])
{
	snprintf(owner, DNS_NAME_SIZE, "%s", name);
	for (size_t i = 0; i < zone->record_count; i++)
		if (dns_name_is_within(span_of(zone->records[i].name), span_of(name)))
			return true;
	for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
		snprintf(owner, DNS_NAME_SIZE, "*%.*s", DNS_NAME_SIZE - 2, dot);
		for (size_t i = 0; i < zone->record_count; i++)
			if (strcmp(zone->records[i].name, owner) == 0)
				return true;
	}
	return false;
}

/* The answer, to be released, or NULL when there is none ever. */
static struct dns_answer *zone_answer(const struct zone *zone, enum dns_type type, const char *name,
				      unsigned cnames)
{
	char owner[DNS_NAME_SIZE], target[DNS_NAME_SIZE];
	struct dns_answer *answer;

	if (!zone_owner(zone, name, owner))
		return dns_answer_new(DNS_NO_NAME, ZONE_NEGATIVE_TTL_S);
	answer = dns_answer_new(DNS_FOUND, INT64_MAX);
	for (size_t i = 0; i < zone->record_count; i++) {
		const struct zone_record *record = &zone->records[i];
		bool is_any = record->type == ZONE_TYPE_ANY, is_cname = false;
		if (strcmp(record->name, owner) != 0)
			continue;
		is_cname = record->type == ZONE_TYPE_CNAME;
		if (!is_any && !is_cname && record->type != (int)type)
			continue;
		if (record->value[0] != '@' && !is_cname) {
			zone_add_value(record, answer);
			continue;
		}
		dns_answer_release((const struct dns_answer **)&answer);
		if (strcmp(record->value, "@never") == 0)
			return NULL;
		if (strcmp(record->value, "@nxdomain") == 0)
			return dns_answer_new(DNS_NO_NAME, ZONE_NEGATIVE_TTL_S);
		if (!is_cname || cnames == ZONE_CNAMES_MAX)
			return dns_answer_new(DNS_FAILED, 0);
		dns_name_fold(span_of(record->value), target);
		return zone_answer(zone, type, target, cnames + 1);
	}
	if (dns_answer_count(answer) > 0)
		return answer;
	dns_answer_release((const struct dns_answer **)&answer);
	return dns_answer_new(DNS_NO_DATA, ZONE_NEGATIVE_TTL_S);
}

/* Answer, or wait for another table. */
static void zone_try(struct zone *zone, struct zone_question *question)
{
	const struct dns_answer *answer = zone_answer(zone, question->type, question->name, 0);

	if (answer == NULL) {
		TAILQ_INSERT_TAIL(&zone->never, question, link);
		return;
	}
	zone->outstanding--;
	question->done(answer, question->asked);
	dns_answer_release(&answer);
	free(question);
}

static void zone_try_all(struct zone *zone, struct zone_queue *queue)
{
	struct zone_queue taken = TAILQ_HEAD_INITIALIZER(taken);
	struct zone_question *question;

	TAILQ_CONCAT(&taken, queue, link);
	while ((question = TAILQ_FIRST(&taken)) != NULL) {
		TAILQ_REMOVE(&taken, question, link);
		zone_try(zone, question);
	}
}

static void on_zone_later(evutil_socket_t fd, short events, void *arg)
{
	struct zone *zone = arg;

	(void)fd;
	(void)events;
	zone_try_all(zone, &zone->later);
}

static void zone_ask(struct dns_transport *transport, enum dns_type type, const char *name,
		     dns_transport_done_fn *done, void *asked)
{
	struct zone *zone = (struct zone *)transport;
	struct zone_question *question = mem_alloc(sizeof(*question));

	question->type = type;
	snprintf(question->name, sizeof(question->name), "%s", name);
	question->done = done;
	question->asked = asked;
	zone->outstanding++;
	if (zone->asked_count == zone->asked_size) {
		zone->asked_size = 2 * zone->asked_size + 16;
		zone->asked = mem_resize(zone->asked, zone->asked_size * sizeof(*zone->asked));
	}
	zone->asked[zone->asked_count++] = *question;
	if (!zone->answers_later)
		return zone_try(zone, question);
	TAILQ_INSERT_TAIL(&zone->later, question, link);
	event_active(zone->on_later, EV_TIMEOUT, 0);
}

static void zone_free(struct dns_transport *transport)
{
	struct zone *zone = (struct zone *)transport;
	const struct dns_answer *failed = dns_answer_new(DNS_FAILED, 0);
	struct zone_question *question;

	TAILQ_CONCAT(&zone->never, &zone->later, link);
	while ((question = TAILQ_FIRST(&zone->never)) != NULL) {
		TAILQ_REMOVE(&zone->never, question, link);
		question->done(failed, question->asked);
		free(question);
	}
	dns_answer_release(&failed);
	zone_clear(zone);
	event_free(zone->on_later);
	free(zone->asked);
	free(zone);
}

static const struct dns_transport_class zone_class = {.ask = zone_ask, .free = zone_free};

struct zone *zone_new(struct event_base *base, const char *text)
{
	struct zone *zone = mem_alloc(sizeof(*zone));

	zone->base.class = &zone_class;
	TAILQ_INIT(&zone->later);
	TAILQ_INIT(&zone->never);
	zone->on_later = event_new(base, -1, 0, on_zone_later, zone);
	zone_read(zone, text);
	return zone;
}

struct dns_transport *zone_transport(struct zone *zone)
{
	return &zone->base;
}

void zone_set(struct zone *zone, const char *text)
{
	zone_read(zone, text);
	zone_try_all(zone, &zone->never);
}

void zone_answer_later(struct zone *zone)
{
	zone->answers_later = true;
}

size_t zone_questions(const struct zone *zone)
{
	return zone->asked_count;
}

size_t zone_questions_about(const struct zone *zone, enum dns_type type, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->asked_count; i++)
		if (zone->asked[i].type == type && strcmp(zone->asked[i].name, name) == 0)
			count++;
	return count;
}

size_t zone_outstanding(const struct zone *zone)
{
	return zone->outstanding;
}
