/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose mail passed lately: who did is there, who never did is not, and old ones make room. */
#include "store/sqlite_regulars.h"

#include "base/hash.h"
#include "tap.h"

#include <stdio.h>

enum {
	FEW = 1000,
	MANY = 2000000,  /* more than there is room for */
	LATELY = 100000, /* of them */
	STRANGERS = 10000
};

static struct store_question question_of(int who, const char *recipient)
{
	struct store_question question = {.who.count = 1};

	snprintf(question.who.list[0].key, sizeof(question.who.list[0].key), "net:192.0.2.0/24");
	snprintf(question.sender, sizeof(question.sender), "sender%d@example.org", who);
	snprintf(question.recipient, sizeof(question.recipient), "%s", recipient);
	return question;
}

static void add(struct sqlite_regulars *regulars, int from, int to)
{
	for (int who = from; who < to; who++) {
		struct store_question question = question_of(who, "user@example.net");
		sqlite_regulars_add(regulars, &question);
	}
}

/* How many of these are there. */
static int count(const struct sqlite_regulars *regulars, int from, int to, const char *recipient)
{
	int found = 0;

	for (int who = from; who < to; who++) {
		struct store_question question = question_of(who, recipient);
		found += sqlite_regulars_has(regulars, &question);
	}
	return found;
}

int main(void)
{
	struct sqlite_regulars *regulars;

	hash_init();
	regulars = sqlite_regulars_new();
	tap_ok(count(regulars, 0, FEW, "user@example.net") == 0, "at first nobody is there");
	add(regulars, 0, FEW);
	tap_ok(count(regulars, 0, FEW, "user@example.net") == FEW, "who was added is there");
	tap_ok(count(regulars, 0, FEW, "other@example.net") <= 1,
	       "the same sender to another recipient is not");

	add(regulars, 0, MANY);
	tap_ok(count(regulars, MANY - LATELY, MANY, "user@example.net") >= LATELY * 99 / 100,
	       "who came last is there when many more came than there is room for");
	tap_ok(count(regulars, 0, LATELY, "user@example.net") < LATELY / 10,
	       "who came first made room");
	/* Eight tags of 15 bits in each set. */
	tap_ok(count(regulars, MANY, MANY + STRANGERS, "user@example.net") < STRANGERS / 500,
	       "and who never came is hardly ever taken for one who did");
	sqlite_regulars_free(&regulars);
	return tap_done();
}
