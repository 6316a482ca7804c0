/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate turned around: what Google and Microsoft ask of one of our own addresses, what it fails
 * in, and what to mend.  Tables from evidence to words, for people; nothing is looked up here.
 *
 * DKIM, reputation and block lists cannot be seen from DNS: where SPF does not pass, mail with a
 * good DKIM signature may be taken all the same, and that is a verdict of its own.  "Could not
 * tell" is never a failure of the admin's set-up.
 */
#pragma once

#include "base/netaddr.h"
#include "base/span.h"
#include "evidence.h"

#include <stdbool.h>
#include <stddef.h>

enum outbound_provider { OUTBOUND_GOOGLE, OUTBOUND_MICROSOFT, OUTBOUND_PROVIDER_COUNT };

/* What is looked at, in the order in which it is told. */
enum outbound_subject {
	OUTBOUND_PTR,      /* whether the address has a name */
	OUTBOUND_FORWARD,  /* whether that leads back to it */
	OUTBOUND_SPF,      /* of the sender's domain */
	OUTBOUND_HELO,     /* whether the name in HELO is one */
	OUTBOUND_HELO_SPF, /* of that name, for bounces (RFC 7208 2.4) */
	OUTBOUND_SUBJECT_COUNT,
};

enum outbound_mark {
	OUTBOUND_OK,
	OUTBOUND_NOTE, /* nobody refuses mail for it, but it could be better */
	OUTBOUND_FAIL,
	OUTBOUND_UNKNOWN,   /* could not tell */
	OUTBOUND_NOT_ASKED, /* there is nothing to ask about, as something before it failed */
	OUTBOUND_MARK_COUNT,
};

/* From good to bad: of several, the worst is the verdict. */
enum outbound_verdict {
	OUTBOUND_ACCEPTS,
	OUTBOUND_SUSPECTS,   /* no rule is published that refuses it, but it looks like spam */
	OUTBOUND_NEEDS_DKIM, /* refuses, unless a DKIM signature passes */
	OUTBOUND_CANNOT_TELL,
	OUTBOUND_REFUSES,
	OUTBOUND_VERDICT_COUNT,
};

/* The name in HELO, by what leads from it to the address. */
enum outbound_helo {
	OUTBOUND_HELO_LEADS_HERE,
	OUTBOUND_HELO_ELSEWHERE,  /* it has addresses, but not this one */
	OUTBOUND_HELO_NO_ADDRESS, /* it has none at all */
	OUTBOUND_HELO_NO_FQDN,    /* it is no fully qualified name */
	OUTBOUND_HELO_UNKNOWN,    /* could not tell */
	OUTBOUND_HELO_COUNT,
};

struct outbound_evidence {
	struct netaddr address;
	const char *reverse_name;    /* borrowed; of its PTR records, without a dot at the end */
	struct iprev_evidence iprev; /* IPREV_NOT_ASKED counts as temperror */
	bool has_ptr;            /* for temperror: whether it was the forward name that failed */
	bool has_many_names;     /* more than anybody looks at */
	struct spf_evidence spf; /* the same; its domain is there */
	const char *spf_detail;  /* borrowed; the term that matched, or the error; or empty */
	bool has_no_domain;      /* the sender's domain does not exist */
	enum outbound_helo helo;
	const char *helo_name; /* borrowed; as it is sent */
	struct spf_evidence helo_spf;
	const char *helo_spf_detail; /* borrowed */
	const char *own_name;        /* borrowed; the name to ask a PTR record for */
};

enum { OUTBOUND_TEXT_SIZE = 1536, OUTBOUND_ADVICE_MAX = 8 };

struct outbound_finding {
	enum outbound_mark mark;
	char text[OUTBOUND_TEXT_SIZE];
};

struct outbound_opinion {
	enum outbound_verdict verdict;
	const char *reply; /* static; what the sender would be told, NULL: nothing is known */
};

/* Something to mend: a sentence, and the record it is about, or an empty text. */
struct outbound_advice {
	bool is_minor; /* nobody refuses mail for it */
	char text[OUTBOUND_TEXT_SIZE];
	char record[OUTBOUND_TEXT_SIZE];
};

struct outbound_judgement {
	struct outbound_finding findings[OUTBOUND_SUBJECT_COUNT];
	struct outbound_opinion opinions[OUTBOUND_PROVIDER_COUNT];
	/* Not of SPF: that record is about all addresses together, outbound_spf_record(). */
	struct outbound_advice advice[OUTBOUND_ADVICE_MAX];
	size_t advice_count;
};

void outbound_judge(const struct outbound_evidence *evidence, struct outbound_judgement *judgement);

/* Whether SPF has to be told of the address: it does not pass, and that is certain. */
bool outbound_spf_lacks(const struct outbound_evidence *evidence);

/*
 * The SPF record with terms for the addresses, before the first term that does not pass (usually
 * "all").  record empty: there is none yet, and one is proposed that knows these addresses only.
 * Free it.
 */
char *outbound_spf_record(struct span record, const struct netaddr *addresses, size_t count);

/* Whether name can be the name in HELO: letters, digits, hyphens, and a dot within. */
bool outbound_is_fqdn(struct span name);

/* Whether others can see mail come from it: no loopback, link-local, ULA, private, CGNAT address.
 */
bool outbound_is_global(const struct netaddr *address);

/* Words for JSON and for people. */
const char *outbound_provider_word(enum outbound_provider provider);
const char *outbound_subject_word(enum outbound_subject subject);
const char *outbound_mark_word(enum outbound_mark mark);
const char *outbound_verdict_word(enum outbound_verdict verdict); /* "needs_dkim" */
const char *outbound_verdict_text(enum outbound_verdict verdict); /* "accepts" */
