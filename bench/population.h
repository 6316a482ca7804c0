/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mail that the measurements send: numbered, so that what fills a database and what asks about
 * it later speak of the same triplets without telling each other.
 *
 * Addresses, names and senders are spread as a mail server sees them: five triplets a client, half
 * of the clients over IPv6, each in a /64 (/24) and a /32 of its own, and a thousand sender's
 * domains.  Numbers are spelt in letters that are no hexadecimal digits, as greylisting folds runs
 * of digits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum population_mix {
	POPULATION_NEW,   /* triplets that nobody has seen before */
	POPULATION_KNOWN, /* such as have passed: fill-store writes them */
	POPULATION_FARM,  /* the same, each time from another address of one provider */
	POPULATION_GATE,  /* over IPv6, FCrDNS and SPF to be looked up, domains of a population */
	POPULATION_GATE_NEW, /* over IPv6, FCrDNS confirmed by smtpd, a sender's domain never seen
			      */
	POPULATION_FLOOD_PREFIX, /* an attacker's triplets, all new, from random /64s of a /32 */
	POPULATION_FLOOD_IPV4,   /* the same from random IPv4 addresses */
	POPULATION_FLOOD_HOST,   /* the same from one host */
	POPULATION_MIX_COUNT,
};

/* One mail: the attributes that differ from mail to mail. */
struct population_mail {
	char client_address[46]; /* as smtpd writes it */
	char client_name[64];    /* forward-confirmed, or "unknown" */
	char helo_name[64];
	char sender[96];
	char recipient[64];
};

/* The name of a mix on a command line; NULL: there are no more. */
const char *population_mix_word(enum population_mix mix);

/* The mix that word names; false: none. */
bool population_find_mix(const char *word, enum population_mix *mix);

/* Whether no mail of the mix may come twice, so that its numbers only go up. */
bool population_is_new(enum population_mix mix);

/*
 * Mail number `number` of a mix.  salt, a random number, makes the addresses of a farm, and of a
 * flood, differ between two mails of one number; the other mixes do not look at it.
 */
void population_mail(enum population_mix mix, uint32_t number, uint32_t salt,
		     struct population_mail *mail);
