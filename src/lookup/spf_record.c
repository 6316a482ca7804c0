/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_record.h"

#include "base/memory.h"
#include "spf_macro.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const struct {
	struct span name;
	bool takes_domain, needs_domain, takes_prefixes;
} spf_mechanisms[] = {
	[SPF_MECHANISM_ALL] = {.name = SPAN("all")},
	[SPF_MECHANISM_INCLUDE] = {SPAN("include"), .takes_domain = true, .needs_domain = true},
	[SPF_MECHANISM_A] = {SPAN("a"), .takes_domain = true, .takes_prefixes = true},
	[SPF_MECHANISM_MX] = {SPAN("mx"), .takes_domain = true, .takes_prefixes = true},
	[SPF_MECHANISM_PTR] = {SPAN("ptr"), .takes_domain = true},
	[SPF_MECHANISM_IP4] = {.name = SPAN("ip4")},
	[SPF_MECHANISM_IP6] = {.name = SPAN("ip6")},
	[SPF_MECHANISM_EXISTS] = {SPAN("exists"), .takes_domain = true, .needs_domain = true},
};

_Static_assert(sizeof(spf_mechanisms) / sizeof(spf_mechanisms[0]) == SPF_MECHANISM_COUNT,
	       "every mechanism");

static bool ascii_is_letter(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* "." toplabel ["."] at the end of text: at least one letter or an inner hyphen. */
static bool spf_record_ends_in_top_label(struct span text)
{
	bool has_other = false;

	if (text.length > 0 && text.text[text.length - 1] == '.')
		text.length--;
	size_t dot = span_find_last(text, '.');
	if (dot == text.length)
		return false;
	struct span label = span_from(text, dot + 1);
	for (size_t i = 0; i < label.length; i++) {
		char c = label.text[i];
		bool is_inner_hyphen = c == '-' && i > 0 && i + 1 < label.length;
		if (!ascii_is_letter(c) && !ascii_is_digit(c) && !is_inner_hyphen)
			return false;
		has_other = has_other || !ascii_is_digit(c);
	}
	return has_other;
}

/* macro-string; for a domain-spec, also how it ends, and without the macros of explanations. */
static bool spf_record_check_macros(struct span text, bool is_domain)
{
	struct spf_macro_piece piece = {0};

	while (text.length > 0)
		if (!spf_macro_next(&text, &piece) ||
		    (is_domain && ascii_is_one_of(piece.letter, "crt")))
			return false;
	return !is_domain || piece.is_expand || spf_record_ends_in_top_label(piece.literal);
}

static bool spf_record_has_macros(struct span domain)
{
	return span_find(domain, '%') < domain.length;
}

/*
 * A number without leading zeros, at most limit, at the end of *text behind separator: taken off,
 * with the separator.  True without a change when there is none.
 */
static bool spf_record_take_prefix(struct span *text, struct span separator, unsigned limit,
				   uint8_t *prefix)
{
	size_t digits = 0;
	unsigned value = 0;

	while (digits < text->length && ascii_is_digit(text->text[text->length - 1 - digits]))
		digits++;
	size_t head = text->length - digits;
	if (digits == 0 || head < separator.length ||
	    !span_equals(span_first(span_from(*text, head - separator.length), separator.length),
			 separator))
		return true;
	if (digits > 3 || (digits > 1 && text->text[head] == '0'))
		return false;
	for (size_t i = head; i < text->length; i++)
		value = value * 10 + (unsigned)(text->text[i] - '0');
	if (value > limit)
		return false;
	*prefix = (uint8_t)value;
	*text = span_first(*text, head - separator.length);
	return true;
}

/* network: what is behind "ip4:" or "ip6:". */
static bool spf_record_parse_network(struct span text, struct network *network, bool is_ip4)
{
	char copy[NETADDR_TEXT_SIZE];
	struct netaddr addr = {.bits = is_ip4 ? 32 : 128};
	uint8_t prefix = addr.bits;

	if (!spf_record_take_prefix(&text, SPAN("/"), addr.bits, &prefix) || text.length == 0 ||
	    text.length >= sizeof(copy) || memchr(text.text, '\0', text.length) != NULL)
		return false;
	memcpy(copy, text.text, text.length);
	copy[text.length] = '\0';
	/* Not netaddr_parse(): an ip6 network is IPv6, mapped or not (RFC 7208 5.6). */
	if (inet_pton(is_ip4 ? AF_INET : AF_INET6, copy, addr.bytes) != 1)
		return false;
	*network = network_of(&addr, prefix);
	return true;
}

/* What is behind the mechanism's name, with the ":". */
static bool spf_record_parse_argument(struct spf_term *term, struct span text)
{
	bool is_ip4 = term->mechanism == SPF_MECHANISM_IP4;

	if (is_ip4 || term->mechanism == SPF_MECHANISM_IP6)
		return text.length > 0 && text.text[0] == ':' &&
		       spf_record_parse_network(span_from(text, 1), &term->network, is_ip4);
	term->prefix_v4 = 32;
	term->prefix_v6 = 128;
	/* No domain-spec ends in "/" and digits, so that these can be nothing else. */
	if (spf_mechanisms[term->mechanism].takes_prefixes &&
	    (!spf_record_take_prefix(&text, SPAN("//"), 128, &term->prefix_v6) ||
	     !spf_record_take_prefix(&text, SPAN("/"), 32, &term->prefix_v4)))
		return false;
	if (text.length == 0)
		return !spf_mechanisms[term->mechanism].needs_domain;
	if (!spf_mechanisms[term->mechanism].takes_domain || text.text[0] != ':')
		return false;
	term->domain = span_from(text, 1);
	term->has_macros = spf_record_has_macros(term->domain);
	return spf_record_check_macros(term->domain, true);
}

static bool spf_record_parse_directive(struct spf_record *record, size_t *size, struct span text)
{
	struct spf_term term = {.qualifier = '+', .text = text, .domain = {"", 0}};
	size_t name = 0;

	if (ascii_is_one_of(text.text[0], "+-~?")) {
		term.qualifier = text.text[0];
		text = span_from(text, 1);
	}
	while (name < text.length && !ascii_is_one_of(text.text[name], ":/"))
		name++;
	while (term.mechanism < SPF_MECHANISM_COUNT &&
	       !span_equals_nocase(span_first(text, name), spf_mechanisms[term.mechanism].name))
		term.mechanism++;
	if (term.mechanism == SPF_MECHANISM_COUNT ||
	    !spf_record_parse_argument(&term, span_from(text, name)))
		return false;
	if (record->count == *size) {
		*size = *size == 0 ? 16 : 2 * *size;
		record->terms = mem_resize(record->terms, *size * sizeof(*record->terms));
	}
	record->terms[record->count++] = term;
	return true;
}

/* Length of the name at the start of a modifier; 0 when text is no modifier. */
static size_t spf_record_modifier_name(struct span text)
{
	size_t length = 0;

	if (text.length == 0 || !ascii_is_letter(text.text[0]))
		return 0;
	while (length < text.length &&
	       (ascii_is_letter(text.text[length]) || ascii_is_digit(text.text[length]) ||
		ascii_is_one_of(text.text[length], "-_.")))
		length++;
	return length < text.length && text.text[length] == '=' ? length : 0;
}

static bool spf_record_parse_modifier(struct spf_record *record, bool *has_exp, struct span name,
				      struct span value)
{
	bool is_exp = span_equals_nocase(name, SPAN("exp"));

	if (!is_exp && !span_equals_nocase(name, SPAN("redirect")))
		return spf_record_check_macros(value, false);
	/* At most once each (RFC 7208 section 6). */
	if (is_exp ? *has_exp : record->redirect.length > 0)
		return false;
	if (is_exp) {
		*has_exp = true;
	} else {
		record->redirect = value;
		record->redirect_has_macros = spf_record_has_macros(value);
	}
	return spf_record_check_macros(value, true);
}

/* The terms of a record, behind the version. */
static enum spf_record_status spf_record_parse_terms(struct spf_record *record, struct span text,
						     struct span *problem)
{
	size_t size = 0;
	bool has_exp = false;

	while (text.length > 0) {
		size_t length = span_find(text, ' ');
		struct span term = span_first(text, length);
		text = span_from(text, length < text.length ? length + 1 : length);
		if (length == 0)
			continue;
		*problem = term;
		if (length > SPF_TERM_MAX)
			return SPF_RECORD_LONG_TERM;
		size_t name = spf_record_modifier_name(term);
		if (name == 0 ? !spf_record_parse_directive(record, &size, term)
			      : !spf_record_parse_modifier(record, &has_exp, span_first(term, name),
							   span_from(term, name + 1)))
			return SPF_RECORD_INVALID;
	}
	return SPF_RECORD_FOUND;
}

static const struct span spf_record_version = SPAN("v=spf1");

bool spf_record_has_version(struct span text)
{
	struct span version = spf_record_version;

	return text.length >= version.length &&
	       span_equals_nocase(span_first(text, version.length), version) &&
	       (text.length == version.length || text.text[version.length] == ' ');
}

enum spf_record_status spf_record_parse(struct spf_record *record, const struct dns_answer *answer,
					struct span *problem)
{
	struct span found = {NULL, 0};

	*record = (struct spf_record){.redirect = {"", 0}};
	*problem = (struct span){"", 0};
	for (size_t i = 0; i < dns_answer_count(answer); i++) {
		struct span text = dns_answer_text(answer, i);
		if (!spf_record_has_version(text))
			continue;
		if (found.text != NULL)
			return SPF_RECORD_SEVERAL;
		found = text;
	}
	if (found.text == NULL)
		return SPF_RECORD_NONE;
	if (found.length > SPF_RECORD_MAX)
		return SPF_RECORD_LONG;
	return spf_record_parse_terms(record, span_from(found, spf_record_version.length), problem);
}

void spf_record_reduce(struct spf_record *record, const struct netaddr *client, size_t max_lookups)
{
	size_t kept = 0, lookups = 0;
	bool is_decided = false;

	for (size_t i = 0; i < record->count && !is_decided && lookups < max_lookups; i++) {
		const struct spf_term *term = &record->terms[i];
		bool is_network = term->mechanism == SPF_MECHANISM_IP4 ||
				  term->mechanism == SPF_MECHANISM_IP6;
		if (is_network && !network_contains(&term->network, client))
			continue;
		is_decided = is_network || term->mechanism == SPF_MECHANISM_ALL;
		lookups += !is_decided;
		record->terms[kept++] = *term;
	}
	if (is_decided || lookups == max_lookups)
		record->redirect = (struct span){"", 0};
	record->count = kept;
	if (kept > 0) {
		record->terms = mem_resize(record->terms, kept * sizeof(*record->terms));
	} else {
		free(record->terms);
		record->terms = NULL;
	}
}

void spf_record_clear(struct spf_record *record)
{
	free(record->terms);
	*record = (struct spf_record){0};
}
