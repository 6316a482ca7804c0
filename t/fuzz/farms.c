/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of farms, and clients that are looked for in it.
 *
 * The input is the table; behind a line "--" networks for its SPF domains, a domain's in each line
 * (in the order of the table); behind another the clients, "NAME ADDRESS" in each line.  What is
 * found has to be what the match says: a name or suffix of the name, a network around the address;
 * and the smallest one there is.
 */
#include "rules/farm.h"

#include "base/printable.h"
#include "rig/input.h"
#include "rig/memory_file.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NETWORKS_MAX = 64, DOMAINS_MAX = 16 };

/* What the SPF domains stand for. */
struct resolved {
	struct network list[DOMAINS_MAX][NETWORKS_MAX];
	size_t counts[DOMAINS_MAX];
	size_t count;
};

static size_t farms_parse_networks(struct span line, struct network list[static NETWORKS_MAX])
{
	size_t count = 0;

	for (struct span word = span_next_word(&line, " "); word.length > 0 && count < NETWORKS_MAX;
	     word = span_next_word(&line, " "))
		if (network_parse(word, &list[count]) == NULL)
			count++;
	return count;
}

static struct farm_networks *farms_resolve(const struct farm_table *table, struct span text,
					   struct resolved *resolved)
{
	struct farm_networks *networks = farm_networks_new();

	resolved->count = farm_spf_count(table) < DOMAINS_MAX ? farm_spf_count(table) : DOMAINS_MAX;
	for (size_t i = 0; i < resolved->count; i++) {
		const char *domain = farm_spf_domain(table, i);
		assert(farm_of_spf_domain(table, domain) != NULL);
		resolved->counts[i] = farms_parse_networks(input_line(&text), resolved->list[i]);
		farm_networks_add(networks, span_of(domain), resolved->list[i],
				  resolved->counts[i]);
	}
	farm_networks_sort(networks);
	return networks;
}

/* Of all networks that the domains stand for: the longest prefix that addr is in, or -1. */
static int farms_longest_prefix(const struct resolved *resolved, const struct netaddr *addr)
{
	int longest = -1;

	for (size_t i = 0; i < resolved->count; i++)
		for (size_t j = 0; j < resolved->counts[i]; j++)
			if (network_contains(&resolved->list[i][j], addr) &&
			    resolved->list[i][j].prefix > longest)
				longest = resolved->list[i][j].prefix;
	return longest;
}

static void farms_check_name(struct span name, struct span pattern)
{
	if (name.length > 0 && name.text[name.length - 1] == '.')
		name.length--;
	assert(name.length >= pattern.length);
	assert(span_equals_nocase(span_from(name, name.length - pattern.length), pattern));
	assert(name.length == pattern.length || pattern.text[0] == '.');
}

static void farms_look_for(const struct farm_table *table, const struct farm_networks *networks,
			   const struct resolved *resolved, struct span name,
			   const struct netaddr *addr)
{
	struct farm_match match;
	const struct farm *farm = farm_find_match(table, networks, name, addr, &match);
	int longest = farms_longest_prefix(resolved, addr);

	assert(farm == farm_find(table, networks, name, addr));
	if (farm == NULL) {
		assert(longest < 0);
		return;
	}
	assert(farm_has(table, span_of(farm->name)) && farm->line > 0);
	switch (match.way) {
	case FARM_BY_NAME:
		farms_check_name(name, span_of(match.pattern));
		break;
	case FARM_BY_NETWORK:
		assert(network_contains(&match.network, addr));
		break;
	case FARM_BY_SPF:
		assert(network_contains(&match.network, addr) && match.network.prefix == longest);
		assert(farm_of_spf_domain(table, match.pattern) == farm);
		break;
	}
}

static void farms_look_for_all(const struct farm_table *table, struct span resolving,
			       struct span clients)
{
	static struct resolved resolved;
	struct farm_networks *networks = farms_resolve(table, resolving, &resolved);
	bool knows_all = farm_spf_count(table) <= DOMAINS_MAX;

	while (clients.length > 0) {
		struct span line = input_line(&clients);
		struct span name = input_take(&line, ' ');
		struct netaddr addr;
		if (netaddr_parse(line, &addr) && knows_all)
			farms_look_for(table, networks, &resolved, name, &addr);
	}
	farm_networks_free(&networks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span text = input_part(&rest), resolving = input_part(&rest);
	struct memory_file file;
	struct diag diag = {0};

	memory_file_open(&file, text);
	struct farm_table *table = farm_read(file.path, false, &diag);
	assert((table == NULL) == (diag.error_count > 0));
	for (size_t i = 0; i < diag.line_count; i++)
		assert(printable_is_clean(span_of(diag.lines[i].text)));
	if (table != NULL)
		farms_look_for_all(table, resolving, rest);
	farm_free(&table);
	diag_clear(&diag);
	memory_file_close(&file);
	return 0;
}
