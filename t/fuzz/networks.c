/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of networks and hosts as in mynetworks and trusted_forwarders, and the addresses in them.
 *
 * The input is a list; behind a line "--" the file that it includes, whatever name it gives; behind
 * another the clients, "NAME ADDRESS" in each line.  Every word that is an address or a network is
 * also written and read again, and the answers of netlist and nettable are compared.
 */
#include "base/hostlist.h"

#include "base/memory.h"
#include "base/nettable.h"
#include "base/printable.h"
#include "rig/input.h"
#include "rig/memory_file.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void networks_check_address(struct span text)
{
	char written[NETADDR_TEXT_SIZE];
	struct netaddr addr, again;
	struct span port;

	if (netaddr_parse_with_port(text, &addr, &port))
		assert(addr.bits == 32 || addr.bits == 128);
	if (!netaddr_parse(text, &addr))
		return;
	netaddr_format(&addr, written);
	assert(netaddr_parse(span_of(written), &again));
	/* An address of all zeros but for the last 32 bits is written with dots by libc. */
	assert(netaddr_equals(&addr, &again));
	struct network whole = network_of(&addr, 255);
	assert(whole.prefix == addr.bits && network_contains(&whole, &addr));
}

static void networks_check_network(struct span text)
{
	char written[NETWORK_TEXT_SIZE];
	struct network network, again;

	if (network_parse(text, &network) != NULL)
		return;
	network_format(&network, written);
	assert(network_parse(span_of(written), &again) == NULL);
	assert(memcmp(&network, &again, sizeof(network)) == 0);
	assert(network_contains(&network, &network.addr));
}

static void networks_check_words(struct span text)
{
	for (struct span word = span_next_word(&text, ", \t\r\n"); word.length > 0;
	     word = span_next_word(&text, ", \t\r\n")) {
		networks_check_address(word);
		networks_check_network(word);
	}
}

/* The smallest network of the list that addr is in, by nettable and by looking at all. */
static void networks_check_table(const struct netlist *list, const struct nettable *table,
				 const struct netaddr *addr)
{
	const struct network *smallest = NULL;
	size_t row = nettable_find_row(table, addr);

	for (size_t i = 0; i < list->count; i++) {
		const struct network *network = &list->patterns[i].network;
		if (network_contains(network, addr) &&
		    (smallest == NULL || network->prefix > smallest->prefix))
			smallest = network;
	}
	assert((smallest != NULL) == (row != NETTABLE_NONE));
	if (smallest != NULL)
		assert(memcmp(smallest, &table->rows[row].network, sizeof(*smallest)) == 0);
}

static void networks_look_up(const struct hostlist *hosts, struct span clients)
{
	struct nettable table = {0};

	for (size_t i = 0; i < hosts->networks.count; i++)
		nettable_add(&table, &hosts->networks.patterns[i].network, (unsigned)i);
	nettable_sort(&table);
	while (clients.length > 0) {
		struct span line = input_line(&clients);
		struct span name = input_take(&line, ' ');
		struct netaddr addr;
		networks_check_address(line);
		if (!netaddr_parse(line, &addr))
			continue;
		if (netlist_contains(&hosts->networks, &addr))
			assert(hostlist_contains(hosts, &addr, name));
		networks_check_table(&hosts->networks, &table, &addr);
	}
	nettable_clear(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = input_of(data, size);
	struct span text = input_part(&rest), including = input_part(&rest);
	struct memory_file included;
	struct hostlist hosts;
	struct netlist networks;
	struct diag diag = {0};
	size_t length;

	memory_file_open(&included, including);
	char *led = memory_file_lead_to(text, &included, &length);
	struct span list = {led, length};
	networks_check_words(list);
	hostlist_parse(&hosts, list, "input", 1, "trusted_forwarders", &diag);
	for (size_t i = 0; i < diag.line_count; i++)
		assert(printable_is_clean(span_of(diag.lines[i].text)));
	networks_look_up(&hosts, rest);
	netlist_parse(&networks, list, "input", 1, "mynetworks", &diag);
	if (hosts.suffix_count == 0 && diag.error_count == 0)
		assert(networks.count == hosts.networks.count);
	netlist_clear(&networks);
	hostlist_clear(&hosts);
	diag_clear(&diag);
	free(led);
	memory_file_close(&included);
	return 0;
}
