/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_lookup.h"

#include "spf_evaluate.h"

#include <assert.h>

enum dns_type spf_lookup_address_type(const struct spf_lookup *lookup)
{
	return lookup->client.bits == 32 ? DNS_A : DNS_AAAA;
}

const struct dns_answer *spf_lookup_ask(struct spf_lookup *lookup, enum dns_type type,
					const char *name)
{
	struct dns_table *table = lookup->table;
	const struct dns_answer *answer = dns_table_ask(table, type, span_of(name));
	size_t row = 0;

	if (answer != NULL)
		return answer;
	while (row < table->count &&
	       (table->rows[row].type != type || strcmp(table->rows[row].name, name) != 0))
		row++;
	assert(row < table->count); /* names are folded here, as they are in the table */
	lookup->is_waiting = true;
	lookup->waits_for = row;
	return NULL;
}

/*
 * Bounded, so that there are always rows left for what the evaluation itself asks, and its result
 * does not depend on what was asked ahead.
 */
const struct dns_answer *spf_lookup_ask_ahead(struct spf_lookup *lookup, enum dns_type type,
					      struct span name)
{
	return lookup->table->count < SPF_PREFETCH_MAX ? dns_table_ask(lookup->table, type, name)
						       : NULL;
}

/* How many of the names in answer are looked at. */
static size_t spf_lookup_count(const struct dns_answer *answer)
{
	size_t count = answer != NULL ? dns_answer_count(answer) : 0;
	return count < SPF_NAMES_MAX ? count : SPF_NAMES_MAX;
}

void spf_lookup_ask_names_ahead(struct spf_lookup *lookup, const struct dns_answer *answer,
				struct span domain)
{
	size_t count = spf_lookup_count(answer);

	for (size_t i = 0; i < count; i++) {
		struct span name = dns_answer_text(answer, i);
		if (domain.length == 0 || dns_name_is_within(name, domain))
			spf_lookup_ask_ahead(lookup, spf_lookup_address_type(lookup), name);
	}
}

const struct dns_answer *spf_lookup_client(struct spf_lookup *lookup)
{
	char name[DNS_NAME_SIZE];

	dns_name_of_address(&lookup->client, name);
	const struct dns_answer *names = spf_lookup_ask(lookup, DNS_PTR, name);
	if (names != NULL &&
	    (dns_answer_status(names) == DNS_FAILED || dns_answer_count(names) > SPF_NAMES_MAX))
		lookup->is_doubtful = true;
	return names;
}

const struct dns_answer *spf_lookup_client_ahead(struct spf_lookup *lookup)
{
	char name[DNS_NAME_SIZE];

	dns_name_of_address(&lookup->client, name);
	return spf_lookup_ask_ahead(lookup, DNS_PTR, span_of(name));
}

/* How a name has to relate to a domain. */
enum spf_closeness { SPF_CLOSE_EQUAL, SPF_CLOSE_WITHIN, SPF_CLOSE_ANY };

static bool spf_lookup_is_close(struct span name, struct span domain, enum spf_closeness closeness)
{
	switch (closeness) {
	case SPF_CLOSE_EQUAL:
		return span_equals(name, domain);
	case SPF_CLOSE_WITHIN:
		return dns_name_is_within(name, domain);
	case SPF_CLOSE_ANY:
		break;
	}
	return true;
}

static bool spf_lookup_leads_back(const struct spf_lookup *lookup, const struct dns_answer *answer)
{
	for (size_t i = 0; i < dns_answer_count(answer); i++)
		if (netaddr_equals(dns_answer_address(answer, i), &lookup->client))
			return true;
	return false;
}

/* The first of the client's names that is close to domain and leads back.  False: none, or an
 * answer is missing. */
static bool spf_lookup_find_name(struct spf_lookup *lookup, const struct dns_answer *names,
				 struct span domain, enum spf_closeness closeness,
				 struct span *found)
{
	size_t count = spf_lookup_count(names);
	char copy[DNS_NAME_SIZE];

	for (size_t i = 0; i < count; i++) {
		struct span name = dns_answer_text(names, i);
		if (name.length == 0 || !spf_lookup_is_close(name, domain, closeness))
			continue;
		memcpy(copy, name.text, name.length);
		copy[name.length] = '\0';
		const struct dns_answer *addresses =
			spf_lookup_ask(lookup, spf_lookup_address_type(lookup), copy);
		if (addresses == NULL)
			return false;
		if (dns_answer_status(addresses) == DNS_FAILED)
			lookup->is_doubtful = true;
		if (spf_lookup_leads_back(lookup, addresses)) {
			*found = name;
			return true;
		}
	}
	return false;
}

bool spf_lookup_is_within(struct spf_lookup *lookup, const struct dns_answer *names,
			  struct span domain)
{
	struct span found;

	spf_lookup_ask_names_ahead(lookup, names, domain);
	return spf_lookup_find_name(lookup, names, domain, SPF_CLOSE_WITHIN, &found);
}

bool spf_lookup_validated(struct spf_lookup *lookup, struct span domain, struct span *validated)
{
	const struct dns_answer *names = spf_lookup_client(lookup);

	*validated = SPAN("unknown");
	if (names == NULL)
		return false;
	spf_lookup_ask_names_ahead(lookup, names, SPAN(""));
	for (enum spf_closeness closeness = SPF_CLOSE_EQUAL; closeness <= SPF_CLOSE_ANY;
	     closeness++)
		if (spf_lookup_find_name(lookup, names, domain, closeness, validated) ||
		    lookup->is_waiting)
			break;
	return !lookup->is_waiting;
}
