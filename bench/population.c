/* SPDX-License-Identifier: BSD-2-Clause */
#include "population.h"

#include <stdio.h>
#include <string.h>

enum {
	TRIPLETS_A_CLIENT = 5,
	RECIPIENTS = 1000,
	SENDER_DOMAINS = 1000,
	LETTERS_SIZE = 8 + 1, /* for 32 bits */
};

static const char *const mix_words[POPULATION_MIX_COUNT] = {
	[POPULATION_NEW] = "new",
	[POPULATION_KNOWN] = "known",
	[POPULATION_FARM] = "farm",
	[POPULATION_GATE] = "gate",
	[POPULATION_GATE_NEW] = "gate-new",
	[POPULATION_FLOOD_PREFIX] = "flood-prefix",
	[POPULATION_FLOOD_IPV4] = "flood-ipv4",
	[POPULATION_FLOOD_HOST] = "flood-host",
};

const char *population_mix_word(enum population_mix mix)
{
	return mix < POPULATION_MIX_COUNT ? mix_words[mix] : NULL;
}

bool population_find_mix(const char *word, enum population_mix *mix)
{
	for (*mix = 0; *mix < POPULATION_MIX_COUNT; (*mix)++)
		if (strcmp(word, mix_words[*mix]) == 0)
			return true;
	return false;
}

bool population_is_new(enum population_mix mix)
{
	switch (mix) {
	case POPULATION_NEW:
	case POPULATION_GATE_NEW:
	case POPULATION_FLOOD_PREFIX:
	case POPULATION_FLOOD_IPV4:
	case POPULATION_FLOOD_HOST:
		return true;
	case POPULATION_KNOWN:
	case POPULATION_FARM:
	case POPULATION_GATE:
	case POPULATION_MIX_COUNT:
		break;
	}
	return false;
}

static void population_spell(uint32_t number, char letters[static LETTERS_SIZE])
{
	do {
		*letters++ = "ghijklmnopqrstuv"[number & 15];
		number >>= 4;
	} while (number > 0);
	*letters = '\0';
}

/* Neighbours in number are no neighbours in address: the cap on new triplets counts per /32. */
static void population_spread_address(uint32_t client, char address[static 46])
{
	uint32_t half = client / 2;

	if (client % 2 == 0)
		snprintf(address, 46, "%x:%x:0:%x::25", 0x2400 | (half & 0xff),
			 (half >> 8) & 0xffff, 1 + (half >> 24));
	else
		snprintf(address, 46, "%u.%u.%u.25", 20 + ((half >> 16) % 180), (half >> 8) & 0xff,
			 half & 0xff);
}

static void population_triplet(uint32_t number, struct population_mail *mail)
{
	char letters[LETTERS_SIZE], client_letters[LETTERS_SIZE];
	uint32_t client = number / TRIPLETS_A_CLIENT;

	population_spell(number, letters);
	population_spell(client, client_letters);
	population_spread_address(client, mail->client_address);
	snprintf(mail->client_name, sizeof(mail->client_name), "mail.%s.bench.example",
		 client_letters);
	snprintf(mail->helo_name, sizeof(mail->helo_name), "%s", mail->client_name);
	population_spell(client % SENDER_DOMAINS, client_letters);
	snprintf(mail->sender, sizeof(mail->sender), "%s@%s.bench.example", letters,
		 client_letters);
	population_spell(number % RECIPIENTS, letters);
	snprintf(mail->recipient, sizeof(mail->recipient), "%s@here.example", letters);
}

/* An attacker has a name for each of his addresses, and an SPF record, so that the gate has nothing
 * against him. */
static void population_flood(const char *letters, struct population_mail *mail)
{
	snprintf(mail->client_name, sizeof(mail->client_name), "mail.flood.bench.example");
	snprintf(mail->helo_name, sizeof(mail->helo_name), "%s", mail->client_name);
	snprintf(mail->sender, sizeof(mail->sender), "%s@flood.bench.example", letters);
}

void population_mail(enum population_mix mix, uint32_t number, uint32_t salt,
		     struct population_mail *mail)
{
	char letters[LETTERS_SIZE];

	population_triplet(number, mail);
	population_spell(number, letters);
	switch (mix) {
	case POPULATION_NEW:
	case POPULATION_KNOWN:
	case POPULATION_MIX_COUNT:
		return;
	case POPULATION_FARM:
		population_spread_address(salt, mail->client_address);
		snprintf(mail->client_name, sizeof(mail->client_name), "mail-%u.farm.bench.example",
			 salt);
		snprintf(mail->helo_name, sizeof(mail->helo_name), "%s", mail->client_name);
		return;
	case POPULATION_GATE:
		snprintf(mail->client_address, sizeof(mail->client_address), "2001:db8:%x::25",
			 number & 0xffff);
		snprintf(mail->client_name, sizeof(mail->client_name), "unknown");
		snprintf(mail->helo_name, sizeof(mail->helo_name), "mail.%s.warm.bench.example",
			 letters);
		snprintf(mail->sender, sizeof(mail->sender), "news@%s.warm.bench.example", letters);
		return;
	case POPULATION_GATE_NEW:
		snprintf(mail->client_address, sizeof(mail->client_address), "2001:db8:%x::25",
			 number & 0xffff);
		snprintf(mail->client_name, sizeof(mail->client_name), "mail.new.bench.example");
		snprintf(mail->helo_name, sizeof(mail->helo_name), "mail.new.bench.example");
		snprintf(mail->sender, sizeof(mail->sender), "news@%s.new.bench.example", letters);
		return;
	case POPULATION_FLOOD_PREFIX:
		population_flood(letters, mail);
		snprintf(mail->client_address, sizeof(mail->client_address), "2001:db8:%x:%x::25",
			 salt >> 16, salt & 0xffff);
		return;
	case POPULATION_FLOOD_IPV4:
		population_flood(letters, mail);
		snprintf(mail->client_address, sizeof(mail->client_address), "%u.%u.%u.%u",
			 128 + (salt >> 24) % 95, (salt >> 16) & 0xff, (salt >> 8) & 0xff,
			 salt & 0xff);
		return;
	case POPULATION_FLOOD_HOST:
		population_flood(letters, mail);
		snprintf(mail->client_address, sizeof(mail->client_address), "2001:db8:0:1::25");
		return;
	}
}
