/* SPDX-License-Identifier: BSD-2-Clause */
#include "explanation_words.h"

#include <stdio.h>
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

/* Why SPF's result does not count against the client; NULL: it does. */
static const char *explanation_words_not_disowned(const struct explanation *explanation)
{
	const struct spf_evidence *spf = &explanation->evidence.spf;

	if (spf->result != SPF_FAIL && spf->result != SPF_SOFTFAIL)
		return "as SPF does not say that the mail is not the domain's";
	if (spf->is_doubtful)
		return "as SPF is in doubt: DNS could not tell all that the record asks for";
	if (explanation->is_trusted_forwarder)
		return "as trusted_forwarders has the client: what it hands on fails SPF by no "
		       "fault of the sender's";
	return NULL;
}

static void explanation_words_authenticated(const struct explanation *explanation,
					    char out[static EXPLANATION_WORDS_SIZE])
{
	const struct evidence *evidence = &explanation->evidence;
	const char *begins = "sender_access_requires = authenticated: it";
	const char *domain = evidence->spf.domain[0] != '\0' ? evidence->spf.domain : "(none)";

	if (!explanation->sender_access.is_counted)
		snprintf(out, EXPLANATION_WORDS_SIZE,
			 "%s does not count, as neither SPF proves that the client sends for %s, "
			 "nor does it have a confirmed name within it",
			 begins, domain);
	else if (evidence->spf.result == SPF_PASS && evidence->spf.is_narrow)
		snprintf(out, EXPLANATION_WORDS_SIZE,
			 "%s counts, as SPF proves that the client sends for %s", begins, domain);
	else
		snprintf(out, EXPLANATION_WORDS_SIZE,
			 "%s counts, as the client's confirmed name %s is within %s", begins,
			 evidence->iprev.name, domain);
}

const char *explanation_words_requirement(const struct explanation *explanation,
					  char out[static EXPLANATION_WORDS_SIZE])
{
	const char *why;

	switch ((enum config_requires)explanation->sender_access_requires) {
	case REQUIRES_ANY:
		snprintf(out, EXPLANATION_WORDS_SIZE,
			 "sender_access_requires = any: it counts always");
		break;
	case REQUIRES_NOT_DISOWNED:
		why = explanation_words_not_disowned(explanation);
		snprintf(out, EXPLANATION_WORDS_SIZE, "sender_access_requires = not-disowned: %s%s",
			 why != NULL ? "it counts, " : "it does not count, ",
			 why != NULL ? why : "as SPF says that the mail is not the domain's");
		break;
	case REQUIRES_AUTHENTICATED:
		explanation_words_authenticated(explanation, out);
		break;
	}
	return out;
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

const char *explanation_words_family(const struct netaddr *client)
{
	return client->bits == 32 ? "ipv4" : "ipv6";
}

/* Why nobody asked for the client's name. */
static void explanation_words_no_iprev(const struct explanation *explanation,
				       char out[static EXPLANATION_WORDS_SIZE])
{
	if (!explanation->gate_is_reached)
		snprintf(out, EXPLANATION_WORDS_SIZE,
			 "not asked: sender_access decides without it");
	else if (explanation->gate == EXPLAINED_OFF)
		snprintf(out, EXPLANATION_WORDS_SIZE, "not asked: gate = off");
	else
		snprintf(out, EXPLANATION_WORDS_SIZE, "not asked: gate_families does not have %s",
			 explanation_words_family(&explanation->client));
}

static const char *explanation_words_iprev_result(const struct explanation *explanation)
{
	switch (explanation->evidence.iprev.result) {
	case IPREV_PASS:
		return explanation->report.iprev_asked
			       ? "the client's name leads back to its address"
			       : "client_name is a name that Postfix has confirmed; DNS was not "
				 "asked";
	case IPREV_FAIL:
		return "the client has a name, but none that leads back to its address";
	case IPREV_PERMERROR:
		return "the client has no name: there is no PTR record";
	case IPREV_TEMPERROR:
		return "DNS could not tell now whether the client's name leads back to its address";
	case IPREV_NOT_ASKED:
	case IPREV_RESULT_COUNT:
		break;
	}
	abort();
}

const char *explanation_words_iprev(const struct explanation *explanation,
				    char out[static EXPLANATION_WORDS_SIZE])
{
	if (explanation->evidence.iprev.result == IPREV_NOT_ASKED)
		explanation_words_no_iprev(explanation, out);
	else
		snprintf(out, EXPLANATION_WORDS_SIZE, "%s",
			 explanation_words_iprev_result(explanation));
	return out;
}

/* Why nobody asked for SPF. */
static const char *explanation_words_no_spf(const struct explanation *explanation)
{
	if (!explanation->gate_is_reached)
		return "not asked: sender_access decides without it";
	if (!explanation->farm_is_reached)
		return "not asked: the gate refuses the client for its host already";
	if (!explanation->store_is_asked)
		return explanation->has_farm && explanation->farm.pass
			       ? "not asked: the client's farm is never greylisted"
			       : "not asked: greylist = off";
	if (!explanation->store_is_answered)
		return "not asked: the store did not answer";
	if (explanation->answer.decision.outcome == GREYLIST_KNOWN)
		return "not asked: the client is known already";
	return explanation->has_farm
		       ? "not asked: the triplet passes by its network or farm already"
		       : "not asked: the triplet passes by its network already";
}

/* What the result says of the client, behind "the SPF record of the ... domain ...". */
static const char *explanation_words_spf_result(enum spf_result result)
{
	switch (result) {
	case SPF_NEUTRAL:
		return "says nothing about the client";
	case SPF_PASS:
		return "lets the client send for it";
	case SPF_FAIL:
		return "says that the client may not send for it";
	case SPF_SOFTFAIL:
		return "says that the client should not send for it";
	case SPF_TEMPERROR:
		return "could not be evaluated now: DNS could not tell";
	case SPF_PERMERROR:
		return "is wrong, and says nothing";
	case SPF_NONE:
	case SPF_NOT_ASKED:
	case SPF_RESULT_COUNT:
		break;
	}
	abort();
}

const char *explanation_words_spf(const struct explanation *explanation,
				  char out[static EXPLANATION_WORDS_SIZE])
{
	const struct spf_evidence *spf = &explanation->evidence.spf;
	const char *identity = spf->is_helo ? "HELO" : "MAIL FROM";

	if (spf->result == SPF_NOT_ASKED)
		snprintf(out, EXPLANATION_WORDS_SIZE, "%s", explanation_words_no_spf(explanation));
	else if (spf->domain[0] == '\0')
		snprintf(out, EXPLANATION_WORDS_SIZE, "there is no %s domain to ask about",
			 identity);
	else if (spf->result == SPF_NONE)
		snprintf(out, EXPLANATION_WORDS_SIZE, "the %s domain %s has no SPF record",
			 identity, spf->domain);
	else
		snprintf(out, EXPLANATION_WORDS_SIZE, "the SPF record of the %s domain %s %s",
			 identity, spf->domain, explanation_words_spf_result(spf->result));
	return out;
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
