/* SPDX-License-Identifier: BSD-2-Clause */
#include "outbound_addresses.h"

#include "rules/outbound.h"

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void outbound_addresses_add(struct outbound_addresses *list, const struct netaddr *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (netaddr_equals(&list->addresses[i], address))
			return;
	if (list->count == OUTBOUND_ADDRESSES_MAX)
		list->has_more = true;
	else
		list->addresses[list->count++] = *address;
}

bool outbound_addresses_has(const struct outbound_addresses *list, unsigned bits)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->addresses[i].bits == bits)
			return true;
	return false;
}

void outbound_addresses_drop(struct outbound_addresses *list, unsigned bits)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->addresses[i].bits != bits)
			list->addresses[kept++] = list->addresses[i];
	list->count = kept;
}

bool outbound_addresses_parse_line(const char *line, struct netaddr *address,
				   enum outbound_stay *stay)
{
	unsigned bytes[16], flags;

	/* Address, interface, prefix length, scope, flags, name. */
	/* NOLINTNEXTLINE(cert-err34-c): the kernel writes it, and all of it fits */
	if (sscanf(line, "%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x%2x %*x %*x %*x %x",
		   &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5], &bytes[6],
		   &bytes[7], &bytes[8], &bytes[9], &bytes[10], &bytes[11], &bytes[12], &bytes[13],
		   &bytes[14], &bytes[15], &flags) != 17)
		return false;
	address->bits = 128;
	for (size_t i = 0; i < 16; i++)
		address->bytes[i] = (uint8_t)bytes[i];
	*stay = (flags & (IFA_F_DEPRECATED | IFA_F_DADFAILED | IFA_F_TENTATIVE)) != 0
			? OUTBOUND_LEAVES
		: (flags & IFA_F_TEMPORARY) != 0 ? OUTBOUND_TEMPORARY
						 : OUTBOUND_STAYS;
	return true;
}

/* getifaddrs(3) does not tell the flags of an address; where they are not to be had, all stay. */
static enum outbound_stay outbound_addresses_stay(const struct netaddr *address)
{
	FILE *file = fopen("/proc/net/if_inet6", "re");
	char line[256];
	enum outbound_stay stay = OUTBOUND_STAYS, line_stay;
	struct netaddr other;

	if (file == NULL)
		return stay;
	while (stay == OUTBOUND_STAYS && fgets(line, sizeof(line), file) != NULL)
		if (outbound_addresses_parse_line(line, &other, &line_stay) &&
		    netaddr_equals(&other, address))
			stay = line_stay;
	fclose(file);
	return stay;
}

static bool outbound_addresses_read(const struct sockaddr *socket, struct netaddr *address)
{
	*address = (struct netaddr){0};
	if (socket != NULL && socket->sa_family == AF_INET) {
		address->bits = 32;
		memcpy(address->bytes,
		       &((const struct sockaddr_in *)(const void *)socket)->sin_addr, 4);
		return true;
	}
	if (socket != NULL && socket->sa_family == AF_INET6) {
		address->bits = 128;
		memcpy(address->bytes,
		       &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, 16);
		return true;
	}
	return false;
}

static void outbound_addresses_add_global(struct outbound_addresses *list,
					  const struct netaddr *address)
{
	enum outbound_stay stay =
		address->bits == 128 ? outbound_addresses_stay(address) : OUTBOUND_STAYS;

	if (stay == OUTBOUND_STAYS)
		outbound_addresses_add(list, address);
	else if (stay == OUTBOUND_TEMPORARY)
		list->temporary = *address;
}

bool outbound_addresses_add_own(struct outbound_addresses *list)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0)
		return false;
	for (const struct ifaddrs *each = all; each != NULL; each = each->ifa_next) {
		struct netaddr address;
		if ((each->ifa_flags & IFF_UP) == 0 ||
		    !outbound_addresses_read(each->ifa_addr, &address))
			continue;
		if (outbound_is_global(&address))
			outbound_addresses_add_global(list, &address);
		else if (address.bits == 32 && address.bytes[0] != 127)
			list->hidden = address;
	}
	freeifaddrs(all);
	return true;
}
