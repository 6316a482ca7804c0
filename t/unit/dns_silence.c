/* SPDX-License-Identifier: BSD-2-Clause */
#include "lookup/dns_silence.h"

#include "base/hash.h"
#include "tap.h"

/* Questions that fail one second after the other, beginning at 1 s; names repeat.  How many until
 * DNS is silent; 0: it never was. */
static int fail(struct dns_silence *silence, const char *const *names, int count, int times)
{
	for (int i = 0; i < times; i++)
		if (dns_silence_note_failure(silence, names[i % count], 1000 * (i + 1)))
			return i + 1;
	return 0;
}

static void test_domains(void)
{
	static const char *const one[] = {"a.example", "mx.a.example", "x.y.a.example"};
	static const char *const two[] = {"a.example", "b.example"};
	static const char *const three[] = {"a.example", "b.example", "c.example"};
	static const char *const networks[] = {"1.2.0.192.in-addr.arpa", "2.2.0.192.in-addr.arpa",
					       "1.100.51.198.in-addr.arpa"};
	struct dns_silence silence = {0};

	tap_is_number(fail(&silence, one, 3, 100), 0, "one domain is not all of DNS");
	silence = (struct dns_silence){0};
	tap_is_number(fail(&silence, two, 2, 100), 0, "nor are two, however often each fails");
	silence = (struct dns_silence){0};
	tap_is_number(fail(&silence, networks, 3, 100), 0, "nor are addresses without a name");
	silence = (struct dns_silence){0};
	tap_is_number(fail(&silence, three, 3, 100), 11, "three are, after ten seconds");
	tap_is_number(fail(&silence, three, 3, 100), 0, "which is told once");
	tap_ok(silence.is_silent, "and stays so");
}

static void test_answers(void)
{
	static const char *const three[] = {"a.example", "b.example", "c.example"};
	struct dns_silence silence = {0};

	tap_ok(!dns_silence_note_answer(&silence), "an answer, and nothing was silent");
	fail(&silence, three, 3, 10);
	tap_ok(!dns_silence_note_answer(&silence), "an answer before ten seconds are over");
	tap_is_number(fail(&silence, three, 3, 10), 0, "they begin anew with it");
	tap_is_number(fail(&silence, three, 3, 100), 11, "and are over at last");
	tap_ok(dns_silence_note_answer(&silence) && !silence.is_silent, "an answer ends it");
	tap_ok(!dns_silence_note_answer(&silence), "which is told once");
}

static void test_gap(void)
{
	struct dns_silence silence = {0};

	dns_silence_note_failure(&silence, "a.example", 1000);
	dns_silence_note_failure(&silence, "b.example", 2000);
	tap_ok(!dns_silence_note_failure(&silence, "c.example", 62001),
	       "failures more than a minute apart are not one silence");
	dns_silence_note_failure(&silence, "a.example", 63000);
	tap_ok(dns_silence_note_failure(&silence, "b.example", 122000), "a minute apart they are");
}

int main(void)
{
	hash_init();
	test_domains();
	test_answers();
	test_gap();
	return tap_done();
}
