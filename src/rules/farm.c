/* SPDX-License-Identifier: BSD-2-Clause */
#include "farm.h"

#include "base/host_pattern.h"
#include "base/memory.h"
#include "base/nettable.h"
#include "base/text_file.h"
#include "base/text_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* The longest host name (RFC 1035 2.3.4), and a dot in front of a suffix. */
	FARM_HOST_MAX = 255 + 1,
	/* The longest name and label that can be asked about, as text. */
	FARM_DOMAIN_MAX = 253,
	FARM_LABEL_MAX = 63,
};

struct farm_table {
	struct farm *farms;
	size_t count;
	/* Numbers of farms: by whole name ("mout.gmx.net") and by suffix (".google.com"), and ...
	 */
	struct text_map names;
	/* ... by network.  text_map finds what is there twice, for networks by their text. */
	struct nettable networks;
	struct text_map network_texts;
	/* By SPF domain; and the domains as they came. */
	struct text_map spf;
	char **spf_domains; /* owned, each */
	size_t spf_count;
};

/* Lower case, so that table and look-up agree; false when name is too long for a host name. */
static bool farm_fold_name(struct span *name, char out[static FARM_HOST_MAX])
{
	if (name->length > FARM_HOST_MAX)
		return false;
	for (size_t i = 0; i < name->length; i++)
		out[i] = ascii_lower(name->text[i]);
	name->text = out;
	return true;
}

/* A domain whose SPF record can be asked for: what stands behind spf:, folded. */
static const char *farm_check_spf_domain(struct span domain)
{
	struct span rest = domain;
	struct netaddr addr;

	if (netaddr_parse(domain, &addr))
		return "an address, which belongs behind cidr:";
	if (domain.length > FARM_DOMAIN_MAX)
		return "longer than a domain name may be";
	if (domain.length > 0 && domain.text[0] == '.')
		return "begins with a dot";
	for (struct span label = span_next_word(&rest, "."); label.length > 0;
	     label = span_next_word(&rest, "."))
		if (label.length > FARM_LABEL_MAX)
			return "a label of more than 63 characters";
	return host_pattern_check(domain);
}

/* One line while it is read. */
struct farm_line {
	const char *file;
	unsigned number;
	struct span name;
	unsigned farm; /* its number */
};

/* Keep key for this farm; an error when another one has it. */
static void farm_claim(struct farm_table *table, struct text_map *keys, struct span key,
		       const struct farm_line *line, struct diag *diag)
{
	unsigned owner = line->farm;
	if (!text_map_add(keys, key, &owner))
		diag_error(diag, line->file, line->number,
			   "farms: %.*s: %.*s is in line %u already", (int)line->name.length,
			   line->name.text, (int)key.length, key.text,
			   owner == line->farm ? line->number : table->farms[owner].line);
}

static void farm_add_host(struct farm_table *table, struct span host, const struct farm_line *line,
			  struct diag *diag)
{
	char folded[FARM_HOST_MAX];
	const char *why = "longer than a host name may be";
	struct span key = host;

	if (farm_fold_name(&key, folded))
		why = host_pattern_check(key);
	if (why != NULL) {
		diag_error(diag, line->file, line->number,
			   "farms: %.*s: \"ptr:%.*s\": %s; expected ptr:.suffix or ptr:host.name",
			   (int)line->name.length, line->name.text,
			   (int)(host.length < 80 ? host.length : 80), host.text, why);
		return;
	}
	farm_claim(table, &table->names, key, line, diag);
}

static void farm_add_network(struct farm_table *table, struct span text,
			     const struct farm_line *line, struct diag *diag)
{
	char key[NETWORK_TEXT_SIZE];
	struct network network;

	const char *why = network_parse(text, &network);
	if (why != NULL) {
		diag_error(diag, line->file, line->number,
			   "farms: %.*s: \"cidr:%.*s\": %s; expected cidr:192.0.2.0/24 or "
			   "cidr:[2001:db8::]/32",
			   (int)line->name.length, line->name.text,
			   (int)(text.length < 80 ? text.length : 80), text.text, why);
		return;
	}
	network_format(&network, key);
	farm_claim(table, &table->network_texts, span_of(key), line, diag);
	nettable_add(&table->networks, &network, line->farm);
}

static void farm_add_spf(struct farm_table *table, struct span domain, const struct farm_line *line,
			 struct diag *diag)
{
	char folded[FARM_HOST_MAX];
	const char *why = "longer than a domain name may be";
	struct span key = domain;

	if (farm_fold_name(&key, folded))
		why = farm_check_spf_domain(key);
	if (why != NULL) {
		diag_error(diag, line->file, line->number,
			   "farms: %.*s: \"spf:%.*s\": %s; expected spf:domain.name",
			   (int)line->name.length, line->name.text,
			   (int)(domain.length < 80 ? domain.length : 80), domain.text, why);
		return;
	}
	farm_claim(table, &table->spf, key, line, diag);
	table->spf_domains = mem_resize(table->spf_domains,
					(table->spf_count + 1) * sizeof(*table->spf_domains));
	table->spf_domains[table->spf_count++] = mem_copy_text(key.text, key.length);
}

bool farm_has(const struct farm_table *table, struct span name)
{
	for (size_t i = 0; i < table->count; i++)
		if (span_equals(name, span_of(table->farms[i].name)))
			return true;
	return false;
}

static const char *farm_check_name(const struct farm_table *table, struct span name)
{
	if (name.length > FARM_NAME_MAX)
		return "the name is longer than 32 characters";
	for (size_t i = 0; i < name.length; i++)
		if (!ascii_is_digit(name.text[i]) && name.text[i] != '-' &&
		    !(name.text[i] >= 'a' && name.text[i] <= 'z'))
			return "expected a name of small letters, digits and \"-\"";
	if (farm_has(table, name))
		return "a farm of this name is there already; put all its ways on one line "
		       "(lines that begin with a blank continue it)";
	return NULL;
}

/* The farms while they are read. */
struct farm_reading {
	struct farm_table *table;
	const char *path;
	struct diag *diag;
};

/* One of the ways to recognise a farm; false when word is none. */
static bool farm_add_way(struct farm_table *table, struct span word, const struct farm_line *line,
			 struct diag *diag)
{
	if (span_starts_with(word, SPAN("ptr:")))
		farm_add_host(table, span_from(word, 4), line, diag);
	else if (span_starts_with(word, SPAN("cidr:")))
		farm_add_network(table, span_from(word, 5), line, diag);
	else if (span_starts_with(word, SPAN("spf:")))
		farm_add_spf(table, span_from(word, 4), line, diag);
	else
		return false;
	return true;
}

static void farm_add_ways(struct farm_table *table, struct span rest, const struct farm_line *line,
			  struct diag *diag)
{
	size_t ways = 0;

	for (struct span word = span_next_word(&rest, " \t"); word.length > 0;
	     word = span_next_word(&rest, " \t")) {
		struct span after = span_trim(rest);
		if (span_equals(word, SPAN("pass")) && after.length == 0) {
			table->farms[line->farm].pass = true;
			break;
		}
		if (!farm_add_way(table, word, line, diag))
			diag_error(diag, line->file, line->number,
				   "farms: %.*s: \"%.*s\": expected ptr:.suffix, ptr:host.name, "
				   "cidr:network or spf:domain.name, and \"pass\" only at the end",
				   (int)line->name.length, line->name.text,
				   (int)(word.length < 80 ? word.length : 80), word.text);
		ways++;
	}
	if (ways == 0)
		diag_error(diag, line->file, line->number,
			   "farms: %.*s: no way to recognise it; expected ptr:.suffix, "
			   "cidr:network or spf:domain.name",
			   (int)line->name.length, line->name.text);
}

static void farm_add(struct span text, unsigned number, void *arg)
{
	const struct farm_reading *reading = arg;
	struct farm_table *table = reading->table;
	struct span rest = text;
	struct span name = span_next_word(&rest, " \t");
	const char *why = farm_check_name(table, name);
	if (why != NULL) {
		diag_error(reading->diag, reading->path, number, "farms: \"%.*s\": %s",
			   (int)(name.length < 80 ? name.length : 80), name.text, why);
		return;
	}

	struct farm_line line = {reading->path, number, name, (unsigned)table->count};
	struct farm farm = {.line = number};
	memcpy(farm.name, name.text, name.length);
	table->farms = mem_resize(table->farms, (table->count + 1) * sizeof(*table->farms));
	table->farms[table->count++] = farm;
	farm_add_ways(table, rest, &line, reading->diag);
}

struct farm_table *farm_read(const char *path, bool may_be_missing, struct diag *diag)
{
	struct farm_table *table = mem_alloc(sizeof(*table));
	struct farm_reading reading = {table, path, diag};
	size_t errors_before = diag->error_count;

	if (path[0] != '\0')
		text_file_each_line(path, may_be_missing, farm_add, &reading, diag);
	nettable_sort(&table->networks);
	if (diag->error_count != errors_before)
		farm_free(&table);
	return table;
}

static void farm_match_set_pattern(struct farm_match *match, struct span pattern)
{
	/* Farms have no longer one. */
	assert(pattern.length < sizeof(match->pattern));
	memcpy(match->pattern, pattern.text, pattern.length);
	match->pattern[pattern.length] = '\0';
}

static bool farm_find_by_name(const struct farm_table *table, struct span name, unsigned *farm,
			      struct farm_match *match)
{
	char folded[FARM_HOST_MAX];

	if (name.length > 0 && name.text[name.length - 1] == '.')
		name.length--;
	if (!farm_fold_name(&name, folded))
		return false;
	/* The whole name; then ".suffix" from each dot on, the longest first.  The dot is what
	 * makes evilgoogle.com another farm than .google.com. */
	while (name.length > 0) {
		if (text_map_find(&table->names, name, farm)) {
			match->way = FARM_BY_NAME;
			farm_match_set_pattern(match, name);
			return true;
		}
		struct span behind_first = span_from(name, 1);
		name = span_from(name, 1 + span_find(behind_first, '.'));
	}
	return false;
}

static bool farm_find_by_spf(const struct farm_table *table, const struct farm_networks *resolved,
			     const struct netaddr *addr, unsigned *farm, struct farm_match *match)
{
	struct farm_networks_hit hit;
	bool is_found = false;
	unsigned prefix = 0, found;

	for (bool is_in = farm_networks_find(resolved, addr, &hit); is_in;
	     is_in = farm_networks_find_next(resolved, &hit)) {
		/* Farms are numbered as they stand in the file. */
		if (is_found && hit.network.prefix != prefix)
			break;
		if (!text_map_find(&table->spf, hit.domain, &found))
			continue;
		if (!is_found || found < *farm) {
			*farm = found;
			match->way = FARM_BY_SPF;
			match->network = hit.network;
			farm_match_set_pattern(match, hit.domain);
		}
		is_found = true;
		prefix = hit.network.prefix;
	}
	return is_found;
}

static bool farm_find_by_network(const struct farm_table *table, const struct netaddr *addr,
				 unsigned *farm, struct farm_match *match)
{
	size_t row = nettable_find_row(&table->networks, addr);

	if (row == NETTABLE_NONE)
		return false;
	*farm = table->networks.rows[row].value;
	match->way = FARM_BY_NETWORK;
	match->network = table->networks.rows[row].network;
	return true;
}

const struct farm *farm_find_match(const struct farm_table *table,
				   const struct farm_networks *resolved, struct span name,
				   const struct netaddr *addr, struct farm_match *match)
{
	unsigned farm;

	match->pattern[0] = '\0';
	if (farm_find_by_name(table, name, &farm, match) ||
	    farm_find_by_network(table, addr, &farm, match) ||
	    (resolved != NULL && farm_find_by_spf(table, resolved, addr, &farm, match)))
		return &table->farms[farm];
	return NULL;
}

const struct farm *farm_find(const struct farm_table *table, const struct farm_networks *resolved,
			     struct span name, const struct netaddr *addr)
{
	struct farm_match match;

	return farm_find_match(table, resolved, name, addr, &match);
}

size_t farm_spf_count(const struct farm_table *table)
{
	return table->spf_count;
}

const struct farm *farm_of_spf_domain(const struct farm_table *table, const char *domain)
{
	unsigned found;

	return text_map_find(&table->spf, span_of(domain), &found) ? &table->farms[found] : NULL;
}

const char *farm_spf_domain(const struct farm_table *table, size_t i)
{
	return table->spf_domains[i];
}

size_t farm_count(const struct farm_table *table)
{
	return table->count;
}

void farm_free(struct farm_table **table)
{
	if (*table == NULL)
		return;
	free((*table)->farms);
	text_map_clear(&(*table)->names);
	text_map_clear(&(*table)->network_texts);
	text_map_clear(&(*table)->spf);
	for (size_t i = 0; i < (*table)->spf_count; i++)
		free((*table)->spf_domains[i]);
	free((*table)->spf_domains);
	nettable_clear(&(*table)->networks);
	free(*table);
	*table = NULL;
}
