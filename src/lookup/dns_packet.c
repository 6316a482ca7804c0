/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_packet.h"

#include "base/memory.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dns_packet_cname {
	char owner[NS_MAXDNAME], target[NS_MAXDNAME];
	int64_t ttl_s;
};

/* Names in here are in libc's form, with escapes and in any case. */
struct dns_packet {
	ns_msg message;
	enum dns_type type;
	char owner[NS_MAXDNAME]; /* whose records count: the name asked about, or its alias */
	int64_t ttl_s;           /* the least of what was used so far */
	unsigned spf_texts, other_texts; /* TXT records that were read */
	size_t cname_count, cnames_followed;
	struct dns_packet_cname cnames[DNS_PACKET_CNAMES_MAX];
};

static bool dns_packet_same_name(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static int64_t dns_packet_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* RFC 2181 8: with the highest bit set it is 0. */
static int64_t dns_packet_ttl(uint32_t ttl_s)
{
	return ttl_s > INT32_MAX ? 0 : (int64_t)ttl_s;
}

/* A name inside the data of rr that takes all bytes from offset to its end. */
static bool dns_packet_read_name(struct dns_packet *packet, const ns_rr *rr, size_t offset,
				 char name[static NS_MAXDNAME])
{
	if (ns_rr_rdlen(*rr) <= offset)
		return false;
	int length = dn_expand(ns_msg_base(packet->message), ns_msg_end(packet->message),
			       ns_rr_rdata(*rr) + offset, name, NS_MAXDNAME);
	return length >= 0 && offset + (size_t)length == ns_rr_rdlen(*rr);
}

/* The header and the question are those of an answer to what was asked. */
static bool dns_packet_is_answer_to(struct dns_packet *packet, const char *name)
{
	uint8_t wire[NS_MAXCDNAME];
	ns_rr question;

	/* A truncated packet is asked for again over TCP, so that here it is none; what is missing
	 * of it could be what forbids. */
	if (ns_msg_getflag(packet->message, ns_f_qr) != 1 ||
	    ns_msg_getflag(packet->message, ns_f_opcode) != ns_o_query ||
	    ns_msg_getflag(packet->message, ns_f_tc) != 0 ||
	    ns_msg_count(packet->message, ns_s_qd) != 1 ||
	    ns_parserr(&packet->message, ns_s_qd, 0, &question) != 0 ||
	    ns_name_pton(name, wire, sizeof(wire)) < 0 ||
	    ns_name_ntop(wire, packet->owner, sizeof(packet->owner)) < 0)
		return false;
	return (int)ns_rr_type(question) == (int)packet->type && ns_rr_class(question) == ns_c_in &&
	       dns_packet_same_name(ns_rr_name(question), packet->owner);
}

/* Gather the CNAMEs of the answer.  False: malformed, or more of them than anybody needs. */
static bool dns_packet_read_cnames(struct dns_packet *packet)
{
	for (int i = 0; i < ns_msg_count(packet->message, ns_s_an); i++) {
		ns_rr rr;
		if (ns_parserr(&packet->message, ns_s_an, i, &rr) != 0)
			return false;
		if (ns_rr_type(rr) != ns_t_cname || ns_rr_class(rr) != ns_c_in)
			continue;
		if (packet->cname_count == DNS_PACKET_CNAMES_MAX)
			return false;
		struct dns_packet_cname *cname = &packet->cnames[packet->cname_count++];
		if (!dns_packet_read_name(packet, &rr, 0, cname->target))
			return false;
		snprintf(cname->owner, sizeof(cname->owner), "%s", ns_rr_name(rr));
		cname->ttl_s = dns_packet_ttl(ns_rr_ttl(rr));
	}
	return true;
}

static const struct dns_packet_cname *dns_packet_find_cname(const struct dns_packet *packet)
{
	for (size_t i = 0; i < packet->cname_count; i++)
		if (dns_packet_same_name(packet->cnames[i].owner, packet->owner))
			return &packet->cnames[i];
	return NULL;
}

/* Go from the name asked about to where its CNAMEs end.  False: they do not. */
static bool dns_packet_follow_cnames(struct dns_packet *packet)
{
	const struct dns_packet_cname *cname;

	while ((cname = dns_packet_find_cname(packet)) != NULL) {
		if (packet->cnames_followed++ == packet->cname_count)
			return false;
		packet->ttl_s = dns_packet_least(packet->ttl_s, cname->ttl_s);
		memcpy(packet->owner, cname->target, sizeof(packet->owner));
	}
	return true;
}

static bool dns_packet_add_address(const ns_rr *rr, uint8_t size_bytes, struct dns_answer *answer)
{
	struct netaddr addr = {.bits = (uint8_t)(8 * size_bytes)};

	if (ns_rr_rdlen(*rr) != size_bytes)
		return false;
	memcpy(addr.bytes, ns_rr_rdata(*rr), size_bytes);
	if (dns_answer_count(answer) < DNS_PACKET_ADDRESSES_MAX)
		dns_answer_add_address(answer, &addr);
	return true;
}

static bool dns_packet_add_name(struct dns_packet *packet, const ns_rr *rr, size_t offset,
				struct dns_answer *answer)
{
	char name[NS_MAXDNAME], folded[DNS_NAME_SIZE];

	if (!dns_packet_read_name(packet, rr, offset, name))
		return false;
	/* It may be none: the root (RFC 7505), or one with escapes. */
	dns_name_fold(span_of(name), folded);
	if (dns_answer_count(answer) < DNS_PACKET_NAMES_MAX)
		dns_answer_add_text(answer, span_of(folded));
	return true;
}

/*
 * Nobody asks for other TXT records than SPF's, and an evaluation holds many answers: of a second
 * one no more is kept than that it is there, and of all others, that there are any.
 */
static void dns_packet_keep_text(struct dns_packet *packet, struct span text,
				 struct dns_answer *answer)
{
	bool is_spf = spf_record_has_version(text);
	unsigned before = is_spf ? packet->spf_texts++ : packet->other_texts++;

	if (!is_spf && before == 0)
		dns_answer_add_text(answer, SPAN(""));
	else if (is_spf && before == 0)
		dns_answer_add_text(answer, text.length < DNS_PACKET_TEXT_MAX
						    ? text
						    : span_first(text, DNS_PACKET_TEXT_MAX));
	else if (is_spf && before == 1)
		dns_answer_add_text(answer, SPAN("v=spf1"));
}

/* Strings, each behind its length (RFC 1035 3.3.14); to us they are one (RFC 7208 3.3). */
static bool dns_packet_add_text(struct dns_packet *packet, const ns_rr *rr,
				struct dns_answer *answer)
{
	const uint8_t *at = ns_rr_rdata(*rr), *end = at + ns_rr_rdlen(*rr);
	char *joined = mem_alloc((size_t)ns_rr_rdlen(*rr) + 1);
	size_t length = 0;

	while (at < end && *at < end - at) {
		memcpy(joined + length, at + 1, *at);
		length += *at;
		at += 1 + *at;
	}
	if (at == end)
		dns_packet_keep_text(packet, (struct span){joined, length}, answer);
	free(joined);
	return at == end;
}

static bool dns_packet_add_record(struct dns_packet *packet, const ns_rr *rr,
				  struct dns_answer *answer)
{
	switch (packet->type) {
	case DNS_A:
		return dns_packet_add_address(rr, 4, answer);
	case DNS_AAAA:
		/* An IPv4-mapped one stays as it is.  No client has such an address (netaddr.h),
		 * so that it matches nobody; as IPv4 it would be one that was not asked for. */
		return dns_packet_add_address(rr, 16, answer);
	case DNS_PTR:
		return dns_packet_add_name(packet, rr, 0, answer);
	case DNS_MX:
		return dns_packet_add_name(packet, rr, 2, answer);
	case DNS_TXT:
		return dns_packet_add_text(packet, rr, answer);
	}
	return false;
}

/* Add the records of packet->owner.  False: malformed. */
static bool dns_packet_add_records(struct dns_packet *packet, struct dns_answer *answer)
{
	for (int i = 0; i < ns_msg_count(packet->message, ns_s_an); i++) {
		ns_rr rr;
		if (ns_parserr(&packet->message, ns_s_an, i, &rr) != 0)
			return false;
		if ((int)ns_rr_type(rr) != (int)packet->type || ns_rr_class(rr) != ns_c_in ||
		    !dns_packet_same_name(ns_rr_name(rr), packet->owner))
			continue;
		if (!dns_packet_add_record(packet, &rr, answer))
			return false;
		dns_answer_limit_ttl(answer, dns_packet_ttl(ns_rr_ttl(rr)));
	}
	return true;
}

/*
 * How long "there is none" may be kept: what the SOA record in the authority section says (RFC 2308
 * 5).  -1: it is not there.
 */
static int64_t dns_packet_negative_ttl(struct dns_packet *packet)
{
	enum { NUMBERS_SIZE = 5 * 4 }; /* behind the two names; the last of them is MINIMUM */

	for (int i = 0; i < ns_msg_count(packet->message, ns_s_ns); i++) {
		ns_rr rr;
		if (ns_parserr(&packet->message, ns_s_ns, i, &rr) != 0)
			return -1;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_class(rr) != ns_c_in)
			continue;
		const uint8_t *at = ns_rr_rdata(rr), *end = at + ns_rr_rdlen(rr);
		/* NOLINTNEXTLINE(misc-redundant-expression): there are two names */
		if (ns_name_skip(&at, end) != 0 || ns_name_skip(&at, end) != 0 ||
		    end - at != NUMBERS_SIZE)
			return -1;
		int64_t minimum_s = dns_packet_ttl((uint32_t)ns_get32(end - 4));
		int64_t ttl_s = dns_packet_least(dns_packet_ttl(ns_rr_ttl(rr)), minimum_s);
		return dns_packet_least(ttl_s, DNS_PACKET_NEGATIVE_MAX_S);
	}
	return -1;
}

/* Name servers of others in the authority section, and no SOA: whoever answered does not know, and
 * sends us on (RFC 2308 2.2), which a resolver does not do while it is well. */
static bool dns_packet_is_referral(struct dns_packet *packet)
{
	for (int i = 0; i < ns_msg_count(packet->message, ns_s_ns); i++) {
		ns_rr rr;
		if (ns_parserr(&packet->message, ns_s_ns, i, &rr) != 0)
			return false;
		if (ns_rr_type(rr) == ns_t_ns)
			return true;
	}
	return false;
}

/* There is no record of the type: what does that mean? */
static struct dns_answer *dns_packet_none(struct dns_packet *packet, bool has_name,
					  struct dns_packet_alias *alias)
{
	int64_t negative_s = dns_packet_negative_ttl(packet);

	if (has_name && negative_s < 0 && packet->cnames_followed > 0) {
		alias->ttl_s = packet->ttl_s;
		if (dns_name_fold(span_of(packet->owner), alias->target))
			return NULL;
		/* Nothing can be asked about it. */
		return dns_answer_new(DNS_NO_NAME, 0);
	}
	if (has_name && negative_s < 0 && dns_packet_is_referral(packet))
		return dns_answer_new(DNS_FAILED, 0);
	if (negative_s < 0)
		negative_s = 0;
	return dns_answer_new(has_name ? DNS_NO_DATA : DNS_NO_NAME,
			      dns_packet_least(packet->ttl_s, negative_s));
}

/* The upper bits of the result are in the OPT record, if there is one (RFC 6891 6.1.3). */
static int dns_packet_rcode(struct dns_packet *packet)
{
	int rcode = ns_msg_getflag(packet->message, ns_f_rcode);

	for (int i = 0; i < ns_msg_count(packet->message, ns_s_ar); i++) {
		ns_rr rr;
		if (ns_parserr(&packet->message, ns_s_ar, i, &rr) != 0)
			return ns_r_formerr;
		if (ns_rr_type(rr) == ns_t_opt)
			return rcode | (int)(ns_rr_ttl(rr) >> 24) << 4;
	}
	return rcode;
}

/* The answer of a packet that makes sense, or NULL when there is another name to ask about. */
static struct dns_answer *dns_packet_answer(struct dns_packet *packet,
					    struct dns_packet_alias *alias)
{
	int rcode = dns_packet_rcode(packet);

	if (rcode == ns_r_nxdomain)
		return dns_packet_none(packet, false, alias);
	if (rcode != ns_r_noerror)
		return dns_answer_new(DNS_FAILED, 0);
	struct dns_answer *answer = dns_answer_new(DNS_FOUND, packet->ttl_s);
	bool is_sane = dns_packet_add_records(packet, answer);
	if (is_sane && dns_answer_count(answer) > 0)
		return answer;
	dns_answer_release((const struct dns_answer **)&answer);
	return is_sane ? dns_packet_none(packet, true, alias) : dns_answer_new(DNS_FAILED, 0);
}

struct dns_answer *dns_packet_parse(const uint8_t *bytes, size_t length, enum dns_type type,
				    const char *name, int64_t max_ttl_s,
				    struct dns_packet_alias *alias)
{
	struct dns_packet packet;

	packet.type = type;
	packet.ttl_s = dns_packet_least(max_ttl_s, DNS_PACKET_TTL_MAX_S);
	packet.spf_texts = packet.other_texts = 0;
	packet.cname_count = packet.cnames_followed = 0;
	if (length > NS_MAXMSG || ns_initparse(bytes, (int)length, &packet.message) != 0 ||
	    !dns_packet_is_answer_to(&packet, name) || !dns_packet_read_cnames(&packet) ||
	    !dns_packet_follow_cnames(&packet))
		return dns_answer_new(DNS_FAILED, 0);
	return dns_packet_answer(&packet, alias);
}
