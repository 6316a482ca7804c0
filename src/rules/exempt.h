/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail that is never checked: from the admin's own networks and users, and to recipients whom
 * everybody must be able to reach.
 */
#pragma once

#include "base/netlist.h"
#include "request.h"
#include "verdict.h"

#include <stdbool.h>

/* Whether a request is exempt; if so, *verdict is why.  client is the one of client_address. */
bool exempt_judge(const struct netlist *mynetworks, const struct netaddr *client,
		  const struct request *request, struct verdict *verdict);
