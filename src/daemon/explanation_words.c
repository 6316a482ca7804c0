/* SPDX-License-Identifier: BSD-2-Clause */
#include "explanation_words.h"

#include <stdlib.h>

const char *explanation_words_access(enum access_action action)
{
	switch (action) {
	case ACCESS_OK:
		return "ok";
	case ACCESS_DUNNO:
		return "dunno";
	case ACCESS_REJECT:
		return "reject";
	case ACCESS_DEFER:
		return "defer";
	}
	abort();
}

/* Why an OK for the sender counts, or does not. */
const char *explanation_words_requirement(const struct explanation *explanation)
{
	static const char *const texts[][2] = {
		[REQUIRES_ANY] = {"", "sender_access_requires = any: it counts always"},
		[REQUIRES_NOT_DISOWNED] =
			{"sender_access_requires = not-disowned: it does not count, as SPF says "
			 "that the mail is not the domain's",
			 "sender_access_requires = not-disowned: it counts, as SPF does not say "
			 "that the mail is not the domain's"},
		[REQUIRES_AUTHENTICATED] = {"sender_access_requires = authenticated: it does not "
					    "count, as neither SPF nor the client's name proves "
					    "that it sends for the domain",
					    "sender_access_requires = authenticated: it counts, as "
					    "SPF or the client's name proves that it sends for the "
					    "domain"},
	};
	return texts[explanation->sender_access_requires]
		    [explanation->sender_access.is_counted ? 1 : 0];
}

const char *explanation_words_dns(enum dns_status status)
{
	switch (status) {
	case DNS_FOUND:
		return "found";
	case DNS_NO_NAME:
		return "no such name";
	case DNS_NO_DATA:
		return "no such record";
	case DNS_FAILED:
		return "DNS could not tell";
	}
	abort();
}

const char *explanation_words_iprev(const struct iprev_evidence *iprev, bool was_asked)
{
	switch (iprev->result) {
	case IPREV_NOT_ASKED:
		return "not asked: nothing that was decided needs the client's name";
	case IPREV_PASS:
		return was_asked ? "the client's name leads back to its address"
				 : "client_name is a name that Postfix has confirmed; DNS was not "
				   "asked";
	case IPREV_FAIL:
		return "the client has a name, but none that leads back to its address";
	case IPREV_PERMERROR:
		return "the client has no name: there is no PTR record";
	case IPREV_TEMPERROR:
	case IPREV_RESULT_COUNT:
		break;
	}
	return "DNS could not tell now whether the client's name leads back to its address";
}

const char *explanation_words_outcome(enum greylist_outcome outcome)
{
	switch (outcome) {
	case GREYLIST_NEW:
		return "new";
	case GREYLIST_EARLY:
		return "early";
	case GREYLIST_PASS:
		return "pass";
	case GREYLIST_KNOWN:
		break;
	}
	return "known";
}
