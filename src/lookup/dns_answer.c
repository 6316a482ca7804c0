/* SPDX-License-Identifier: BSD-2-Clause */
#include "dns_answer.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where the text of a record is among the answer's bytes. */
struct dns_answer_text {
	size_t at, length;
};

struct dns_answer {
	unsigned holders;
	enum dns_status status;
	int64_t ttl_s;
	int64_t good_until_ms; /* monotonic; 0: not known */
	size_t count, size;    /* records that there are, and that there is room for */
	/* Owned; one of the two is there, by the type of the question. */
	struct netaddr *addresses;
	struct dns_answer_text *texts;
	char *bytes; /* owned; all texts */
	size_t bytes_used, bytes_size;
};

struct dns_answer *dns_answer_new(enum dns_status status, int64_t ttl_s)
{
	struct dns_answer *answer = mem_alloc(sizeof(*answer));

	answer->holders = 1;
	answer->status = status;
	answer->ttl_s = ttl_s;
	return answer;
}

/* Room for one record more, of record_size bytes each, in records. */
static void *dns_answer_grow(struct dns_answer *answer, void *records, size_t record_size)
{
	if (answer->count < answer->size)
		return records;
	answer->size = answer->size == 0 ? 1 : 2 * answer->size;
	return mem_resize(records, answer->size * record_size);
}

void dns_answer_add_address(struct dns_answer *answer, const struct netaddr *addr)
{
	assert(answer->texts == NULL && answer->holders == 1);
	answer->addresses = dns_answer_grow(answer, answer->addresses, sizeof(*answer->addresses));
	answer->addresses[answer->count++] = *addr;
}

void dns_answer_add_text(struct dns_answer *answer, struct span text)
{
	assert(answer->addresses == NULL && answer->holders == 1);
	answer->texts = dns_answer_grow(answer, answer->texts, sizeof(*answer->texts));
	if (answer->bytes_used + text.length > answer->bytes_size) {
		/* No room for more: answers are kept for long, and mostly have one text. */
		answer->bytes_size = answer->bytes_used + text.length;
		answer->bytes = mem_resize(answer->bytes, answer->bytes_size);
	}
	if (text.length > 0)
		memcpy(answer->bytes + answer->bytes_used, text.text, text.length);
	answer->texts[answer->count++] = (struct dns_answer_text){answer->bytes_used, text.length};
	answer->bytes_used += text.length;
}

void dns_answer_limit_ttl(struct dns_answer *answer, int64_t ttl_s)
{
	if (ttl_s < answer->ttl_s)
		answer->ttl_s = ttl_s;
}

void dns_answer_date(const struct dns_answer *answer, int64_t now_ms)
{
	((struct dns_answer *)answer)->good_until_ms = now_ms + 1000 * answer->ttl_s;
}

int64_t dns_answer_good_until_ms(const struct dns_answer *answer)
{
	return answer->good_until_ms;
}

enum dns_status dns_answer_status(const struct dns_answer *answer)
{
	return answer->status;
}

int64_t dns_answer_ttl_s(const struct dns_answer *answer)
{
	return answer->ttl_s;
}

size_t dns_answer_count(const struct dns_answer *answer)
{
	return answer->count;
}

const struct netaddr *dns_answer_address(const struct dns_answer *answer, size_t i)
{
	assert(answer->addresses != NULL && i < answer->count);
	return &answer->addresses[i];
}

struct span dns_answer_text(const struct dns_answer *answer, size_t i)
{
	assert(answer->texts != NULL && i < answer->count);
	return (struct span){answer->bytes != NULL ? answer->bytes + answer->texts[i].at : "",
			     answer->texts[i].length};
}

size_t dns_answer_size_bytes(const struct dns_answer *answer)
{
	size_t record =
		answer->addresses != NULL ? sizeof(*answer->addresses) : sizeof(*answer->texts);
	return sizeof(*answer) + answer->size * record + answer->bytes_size;
}

const struct dns_answer *dns_answer_hold(const struct dns_answer *answer)
{
	((struct dns_answer *)answer)->holders++;
	return answer;
}

void dns_answer_release(const struct dns_answer **answer)
{
	struct dns_answer *released = (struct dns_answer *)*answer;

	*answer = NULL;
	if (released == NULL || --released->holders > 0)
		return;
	free(released->addresses);
	free(released->texts);
	free(released->bytes);
	free(released);
}
