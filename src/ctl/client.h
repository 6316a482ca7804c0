/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the admin socket: one request, one answer, over HTTP on a unix socket.
 *
 * It tells on stderr what went wrong, as it knows best: whether there is no daemon, or one that
 * does not let us in, or one that says no.
 */
#pragma once

#include "command.h"

#include <jansson.h>

/* One pair of a query.  A value that is NULL is left out. */
struct client_field {
	const char *name, *value; /* borrowed */
};

struct client_request {
	const char *method, *path;         /* borrowed */
	const struct client_field *fields; /* borrowed; of the query, NULL: none */
	size_t field_count;
	json_t *body;          /* borrowed; NULL: none */
	bool takes_any_status; /* an answer with status 4xx or 5xx is one for the caller, too */
};

struct client_answer {
	long status;
	char *text;    /* owned */
	size_t length; /* bytes */
	json_t *json;  /* owned; an object, or NULL when the answer is no JSON */
};

/*
 * Ask; returns an enum ctl_status.  CTL_DONE: answer is filled, clear it with
 * client_answer_clear().  CTL_REFUSED: the daemon said no; CTL_UNREACHABLE: there was no whole
 * answer; both are told on stderr, with --json the daemon's own words are on stdout as well, and
 * answer is empty.
 */
int client_ask(const struct ctl *ctl, const struct client_request *request,
	       struct client_answer *answer);

/* As client_ask(), for commands that show an object: what is none is no whole answer.  With --json
 * the answer is printed and answer->json is NULL. */
int client_ask_json(const struct ctl *ctl, const struct client_request *request,
		    struct client_answer *answer);

void client_answer_clear(struct client_answer *answer);
