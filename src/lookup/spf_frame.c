/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_frame.h"

#include "base/memory.h"
#include "base/printable.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	enum spf_node_kind kind;
	const char *name; /* as what libspf2 gets it */
} spf_frame_kinds[] = {
	[SPF_MECHANISM_ALL] = {SPF_NODE_MATCH, "exists"},
	[SPF_MECHANISM_INCLUDE] = {SPF_NODE_RECORD, "include"},
	[SPF_MECHANISM_A] = {SPF_NODE_ADDRESS, "a"},
	[SPF_MECHANISM_MX] = {SPF_NODE_MX, "mx"},
	[SPF_MECHANISM_PTR] = {SPF_NODE_PTR, "exists"},
	[SPF_MECHANISM_IP4] = {SPF_NODE_MATCH, "exists"},
	[SPF_MECHANISM_IP6] = {SPF_NODE_MATCH, "exists"},
	[SPF_MECHANISM_EXISTS] = {SPF_NODE_EXISTS, "exists"},
};

_Static_assert(sizeof(spf_frame_kinds) / sizeof(spf_frame_kinds[0]) == SPF_MECHANISM_COUNT,
	       "every mechanism");

void spf_frames_reset(struct spf_frames *frames)
{
	frames->count = 0;
	frames->node_count = 0;
	spf_frames_add_node(frames, &(struct spf_node){.kind = SPF_NODE_RECORD});
}

size_t spf_frames_add_node(struct spf_frames *frames, const struct spf_node *node)
{
	if (frames->node_count == frames->node_size) {
		frames->node_size = frames->node_size == 0 ? 64 : 2 * frames->node_size;
		frames->nodes =
			mem_resize(frames->nodes, frames->node_size * sizeof(*frames->nodes));
	}
	frames->nodes[frames->node_count] = *node;
	return frames->node_count++;
}

/* Only the prefix of the client's family matters; libspf2 takes no /0, see spf_guard.c. */
static void spf_frame_write_prefix(const struct spf_term *term, const struct netaddr *client,
				   char prefix[static 8])
{
	bool is_v4 = client->bits == 32;
	unsigned length = is_v4 ? term->prefix_v4 : term->prefix_v6;

	prefix[0] = '\0';
	if ((term->mechanism == SPF_MECHANISM_A || term->mechanism == SPF_MECHANISM_MX) &&
	    length > 0 && length < client->bits)
		snprintf(prefix, 8, is_v4 ? "/%u" : "//%u", length);
}

/* Write one term more, and give it a number. */
static void spf_frames_write(struct spf_frames *frames, size_t *used, const struct spf_node *node,
			     const struct netaddr *client)
{
	size_t number = spf_frames_add_node(frames, node), room = sizeof(frames->text) - *used;
	char prefix[8] = "";
	int length;

	if (node->term != NULL) {
		spf_frame_write_prefix(node->term, client, prefix);
		length = snprintf(frames->text + *used, room, " %c%s:%zu.spf%s",
				  node->term->qualifier,
				  spf_frame_kinds[node->term->mechanism].name, number, prefix);
	} else {
		length = snprintf(frames->text + *used, room, " redirect=%zu.spf", number);
	}
	assert(length > 0 && (size_t)length < room);
	*used += (size_t)length;
}

/* Nodes and text for the terms of frame number at. */
static void spf_frames_write_record(struct spf_frames *frames, size_t at,
				    const struct netaddr *client, size_t max_terms)
{
	const struct spf_record *record = frames->frames[at].record;
	size_t used = (size_t)snprintf(frames->text, sizeof(frames->text), "v=spf1");

	for (size_t i = 0; i < record->count && i < max_terms; i++) {
		const struct spf_term *term = &record->terms[i];
		spf_frames_write(frames, &used,
				 &(struct spf_node){.kind = spf_frame_kinds[term->mechanism].kind,
						    .frame = at,
						    .term = term,
						    .name = term->domain,
						    .has_macros = term->has_macros},
				 client);
	}
	/* libspf2 would take a redirect wherever it stands. */
	if (record->count < max_terms && record->redirect.length > 0)
		spf_frames_write(frames, &used,
				 &(struct spf_node){.kind = SPF_NODE_RECORD,
						    .frame = at,
						    .name = record->redirect,
						    .has_macros = record->redirect_has_macros},
				 client);
}

const struct spf_frame *spf_frames_add(struct spf_frames *frames, size_t node, const char *domain,
				       const struct spf_record *record,
				       const struct netaddr *client, size_t max_terms)
{
	assert(max_terms <= SPF_LIBRARY_TERMS_MAX);
	if (frames->count == frames->size) {
		frames->size = frames->size == 0 ? 4 : 2 * frames->size;
		frames->frames = mem_resize(frames->frames, frames->size * sizeof(*frames->frames));
	}
	size_t at = frames->count++;
	frames->frames[at] = (struct spf_frame){
		.record = record, .node = node, .first_node = frames->node_count};
	memcpy(frames->frames[at].domain, domain, strlen(domain) + 1);
	spf_frames_write_record(frames, at, client, max_terms);
	frames->frames[at].end_node = frames->node_count;
	return &frames->frames[at];
}

size_t spf_frames_write_term(const struct spf_frames *frames, size_t node, char *out, size_t size)
{
	static const char redirect[] = "redirect=";
	const struct spf_term *term = frames->nodes[node].term;
	size_t used = sizeof(redirect) - 1;

	if (term != NULL)
		return printable_line(out, size, term->text);
	assert(size > used);
	memcpy(out, redirect, used);
	return used + printable_line(out + used, size - used, frames->nodes[node].name);
}

void spf_frames_clear(struct spf_frames *frames)
{
	free(frames->frames);
	free(frames->nodes);
	*frames = (struct spf_frames){0};
}
