/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sender_access and recipient_access: an access(5) table read from its source text, without
 * postmap.
 *
 * Results are OK (or all digits), DUNNO, REJECT [text], DEFER [text], DEFER_IF_PERMIT [text], 4NN
 * text and 5NN text.  Other actions of access(5) do not belong in an answer to a policy request
 * (they are about the whole message, or name Postfix's own restrictions) and are errors in the
 * file.
 */
#pragma once

#include "base/diag.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum access_action {
	ACCESS_OK,
	ACCESS_DUNNO,
	ACCESS_REJECT, /* REJECT, 5NN */
	ACCESS_DEFER,  /* DEFER, DEFER_IF_PERMIT, 4NN */
};

struct access_entry {
	enum access_action action;
	char *answer;  /* owned by the table; the action and text as Postfix takes them */
	char *pattern; /* owned by the table; what stands before the action, in lower case */
	unsigned line; /* in the file */
};

struct access_table; /* never changes once it is read */

/*
 * Read the table in path.  A file that is missing is an empty table if may_be_missing, else an
 * error. All that is wrong is added to diag; NULL if that was an error.  Free with access_free().
 */
struct access_table *access_read(const char *path, bool may_be_missing, struct diag *diag);

/*
 * The entry for an address as Postfix hands it on (without <>, empty for the null sender), or NULL.
 * Order of access(5) with the default parent_domain_matches_subdomains: user+ext@domain,
 * user@domain, domain, then for each parent .parent and parent, user+ext@, user@; "<>" for the null
 * sender. delimiters is Postfix's recipient_delimiter: a set of characters.  The table owns the
 * entry.
 */
const struct access_entry *access_find(const struct access_table *table, struct span address,
				       struct span delimiters);

/* The file that the table was read from; the table owns it. */
const char *access_path(const struct access_table *table);

/* Number of entries. */
size_t access_count(const struct access_table *table);

void access_free(struct access_table **table);
