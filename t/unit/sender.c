/* SPDX-License-Identifier: BSD-2-Clause */
#include "rules/sender.h"

#include "base/hash.h"
#include "tap.h"

static void test_normalize(void)
{
	static const struct {
		const char *sender, *expected;
	} cases[] = {
		{"", "<>"},
		{"User@Example.ORG", "user@example.org"},
		{"user+tag@example.org", "user@example.org"},
		{"+tag@example.org", "+tag@example.org"},
		{"prvs=1234abcdef=user@example.org", "user@example.org"},
		{"PRVS=0123ABCDEF=user+x@example.org", "user@example.org"},
		{"btv1==123456789ab==user@example.org", "user@example.org"},
		{"msprvs1=17abcDEF_x=bounces-12@example.org", "bounces-#@example.org"},
		{"prvs=@example.org", "prvs=@example.org"},
		{"SRS0=HHHH=TT=orig.example=user@fwd.example",
		 "srs0=orig.example=user@fwd.example"},
		{"SRS0+Yx3d=2N=orig.example=user@fwd.example",
		 "srs0=orig.example=user@fwd.example"},
		{"srs0-a=b=orig.example=us=er@fwd.example", "srs0=orig.example=us=er@fwd.example"},
		{"SRS1=GGG=fwd1.example==HHH=TT=orig.example=user@fwd2.example",
		 "srs1=fwd1.example=orig.example=user@fwd2.example"},
		{"SRS1=GGG=fwd1.example=+HHH=TT=orig.example=user@fwd2.example",
		 "srs1=fwd1.example=orig.example=user@fwd2.example"},
		{"SRS0=abc=XY=list.example=bounce-1234-bob=there.example@fwd.example",
		 "srs0=list.example=bounce-#@fwd.example"},
		{"SRS0=abc=XY=orig.example=user+tag@fwd.example",
		 "srs0=orig.example=user@fwd.example"},
		{"srs0=broken@fwd.example", "srs#=broken@fwd.example"},
		{"list-return-17-me=here.example@lists.example", "list-return-#@lists.example"},
		{"list-return-99-first-last=here.example@lists.example",
		 "list-return-#-first@lists.example"},
		{"bounces+me=here.example@lists.example", "bounces@lists.example"},
		{"bounces-me-too=here.example@lists.example", "bounces@lists.example"},
		{"news-2026-11-21@example.org", "news-#-#-#@example.org"},
		{"m0a1b2c3d4@example.org", "m#a#b#c#d#@example.org"},
		{"bounce-0a1b2c3d4e5f@example.org", "bounce-#@example.org"},
		{"0100018f2a3b4c5d-9a8b7c6d-1234-4abc-9def-0123456789ab-000000@ses.example",
		 "#-#-#-#-#-#-#@ses.example"},
		{"cafe@example.org", "cafe@example.org"},
		{"user@sub1.example.org", "user@sub1.example.org"},
		{"no-at-sign-7", "no-at-sign-#"},
		{"a@b@example.org", "a@b@example.org"},
		{"m\303\274ller@example.org", "m\303\274ller@example.org"},
		{"=@=", "=@="},
		{"@", "@"},
		{"+@x", "+@x"},
		{"-=.@x", "-=.@x"},
	};
	char key[SENDER_KEY_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = sender_normalize(span_of(cases[i].sender),
						 SPAN("me-too@here.example"), key);
		tap_is(key, cases[i].expected, "\"%s\"", cases[i].sender);
		tap_ok(length == strlen(key), "and its length");
	}
}

static void test_bounds(void)
{
	char address[5000], key[SENDER_KEY_SIZE], other[SENDER_KEY_SIZE];

	memset(address, 'x', sizeof(address));
	memcpy(address + 1900, "@example.org", 12);
	sender_normalize((struct span){address, 1912}, SPAN("a@b"), key);
	tap_is_number((long long)strlen(key), SENDER_KEY_SIZE - 1, "a hostile length is cut");
	address[1000] = 'y';
	sender_normalize((struct span){address, 1912}, SPAN("a@b"), other);
	tap_ok(strcmp(key, other) != 0, "two that differ behind the cut are still two");
	tap_is_number((long long)sender_normalize((struct span){address, sizeof(address)},
						  SPAN("a@b"), key),
		      SENDER_KEY_SIZE - 1, "longer than smtpd takes does no harm");
	recipient_normalize(SPAN("User+ext@Here.Example"), key);
	tap_is(key, "user+ext@here.example", "recipients keep their extension");
}

int main(void)
{
	hash_init();
	test_normalize();
	test_bounds();
	return tap_done();
}
