/* SPDX-License-Identifier: BSD-2-Clause */
#include "evidence.h"

static const char *const iprev_words[] = {
	[IPREV_NOT_ASKED] = "",          [IPREV_PASS] = "pass",           [IPREV_FAIL] = "fail",
	[IPREV_PERMERROR] = "permerror", [IPREV_TEMPERROR] = "temperror",
};

static const char *const spf_words[] = {
	[SPF_NOT_ASKED] = "",          [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",
	[SPF_PASS] = "pass",           [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail",
	[SPF_TEMPERROR] = "temperror", [SPF_PERMERROR] = "permerror",
};

_Static_assert(sizeof(iprev_words) / sizeof(iprev_words[0]) == IPREV_RESULT_COUNT,
	       "a word for every result");
_Static_assert(sizeof(spf_words) / sizeof(spf_words[0]) == SPF_RESULT_COUNT,
	       "a word for every result");

const char *iprev_result_word(enum iprev_result result)
{
	return iprev_words[result];
}

const char *spf_result_word(enum spf_result result)
{
	return spf_words[result];
}
