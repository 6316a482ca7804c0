/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_routes.h"

#include "admin_entries.h"
#include "admin_explain.h"
#include "admin_settings.h"
#include "admin_state.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct admin_route admin_routes[] = {
	{"GET", "/stats", ADMIN_READ, admin_state_stats, {NULL}},
	{"GET", "/metrics", ADMIN_READ, admin_state_metrics, {NULL}},
	{"GET", "/health", ADMIN_READ, admin_state_health, {NULL}},
	{"GET", "/config", ADMIN_READ, admin_settings_get, {NULL}},
	{"GET", "/entries", ADMIN_READ, admin_entries_list,
	 {"client", "sender", "recipient", "state", "limit", "cursor", NULL}},
	{"DELETE", "/entries", ADMIN_ALL, admin_entries_forget,
	 {"client", "sender", "recipient", "state", "all", NULL}},
	{"GET", "/clients", ADMIN_READ, admin_clients_list, {"client", "state", "limit", "cursor", NULL}},
	{"POST", "/clients", ADMIN_ALL, admin_clients_allow, {NULL}},
	{"DELETE", "/clients", ADMIN_ALL, admin_clients_forget, {"client", "all", NULL}},
	{"POST", "/explain", ADMIN_READ, admin_explain, {NULL}},
	{"POST", "/reload", ADMIN_ALL, admin_settings_reload, {NULL}},
};
/* clang-format on */

const size_t admin_route_count = sizeof(admin_routes) / sizeof(admin_routes[0]);

const struct admin_route *admin_route_find(const char *method, const char *path, char **allowed)
{
	*allowed = NULL;
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct admin_route *route = &admin_routes[i];
		if (strcmp(route->path, path) != 0)
			continue;
		if (strcmp(route->method, method) == 0) {
			free(*allowed);
			*allowed = NULL;
			return route;
		}
		size_t length = *allowed != NULL ? strlen(*allowed) : 0;
		size_t size = length + sizeof(", ") + strlen(route->method);
		*allowed = mem_resize(*allowed, size);
		snprintf(*allowed + length, size - length, "%s%s", length > 0 ? ", " : "",
			 route->method);
	}
	return NULL;
}
