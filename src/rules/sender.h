/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The envelope sender as greylisting sees it.
 *
 * Many senders put something into the local part that is new in each message or even in each try: a
 * BATV or SRS signature, a VERP copy of the recipient, a serial number.  Greylisting keyed on that
 * would defer them for ever.  What is left here is what stays the same.
 */
#pragma once

#include "base/span.h"

#include <stddef.h>

enum {
	/* Longest normalised address with its NUL.  RFC 5321 4.5.3.1 allows 256; what is longer is
	 * cut and closed with a hash of the whole, so that hostile addresses do not fill the store.
	 */
	SENDER_KEY_SIZE = 256 + 1,
};

/*
 * Write the normalised form of sender, as Postfix hands it on (without <>), to key, and return its
 * length.  In this order: lower case; BATV tags (prvs=, also btv1== and msprvs1=) go; of SRS0 and
 * SRS1 addresses hash and time stamp go, and what follows is done to the address inside; VERP
 * copies of recipient, and of any other address, go;
 * "+ext" goes; runs of digits, and hexadecimal runs of four or more with a digit in them, become
 * "#".  The null sender becomes "<>".
 */
size_t sender_normalize(struct span sender, struct span recipient,
			char key[static SENDER_KEY_SIZE]);

/* The recipient as a key: lower case, and bounded in the same way. */
size_t recipient_normalize(struct span recipient, char key[static SENDER_KEY_SIZE]);

/* What is behind the last "@"; empty when there is none. */
struct span address_domain(struct span address);

/* What is before the last "@"; all of it when there is none. */
struct span address_local_part(struct span address);
