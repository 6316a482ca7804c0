/* SPDX-License-Identifier: BSD-2-Clause */
#include "farm_networks.h"

#include "base/memory.h"
#include "base/nettable.h"

#include <stdlib.h>

struct farm_networks {
	char **domains; /* owned, each; the value of a row is a number in here */
	size_t count;
	struct nettable table;
};

struct farm_networks *farm_networks_new(void)
{
	return mem_alloc(sizeof(struct farm_networks));
}

void farm_networks_add(struct farm_networks *networks, struct span domain,
		       const struct network *list, size_t count)
{
	networks->domains =
		mem_resize(networks->domains, (networks->count + 1) * sizeof(*networks->domains));
	networks->domains[networks->count] = mem_copy_text(domain.text, domain.length);
	for (size_t i = 0; i < count; i++)
		nettable_add(&networks->table, &list[i], (unsigned)networks->count);
	networks->count++;
}

void farm_networks_sort(struct farm_networks *networks)
{
	nettable_sort(&networks->table);
}

static bool farm_networks_hit_row(const struct farm_networks *networks, size_t row,
				  struct farm_networks_hit *hit)
{
	if (row == NETTABLE_NONE)
		return false;
	const struct nettable_row *found = &networks->table.rows[row];
	*hit = (struct farm_networks_hit){span_of(networks->domains[found->value]), found->network,
					  row};
	return true;
}

bool farm_networks_find(const struct farm_networks *networks, const struct netaddr *addr,
			struct farm_networks_hit *hit)
{
	return farm_networks_hit_row(networks, nettable_find_row(&networks->table, addr), hit);
}

bool farm_networks_find_next(const struct farm_networks *networks, struct farm_networks_hit *hit)
{
	return farm_networks_hit_row(networks, networks->table.rows[hit->row].enclosing, hit);
}

void farm_networks_free(struct farm_networks **networks)
{
	if (*networks == NULL)
		return;
	for (size_t i = 0; i < (*networks)->count; i++)
		free((*networks)->domains[i]);
	free((*networks)->domains);
	nettable_clear(&(*networks)->table);
	free(*networks);
	*networks = NULL;
}
