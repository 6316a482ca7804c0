/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Greylist entries and known clients over the admin socket: to list, to forget, to allow.
 */
#pragma once

#include "admin.h"

/* GET /entries: a page of entries, newest first. */
void admin_entries_list(struct admin *admin, struct admin_request *request);

/* DELETE /entries: those that the parameters mean. */
void admin_entries_forget(struct admin *admin, struct admin_request *request);

/* GET /clients: a page of clients. */
void admin_clients_list(struct admin *admin, struct admin_request *request);

/* POST /clients: make one known. */
void admin_clients_allow(struct admin *admin, struct admin_request *request);

/* DELETE /clients: make clients unknown. */
void admin_clients_forget(struct admin *admin, struct admin_request *request);
