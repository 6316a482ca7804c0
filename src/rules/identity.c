/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity.h"

#include "sender.h"

#include <stdio.h>

enum { DOMAIN_MAX = 255 };

struct network identity_network(const struct netaddr *addr, unsigned prefix_v4, unsigned prefix_v6)
{
	struct netaddr owner;
	if (netaddr_6to4_owner(addr, &owner))
		addr = &owner;
	return network_of(addr, addr->bits == 32 ? prefix_v4 : prefix_v6);
}

static void identities_add_farm(struct identities *who, const struct farm *farm, struct span sender)
{
	struct identity *identity = &who->list[who->count++];
	struct span domain = address_domain(sender);
	char folded[DOMAIN_MAX + 1];
	size_t length = domain.length < DOMAIN_MAX ? domain.length : DOMAIN_MAX;

	for (size_t i = 0; i < length; i++)
		folded[i] = ascii_lower(domain.text[i]);
	folded[length] = '\0';
	snprintf(identity->key, sizeof(identity->key), "farm:%s", farm->name);
	snprintf(identity->client, sizeof(identity->client), "farm:%s/%s", farm->name,
		 length > 0 ? folded : "<>");
}

void identities_collect(struct identities *who, const struct network *network,
			const struct farm *farm, struct span sender)
{
	struct identity *identity = &who->list[0];

	who->count = 1;
	network_format(network, identity->key);
	if (farm == NULL) {
		memcpy(identity->client, identity->key, NETWORK_TEXT_SIZE);
	} else {
		identity->client[0] = '\0';
		identities_add_farm(who, farm, sender);
	}
}

void identities_add_domain(struct identities *who, const char *domain)
{
	struct identity *identity = &who->list[who->count++];

	snprintf(identity->key, sizeof(identity->key), "domain:%s", domain);
	memcpy(identity->client, identity->key, sizeof(identity->client));
}

const struct identity *identities_strongest(const struct identities *who)
{
	/* Behind the network stands what is proved, and a farm, which the admin knows, first. */
	return &who->list[who->count > 1 ? 1 : 0];
}
