/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked over the admin socket: method and path, who may, which parameters there are,
 * and who answers.
 */
#pragma once

#include "admin.h"
#include "admin_peer.h"

/* Answers the request, now or later. */
typedef void admin_handler_fn(struct admin *admin, struct admin_request *request);

enum { ADMIN_ROUTE_PARAMETERS_MAX = 8 };

struct admin_route {
	const char *method, *path;
	enum admin_right right; /* that it takes */
	admin_handler_fn *handler;
	const char *parameters[ADMIN_ROUTE_PARAMETERS_MAX + 1]; /* NULL at the end */
};

extern const struct admin_route admin_routes[];
extern const size_t admin_route_count;

/*
 * The route for method and path.  NULL: there is none; then *allowed (NULL: no such path) lists the
 * methods that the path has, "GET, DELETE", for the caller to free.
 */
const struct admin_route *admin_route_find(const char *method, const char *path, char **allowed);
