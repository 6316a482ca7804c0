/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_zone.h"

#include "base/memory.h"
#include "tap.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CNAMES_MAX = 10 };

/* The line at *at, and go behind it; false at the end. */
static bool zone_next_line(const char **at, struct span *line)
{
	if (**at == '\0')
		return false;
	const char *end = *at;
	while (*end != '\0' && (*end != '\n' || (end > *at && end[-1] == '\\')))
		end++;
	*line = (struct span){*at, (size_t)(end - *at)};
	*at = *end == '\0' ? end : end + 1;
	return true;
}

static int zone_hex(char c)
{
	const char *digits = "0123456789abcdef";
	return (int)(strchr(digits, ascii_lower(c)) - digits);
}

/* A TXT value without its escapes; to be freed. */
static struct span zone_unescape(struct span value)
{
	char *text = mem_alloc(value.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < value.length; i++) {
		char c = value.text[i];
		if (c == '\\' && i + 3 < value.length && value.text[i + 1] == 'x') {
			c = (char)(zone_hex(value.text[i + 2]) * 16 + zone_hex(value.text[i + 3]));
			i += 3;
		} else if (c == '\\' && i + 1 < value.length && value.text[i + 1] == '\n') {
			i++;
			while (i + 1 < value.length && ascii_is_one_of(value.text[i + 1], " \t"))
				i++;
			continue;
		}
		text[length++] = c;
	}
	return (struct span){text, length};
}

static void zone_add(struct dns_answer *answer, enum dns_type type, struct span value)
{
	char name[DNS_NAME_SIZE];
	struct netaddr addr;

	if (type == DNS_TXT) {
		struct span text = zone_unescape(value);
		dns_answer_add_text(answer, text);
		free((char *)text.text);
	} else if (type == DNS_MX || type == DNS_PTR) {
		dns_name_fold(value, name);
		dns_answer_add_text(answer, span_of(name));
	} else if (netaddr_parse(value, &addr)) {
		/* Not the mapped addresses, which netaddr_parse() takes for IPv4. */
		if (addr.bits == (type == DNS_A ? 32 : 128))
			dns_answer_add_address(answer, &addr);
	}
}

static const char *zone_type_word(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_PTR:
		return "PTR";
	case DNS_MX:
		return "MX";
	case DNS_TXT:
		return "TXT";
	case DNS_AAAA:
		return "AAAA";
	}
	return "";
}

/* One step: what the name itself has.  Its CNAME, if any, goes to *alias. */
static struct dns_answer *zone_find(const char *zone, enum dns_type type, struct span name,
				    struct span *alias)
{
	struct dns_answer *answer = dns_answer_new(DNS_FOUND, 60);
	bool has_name = false, has_failed = false;
	struct span line;

	*alias = SPAN("");
	while (zone_next_line(&zone, &line)) {
		struct span owner = span_next_word(&line, " \t");
		struct span word = span_next_word(&line, " \t");
		struct span value = line.length > 0 ? span_from(line, 1) : line;
		struct span unescaped = zone_unescape(owner);
		bool is_same = span_equals_nocase(unescaped, name);
		free((char *)unescaped.text);
		if (!is_same)
			continue;
		has_name = true;
		if (span_equals(word, SPAN("CNAME")))
			*alias = span_trim(value);
		if (span_equals(word, SPAN("ANY")) && span_equals(value, SPAN("@fail")))
			has_failed = dns_answer_count(answer) == 0;
		if (!span_equals(word, span_of(zone_type_word(type))))
			continue;
		if (span_equals(value, SPAN("@fail")))
			has_failed = true;
		else
			zone_add(answer, type, value);
	}
	if (dns_answer_count(answer) > 0 && !has_failed)
		return answer;
	const struct dns_answer *empty = answer;
	dns_answer_release(&empty);
	return dns_answer_new(has_failed ? DNS_FAILED : has_name ? DNS_NO_DATA : DNS_NO_NAME, 60);
}

const struct dns_answer *spf_zone_answer(const char *zone, enum dns_type type, const char *name)
{
	struct span at = span_of(name), alias;

	for (int i = 0; i < CNAMES_MAX; i++) {
		const struct dns_answer *answer = zone_find(zone, type, at, &alias);
		if (dns_answer_count(answer) > 0 || alias.length == 0)
			return answer;
		dns_answer_release(&answer);
		at = alias;
	}
	return dns_answer_new(DNS_FAILED, 0);
}

static void zone_reveal(const char *zone, struct dns_table *table, size_t row)
{
	const struct dns_answer *answer =
		spf_zone_answer(zone, table->rows[row].type, table->rows[row].name);

	dns_table_answer(table, row, answer);
	dns_answer_release(&answer);
}

/* The row to be answered next; table->count when there is none. */
static size_t zone_pick(const struct dns_table *table, size_t needed, enum spf_zone_order order,
			unsigned *seed)
{
	size_t out = 0, picked = table->count;

	if (order == SPF_ZONE_NEEDED)
		return needed;
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].answer != NULL)
			continue;
		*seed = *seed * 1103515245 + 12345;
		if (order != SPF_ZONE_SCRAMBLED || (*seed >> 16) % ++out == 0)
			picked = i;
	}
	return picked;
}

void spf_zone_evaluate(struct spf_evaluator *evaluator, const char *zone,
		       const struct spf_question *question, enum spf_zone_order order,
		       struct spf_outcome *outcome, struct spf_zone_cost *cost)
{
	struct dns_table table;
	unsigned seed = 1;
	size_t row = 0;

	dns_table_init(&table, SPF_QUESTIONS_MAX);
	cost->runs = 1;
	while (!spf_evaluate(evaluator, question, &table, &row, outcome)) {
		assert(row < table.count && table.rows[row].answer == NULL);
		if (order == SPF_ZONE_AT_ONCE) {
			for (row = 0; row < table.count; row++)
				if (table.rows[row].answer == NULL)
					zone_reveal(zone, &table, row);
		} else {
			zone_reveal(zone, &table, zone_pick(&table, row, order, &seed));
		}
		cost->runs++;
	}
	cost->questions = table.count;
	dns_table_clear(&table);
}

struct spf_zone_cost spf_case_run(struct spf_evaluator *evaluator, const struct spf_case *test)
{
	struct spf_question question = {
		.sender = span_of(test->sender),
		.helo = span_of(test->helo != NULL ? test->helo : "mail.example.net"),
		.limits = test->limits,
	};
	struct spf_outcome first, outcome;
	struct spf_zone_cost cost, other;
	char got[1024];

	if (question.limits.max_lookups == 0)
		question.limits = (struct spf_limits){10, 2};
	tap_ok(netaddr_parse(span_of(test->client), &question.client), "%s: %s", test->name,
	       test->client);
	spf_zone_evaluate(evaluator, test->zone, &question, SPF_ZONE_AT_ONCE, &first, &cost);
	snprintf(got, sizeof(got), "%s%s%s %s%s | %s", spf_result_word(first.evidence.result),
		 first.evidence.is_narrow ? " narrow" : "",
		 first.evidence.is_doubtful ? " doubtful" : "", first.evidence.domain,
		 first.evidence.is_helo ? " (helo)" : "", first.detail);
	tap_is(got, test->expected, "%s", test->name);
	for (enum spf_zone_order order = SPF_ZONE_NEEDED; order <= SPF_ZONE_SCRAMBLED; order++) {
		spf_zone_evaluate(evaluator, test->zone, &question, order, &outcome, &other);
		tap_ok(memcmp(&outcome, &first, sizeof(first)) == 0,
		       "%s: the same in whatever order answers arrive (%d)", test->name,
		       (int)order);
	}
	return cost;
}
