/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include "base/words.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The pages of one listing. */
struct listing_walk {
	char *cursor; /* owned; NULL: the first page */
	int64_t left; /* rows that are still wanted */
	bool is_over;
};

bool listing_parse_limit(const char *command, const char *text, int64_t *limit)
{
	char *end;

	errno = 0;
	*limit = strtoll(text, &end, 10);
	if (errno == 0 && *end == '\0' && *limit > 0)
		return true;
	screen_complain("%s: --limit: \"%s\": expected a number from 1 on", command, text);
	return false;
}

int64_t listing_number(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	return json_is_number(value) ? (int64_t)json_number_value(value) : 0;
}

/* Ask for the next page.  With CTL_DONE answer is filled, and answer->json an object. */
static int listing_next(const struct ctl *ctl, const struct listing *listing,
			struct listing_walk *walk, struct client_answer *answer)
{
	struct client_field fields[LISTING_FIELDS_MAX + 2];
	struct ctl quiet = *ctl;
	char limit[32];

	memcpy(fields, listing->fields, listing->field_count * sizeof(fields[0]));
	snprintf(limit, sizeof(limit), "%d",
		 walk->left < LISTING_PAGE ? (int)walk->left : LISTING_PAGE);
	fields[listing->field_count] = (struct client_field){"limit", limit};
	fields[listing->field_count + 1] = (struct client_field){"cursor", walk->cursor};
	const struct client_request request = {.method = "GET",
					       .path = listing->path,
					       .fields = fields,
					       .field_count = listing->field_count + 2};
	quiet.is_json = false; /* the pages are looked at before they are printed */
	int status = client_ask_json(&quiet, &request, answer);
	if (status != CTL_DONE)
		return status;
	size_t rows = json_array_size(json_object_get(answer->json, listing->rows));
	const char *next = json_string_value(json_object_get(answer->json, "next"));
	walk->left -= (int64_t)rows;
	free(walk->cursor);
	walk->cursor = next != NULL ? mem_copy_string(next) : NULL;
	/* A daemon that hands out empty pages without end is not followed. */
	walk->is_over = next == NULL || rows == 0 || walk->left <= 0;
	return CTL_DONE;
}

int listing_print(const struct ctl *ctl, const struct listing *listing)
{
	struct table *table = table_new(listing->columns, listing->column_count);
	struct listing_walk walk = {.left = listing->limit};
	int status = CTL_DONE;

	while (!walk.is_over && status == CTL_DONE) {
		struct client_answer answer;
		const json_t *row;
		size_t i;
		status = listing_next(ctl, listing, &walk, &answer);
		if (status != CTL_DONE)
			break;
		json_array_foreach (json_object_get(answer.json, listing->rows), i, row)
			listing->add_row(table, row);
		if (ctl->is_json)
			fwrite(answer.text, 1, answer.length, stdout);
		client_answer_clear(&answer);
	}
	if (!ctl->is_json && table_row_count(table) > 0)
		table_print(table, ctl, 0, stdout);
	if (status == CTL_DONE && table_row_count(table) == 0) {
		if (!ctl->is_json)
			screen_complain("%s", listing->none);
		status = CTL_REFUSED;
	} else if (status == CTL_DONE && !ctl->is_json && walk.cursor != NULL) {
		screen_complain("%s", listing->rest);
	}
	free(walk.cursor);
	table_free(&table);
	return status;
}

int listing_count(const struct ctl *ctl, const struct listing *listing, int64_t *count)
{
	struct listing_walk walk = {.left = INT64_MAX};
	int status = CTL_DONE;

	while (!walk.is_over && status == CTL_DONE) {
		struct client_answer answer;
		status = listing_next(ctl, listing, &walk, &answer);
		if (status == CTL_DONE)
			client_answer_clear(&answer);
	}
	free(walk.cursor);
	*count = INT64_MAX - walk.left;
	return status;
}

int listing_remove(const struct ctl *ctl, const char *path, const struct client_field *fields,
		   size_t field_count, const char *one, const char *several)
{
	const struct client_request request = {
		.method = "DELETE", .path = path, .fields = fields, .field_count = field_count};
	struct client_answer answer;
	char words[WORDS_SIZE];

	int status = client_ask_json(ctl, &request, &answer);
	if (status != CTL_DONE)
		return status;
	if (answer.json != NULL) {
		int64_t removed = listing_number(answer.json, "removed");
		printf("%s %s forgotten.\n", words_count(words, removed),
		       removed == 1 ? one : several);
	}
	client_answer_clear(&answer);
	return CTL_DONE;
}
