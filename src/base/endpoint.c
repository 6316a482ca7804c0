/* SPDX-License-Identifier: BSD-2-Clause */
#include "endpoint.h"

#include "memory.h"

#include <stdlib.h>
#include <sys/un.h>

/* A number from 1 to 65535; or a name of services(5), which begins with a letter. */
static bool endpoint_port_is_valid(struct span port)
{
	unsigned number = 0;

	if (port.length > 0 && !ascii_is_digit(port.text[0]))
		return ascii_lower(port.text[0]) >= 'a' && ascii_lower(port.text[0]) <= 'z';
	for (size_t i = 0; i < port.length && number <= 65535; i++) {
		if (!ascii_is_digit(port.text[i]))
			return false;
		number = 10 * number + (unsigned)(port.text[i] - '0');
	}
	return number >= 1 && number <= 65535;
}

static const char *endpoint_parse_inet(struct endpoint *endpoint, struct span text)
{
	size_t colon = span_find_last(text, ':');
	if (colon == text.length)
		return "a port is missing, as in inet:127.0.0.1:10030";
	struct span host = span_first(text, colon);
	struct span port = span_from(text, colon + 1);
	if (!endpoint_port_is_valid(port))
		return "expected a port from 1 to 65535, or the name of a service";
	if (host.length >= 2 && host.text[0] == '[' && host.text[host.length - 1] == ']')
		host = (struct span){host.text + 1, host.length - 2};
	else if (span_find(host, ':') < host.length || span_find(host, '[') < host.length)
		return "an IPv6 address needs brackets, as in inet:[::1]:10030";
	if (host.length == 0)
		return "the host is empty; write inet:127.0.0.1:PORT, or inet:0.0.0.0:PORT for all";
	endpoint->kind = ENDPOINT_INET;
	endpoint->host = mem_copy_text(host.text, host.length);
	endpoint->port = mem_copy_text(port.text, port.length);
	return NULL;
}

const char *endpoint_parse(struct endpoint *endpoint, struct span text)
{
	*endpoint = (struct endpoint){.text = mem_copy_text(text.text, text.length)};
	if (span_starts_with(text, SPAN("inet:")))
		return endpoint_parse_inet(endpoint, span_from(text, 5));
	if (!span_starts_with(text, SPAN("unix:")))
		return "expected unix:PATH, inet:HOST:PORT or inet:[ADDR]:PORT";

	struct span path = span_from(text, 5);
	if (path.length == 0)
		return "the path is empty";
	if (path.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "the path is longer than a socket's name may be (107 bytes)";
	endpoint->kind = ENDPOINT_UNIX;
	endpoint->path = mem_copy_text(path.text, path.length);
	return NULL;
}

void endpoint_clear(struct endpoint *endpoint)
{
	free(endpoint->text);
	free(endpoint->path);
	free(endpoint->host);
	free(endpoint->port);
	*endpoint = (struct endpoint){0};
}
