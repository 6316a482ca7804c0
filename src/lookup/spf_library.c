/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_library.h"

#include "base/log.h"
#include "base/memory.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without it, its headers want to define ns_type themselves. */
#define HAVE_NS_TYPE 1
#include <spf2/spf.h>

/* Type SPF (99) was given up (RFC 7208 3.1); Debian's libspf2 does not ask for it, others do. */
enum { SPF_LIBRARY_TYPE_SPF = 99 };

struct spf_library {
	SPF_dns_server_t dns; /* hook: the library */
	SPF_server_t *server; /* owned */
	/* Of the run that is on; borrowed. */
	const struct netaddr *client;
	spf_library_lookup_fn *lookup;
	void *arg;
};

static void __attribute__((noreturn)) on_spf_error(const char *file, int line, const char *message)
{
	/* So it begins all that it says about memory (1.2.10). */
	if (strncmp(message, "Failed to allocate", strlen("Failed to allocate")) == 0)
		mem_exhausted(0);
	log_fatal("libspf2 gives up: %s (%s:%d)", message, file, line);
}

/* To make a server takes nothing but memory; it says so by "Error code 1". */
static void __attribute__((noreturn))
on_spf_new_error(const char *file, int line, const char *message)
{
	(void)file, (void)line, (void)message;
	mem_exhausted(0);
}

static void on_spf_message(const char *file, int line, const char *message)
{
	log_debug("libspf2: %s (%s:%d)", message, file, line);
}

/* Memory is there or the process ends, as everywhere (memory.h). */
static void spf_library_need(const void *memory)
{
	if (memory == NULL)
		mem_exhausted(0);
}

/*
 * libspf2 lets a loopback client pass whatever the record says.  So it is shown as another one, as
 * are the addresses that it is compared to: with the first bit flipped, which changes no
 * comparison.
 */
static uint8_t spf_library_mask(const struct netaddr *client)
{
	static const uint8_t loopback_v6[16] = {[15] = 1};
	bool is_loopback = client->bits == 32
				   ? client->bytes[0] == 127
				   : memcmp(client->bytes, loopback_v6, sizeof(loopback_v6)) == 0;
	return is_loopback ? 0x80 : 0;
}

/* Room for record number i of rr, of size bytes. */
static SPF_dns_rr_data_t *spf_library_add(SPF_dns_rr_t *rr, size_t size)
{
	SPF_errcode_t error = SPF_dns_rr_buf_realloc(rr, rr->num_rr, size);

	if (error != SPF_E_SUCCESS)
		mem_exhausted(size);
	rr->herrno = NETDB_SUCCESS;
	return rr->rr[rr->num_rr++];
}

static void spf_library_add_text(SPF_dns_rr_t *rr, const char *text)
{
	size_t size = strlen(text) + 1;

	/* The texts of TXT and MX are in the same place: it is a union. */
	memcpy(spf_library_add(rr, size)->txt, text, size);
}

static void spf_library_add_address(SPF_dns_rr_t *rr, const struct netaddr *addr, uint8_t mask)
{
	SPF_dns_rr_data_t *data = spf_library_add(rr, sizeof(*data));
	uint8_t bytes[16];

	memcpy(bytes, addr->bytes, sizeof(bytes));
	bytes[0] ^= mask;
	if (rr->rr_type == ns_t_a)
		memcpy(&data->a, bytes, sizeof(data->a));
	else
		memcpy(&data->aaaa, bytes, sizeof(data->aaaa));
}

/*
 * A name may have thousands of addresses, each of which would be an allocation in libspf2, in each
 * run.  Of more than a few only those are shown that match; it compares them all the same.
 */
static void spf_library_add_addresses(SPF_dns_rr_t *rr, const struct spf_library_reply *reply,
				      uint8_t mask)
{
	enum { ADDRESSES_MAX = 32 };
	size_t count = dns_answer_count(reply->addresses);

	for (size_t i = 0; i < count && rr->num_rr < ADDRESSES_MAX; i++) {
		const struct netaddr *addr = dns_answer_address(reply->addresses, i);
		if (count <= ADDRESSES_MAX || network_contains(&reply->network, addr))
			spf_library_add_address(rr, addr, mask);
	}
}

static void spf_library_fill(const struct spf_library *library, SPF_dns_rr_t *rr,
			     const struct spf_library_reply *reply)
{
	uint8_t mask = spf_library_mask(library->client);
	char name[32];

	if (reply->record != NULL)
		spf_library_add_text(rr, reply->record);
	for (size_t i = 0; i < reply->host_count; i++) {
		snprintf(name, sizeof(name), "%zu.spf", reply->first_number + i);
		spf_library_add_text(rr, name);
	}
	if (reply->addresses != NULL)
		spf_library_add_addresses(rr, reply, mask);
	if (reply->has_client)
		spf_library_add_address(rr, library->client, mask);
}

static SPF_dns_rr_t *on_spf_lookup(SPF_dns_server_t *dns, const char *domain, ns_type type,
				   int should_cache)
{
	const struct spf_library *library = dns->hook;
	struct spf_library_reply reply = {0};
	char *end;

	(void)should_cache;
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(dns, domain, type, 0, HOST_NOT_FOUND);
	spf_library_need(rr);
	if ((int)type == SPF_LIBRARY_TYPE_SPF)
		return rr;
	unsigned long number = strtoul(domain, &end, 10);
	assert(end > domain && strcmp(end, ".spf") == 0 && number < UINT_MAX);
	library->lookup((unsigned)number, (enum dns_type)type, &reply, library->arg);
	if (reply.is_failed)
		rr->herrno = TRY_AGAIN;
	else
		spf_library_fill(library, rr, &reply);
	return rr;
}

/* Explanations are never asked for: no record has an "exp=". */
static SPF_errcode_t on_spf_explanation(SPF_server_t *server, const char *domain, char **text,
					size_t *size)
{
	(void)server, (void)domain, (void)text, (void)size;
	return SPF_E_NOT_SPF;
}

struct spf_library *spf_library_new(void)
{
	struct spf_library *library = mem_alloc(sizeof(*library));

	SPF_error_handler = on_spf_new_error;
	SPF_warning_handler = on_spf_message;
	SPF_info_handler = on_spf_message;
	SPF_debug_handler = on_spf_message;
	library->dns = (SPF_dns_server_t){.lookup = on_spf_lookup,
					  .get_exp = on_spf_explanation,
					  .name = "sixgate",
					  .hook = library};
	library->server = SPF_server_new_dns(&library->dns, 0);
	spf_library_need(library->server);
	SPF_error_handler = on_spf_error;
	/* It counts each response for itself, and wrongly; whoever answers the lookups counts. */
	SPF_server_set_max_dns_mech(library->server, INT_MAX);
	SPF_server_set_max_dns_mx(library->server, INT_MAX);
	return library;
}

static void spf_library_set_client(const struct spf_library *library, SPF_request_t *request)
{
	struct netaddr client = *library->client;

	client.bytes[0] ^= spf_library_mask(&client);
	if (client.bits == 32) {
		struct in_addr v4;
		memcpy(&v4, client.bytes, sizeof(v4));
		SPF_request_set_ipv4(request, v4);
	} else {
		struct in6_addr v6;
		memcpy(&v6, client.bytes, sizeof(v6));
		SPF_request_set_ipv6(request, v6);
	}
}

static enum spf_result spf_library_result(SPF_response_t *response)
{
	SPF_errcode_t error = SPF_response_errcode(response);

	switch (SPF_response_result(response)) {
	case SPF_RESULT_NEUTRAL:
		return SPF_NEUTRAL;
	case SPF_RESULT_PASS:
		return SPF_PASS;
	case SPF_RESULT_FAIL:
		return SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return SPF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return SPF_NONE;
	case SPF_RESULT_TEMPERROR:
		return SPF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
		return SPF_PERMERROR;
	case SPF_RESULT_INVALID:
		break;
	}
	/* Some errors leave it without a result. */
	return error == SPF_E_DNS_ERROR ? SPF_TEMPERROR : SPF_PERMERROR;
}

/* A record for which it had no memory is to it a record that is wrong; only its messages tell. */
static void spf_library_need_all(SPF_response_t *response)
{
	bool is_short = SPF_response_errcode(response) == SPF_E_NO_MEMORY;

	for (int i = 0; i < SPF_response_messages(response); i++)
		is_short = is_short ||
			   SPF_error_code(SPF_response_message(response, i)) == SPF_E_NO_MEMORY;
	if (is_short)
		mem_exhausted(0);
}

enum spf_result spf_library_run(struct spf_library *library, const struct netaddr *client,
				spf_library_lookup_fn *lookup, void *arg, bool *is_default)
{
	SPF_response_t *response = NULL;

	library->client = client;
	library->lookup = lookup;
	library->arg = arg;
	/* A request keeps what it once found, so that each run gets a new one. */
	SPF_request_t *request = SPF_request_new(library->server);
	spf_library_need(request);
	spf_library_set_client(library, request);
	SPF_request_set_env_from(request, "a@0.spf");
	spf_library_need(request->env_from_dp);
	SPF_request_query_mailfrom(request, &response);
	spf_library_need(response);
	spf_library_need_all(response);
	enum spf_result result = spf_library_result(response);
	*is_default = SPF_response_reason(response) == SPF_REASON_DEFAULT;
	SPF_response_free(response);
	SPF_request_free(request);
	return result;
}

void spf_library_free(struct spf_library **library)
{
	if (*library == NULL)
		return;
	SPF_server_free((*library)->server);
	free(*library);
	*library = NULL;
}
