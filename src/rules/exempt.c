/* SPDX-License-Identifier: BSD-2-Clause */
#include "exempt.h"

#include "sender.h"

static bool exempt_is_postmaster(struct span recipient)
{
	/* RFC 5321 4.5.1 and RFC 2142: who cannot reach these cannot ask what is wrong. */
	struct span local = address_local_part(recipient);
	return span_equals_nocase(local, SPAN("postmaster")) ||
	       span_equals_nocase(local, SPAN("abuse"));
}

bool exempt_judge(const struct netlist *mynetworks, const struct netaddr *client,
		  const struct request *request, struct verdict *verdict)
{
	enum verdict_reason reason;

	if (netlist_contains(mynetworks, client))
		reason = REASON_MYNETWORKS;
	else if (request_get(request, REQUEST_SASL_USERNAME).length > 0)
		reason = REASON_SASL_USERNAME;
	else if (request_get(request, REQUEST_CCERT_SUBJECT).length > 0)
		/* smtpd sends the subject only of a certificate that it could verify; the
		 * fingerprint it sends of any. */
		reason = REASON_CCERT_SUBJECT;
	else if (exempt_is_postmaster(request_get(request, REQUEST_RECIPIENT)))
		reason = REASON_POSTMASTER;
	else
		return false;
	*verdict = verdict_pass(reason);
	return true;
}
