/* SPDX-License-Identifier: BSD-2-Clause */
#include "sender.h"

#include "base/hash.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* smtpd reads lines of at most 2048 bytes (line_length_limit), so that no address is longer. */
enum { SENDER_WORK_SIZE = 2048 };

struct span address_domain(struct span address)
{
	size_t at = span_find_last(address, '@');
	return at < address.length ? span_from(address, at + 1) : (struct span){"", 0};
}

struct span address_local_part(struct span address)
{
	return span_first(address, span_find_last(address, '@'));
}

static bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool ascii_is_hex(char c)
{
	return ascii_is_digit(c) || (c >= 'a' && c <= 'f');
}

/*
 * prvs=KDDDSSSSSS=user (draft-levine-smtp-batv-01), Barracuda's btv1==TAG==user, SparkPost's
 * msprvs1=TAG=user: the tag and all before it goes.
 */
static struct span sender_without_batv(struct span local)
{
	static const struct {
		struct span prefix, separator;
	} tags[] = {
		{SPAN("prvs="), SPAN("=")},
		{SPAN("msprvs1="), SPAN("=")},
		{SPAN("btv1=="), SPAN("==")},
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (!span_starts_with(local, tags[i].prefix))
			continue;
		struct span rest = span_from(local, tags[i].prefix.length);
		while (rest.length > 0 && !span_starts_with(rest, tags[i].separator))
			rest = span_from(rest, 1);
		if (rest.length > tags[i].separator.length)
			return span_from(rest, tags[i].separator.length);
	}
	return local;
}

/*
 * SRS0=HHH=TT=domain=user and SRS1=HHH=forwarder==HHH=TT=domain=user (the separator behind the "0"
 * may be "+" or "-" as well): hash and time stamp change from day to day, domain and user do not.
 * What stays before user is written to out, "srs0=domain="; what is returned is user, or, when
 * local is not SRS, all of local.
 */
static struct span sender_without_srs(struct span local, char *out, size_t size, size_t *length)
{
	bool is_srs1 = span_starts_with(local, SPAN("srs1"));

	*length = 0;
	if ((!is_srs1 && !span_starts_with(local, SPAN("srs0"))) || local.length == 4 ||
	    !ascii_is_one_of(local.text[4], "=+-"))
		return local;
	struct span rest = span_from(local, 5);
	struct span forwarder = {"", 0};
	struct span hash = span_next_word(&rest, "=");
	if (is_srs1) {
		forwarder = span_next_word(&rest, "=");
		/* "==", or "=" and the separator of the SRS0 address inside: skip it. */
		while (rest.length > 0 && ascii_is_one_of(rest.text[0], "=+-"))
			rest = span_from(rest, 1);
		hash = span_next_word(&rest, "=");
	}
	struct span stamp = span_next_word(&rest, "=");
	struct span domain = span_next_word(&rest, "=");
	if (hash.length == 0 || stamp.length == 0 || domain.length == 0 || rest.length < 2)
		return local;
	int written = snprintf(out, size, "%s=%.*s%s%.*s=", is_srs1 ? "srs1" : "srs0",
			       (int)forwarder.length, forwarder.text, is_srs1 ? "=" : "",
			       (int)domain.length, domain.text);
	assert(written >= 0 && (size_t)written < size); /* it is never longer than local */
	*length = (size_t)written;
	return span_from(rest, 1);
}

/* Whether text ends in "user=domain" of the recipient, in lower case. */
static bool sender_ends_in_recipient(struct span text, struct span recipient)
{
	struct span user = address_local_part(recipient), domain = address_domain(recipient);
	size_t length = user.length + 1 + domain.length;
	if (user.length == 0 || domain.length == 0 || text.length < length)
		return false;
	struct span tail = span_from(text, text.length - length);
	return span_equals_nocase(span_first(tail, user.length), user) &&
	       tail.text[user.length] == '=' &&
	       span_equals_nocase(span_from(tail, user.length + 1), domain);
}

/*
 * list-return-17-user=here.example: the copy of the recipient at the end goes, with the "-" or "+"
 * before it.  The true recipient may differ from the copy (an alias on the way), so that anything
 * which looks like user=domain is taken for one.
 */
static struct span sender_without_verp(struct span local, struct span recipient)
{
	size_t keep;

	if (sender_ends_in_recipient(local, recipient)) {
		keep = local.length - recipient.length;
	} else {
		size_t equals = span_find_last(local, '=');
		if (equals == local.length || equals == 0 ||
		    span_find(span_from(local, equals), '.') == local.length - equals)
			return local;
		keep = equals;
		while (keep > 0 && !ascii_is_one_of(local.text[keep - 1], "-+"))
			keep--;
	}
	if (keep < 2 || !ascii_is_one_of(local.text[keep - 1], "-+"))
		return local;
	return span_first(local, keep - 1);
}

static struct span sender_without_extension(struct span local)
{
	size_t plus = span_find(local, '+');
	return plus > 0 ? span_first(local, plus) : local;
}

/* Put "#" for digits, and for what looks like a hexadecimal number.  out may be local.text. */
static size_t sender_fold_numbers(struct span local, char *out)
{
	size_t used = 0;

	for (size_t at = 0; at < local.length;) {
		size_t end = at, digits = 0;
		bool is_hex = true;
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): all of local was written */
		while (end < local.length && ascii_is_alnum(local.text[end])) {
			digits += ascii_is_digit(local.text[end]);
			is_hex = is_hex && ascii_is_hex(local.text[end]);
			end++;
		}
		if (end == at) {
			out[used++] = local.text[at++];
			continue;
		}
		if (is_hex && digits > 0 && end - at >= 4) {
			out[used++] = '#';
			at = end;
			continue;
		}
		while (at < end) {
			bool digit = ascii_is_digit(local.text[at]);
			out[used++] = digit ? '#' : local.text[at];
			at++;
			while (digit && at < end && ascii_is_digit(local.text[at]))
				at++;
		}
	}
	return used;
}

/* Copy text to key; what is too long is cut and closed with a hash of the whole. */
static size_t sender_bound_key(struct span text, char key[static SENDER_KEY_SIZE])
{
	enum { HASH_TEXT = 1 + 16 };
	/* Not a secret: it must stay the same from one start of the daemon to the next, and two
	 * overlong addresses that are taken for one do no harm. */
	static const uint8_t no_key[HASH_KEY_SIZE];

	if (text.length < SENDER_KEY_SIZE) {
		memcpy(key, text.text, text.length);
		key[text.length] = '\0';
		return text.length;
	}
	size_t keep = SENDER_KEY_SIZE - 1 - HASH_TEXT;
	memcpy(key, text.text, keep);
	snprintf(key + keep, HASH_TEXT + 1, "~%016llx",
		 (unsigned long long)hash_text_keyed(text, no_key));
	return SENDER_KEY_SIZE - 1;
}

/* Lower case, cut to size; NULs and the like stay, they are bytes like others in a key. */
static struct span sender_fold_case(struct span text, char *out, size_t size)
{
	size_t length = text.length < size ? text.length : size;
	for (size_t i = 0; i < length; i++)
		out[i] = ascii_lower(text.text[i]);
	return (struct span){out, length};
}

size_t recipient_normalize(struct span recipient, char key[static SENDER_KEY_SIZE])
{
	char folded[SENDER_WORK_SIZE];
	return sender_bound_key(sender_fold_case(recipient, folded, sizeof(folded)), key);
}

size_t sender_normalize(struct span sender, struct span recipient, char key[static SENDER_KEY_SIZE])
{
	char folded[SENDER_WORK_SIZE], whole[SENDER_WORK_SIZE + 1];

	if (sender.length == 0)
		return sender_bound_key(SPAN("<>"), key);
	struct span address = sender_fold_case(sender, folded, sizeof(folded));
	assert(address.text == folded); /* analyzers need to be told that it is not NULL */
	struct span local = address_local_part(address);
	struct span domain = span_from(address, local.length); /* with its "@" */
	size_t length;

	local = sender_without_srs(sender_without_batv(local), whole, sizeof(whole), &length);
	local = sender_without_extension(sender_without_verp(local, recipient));
	length += sender_fold_numbers(local, whole + length);
	memcpy(whole + length, domain.text, domain.length);
	return sender_bound_key((struct span){whole, length + domain.length}, key);
}
