/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include "screen.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A page has 1000 entries at most, each below two kilobytes; all else is far smaller. */
enum {
	CLIENT_ANSWER_MAX = 16 << 20,
	CLIENT_TIMEOUT_S = 90,
	/* Many entries are removed slowly, for the sake of the mail meanwhile; the daemon gives up
	 * before us. */
	CLIENT_REMOVAL_TIMEOUT_S = 930,
	CLIENT_URL_MAX = 16384
};

static size_t on_client_data(char *data, size_t size, size_t count, void *arg)
{
	struct client_answer *answer = arg;
	size_t length = size * count;

	if (length > CLIENT_ANSWER_MAX - answer->length)
		return 0;
	answer->text = mem_resize(answer->text, answer->length + length + 1);
	memcpy(answer->text + answer->length, data, length);
	answer->length += length;
	answer->text[answer->length] = '\0';
	return length;
}

/* The URL with its query, percent-encoded; NULL when it is too long.  Free it. */
static char *client_url(CURL *curl, const struct client_request *request)
{
	char *url = mem_alloc(CLIENT_URL_MAX);
	size_t length = (size_t)snprintf(url, CLIENT_URL_MAX, "http://localhost%s", request->path);
	char separator = '?';

	for (size_t i = 0; i < request->field_count; i++) {
		const struct client_field *field = &request->fields[i];
		if (field->value == NULL)
			continue;
		char *value = curl_easy_escape(curl, field->value, (int)strlen(field->value));
		if (value == NULL)
			value = curl_easy_escape(curl, "", 0);
		length += (size_t)snprintf(url + length, CLIENT_URL_MAX - length, "%c%s=%s",
					   separator, field->name, value != NULL ? value : "");
		curl_free(value);
		if (length >= CLIENT_URL_MAX) {
			free(url);
			return NULL;
		}
		separator = '&';
	}
	return url;
}

/* Who may come in, for somebody who may not. */
static void client_tell_permission(const char *path)
{
	struct stat look;

	if (stat(path, &look) != 0) {
		screen_complain("%s: permission denied: its folder is closed to you; root and the "
				"daemon's user may ask",
				path);
		return;
	}
	const struct group *group = getgrgid(look.st_gid);
	const struct passwd *owner = getpwuid(look.st_uid);
	screen_complain("%s: permission denied: root, the daemon's user%s%s%s and members of the "
			"group %s may ask",
			path, owner != NULL ? " (" : "", owner != NULL ? owner->pw_name : "",
			owner != NULL ? ")" : "", group != NULL ? group->gr_name : "of the socket");
}

/* curl tells only that it could not connect: find out why, as that is what a person can mend. */
static void client_tell_no_connection(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error = ENAMETOOLONG;

	if (strlen(path) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, strlen(path) + 1);
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool is_open =
			fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
		error = is_open ? 0 : errno;
		if (fd >= 0)
			close(fd);
	}
	if (error == EACCES || error == EPERM)
		client_tell_permission(path);
	else if (error == ENOENT)
		screen_complain("%s: there is no such socket: sixgated is not running, or has its "
				"admin_listen elsewhere (see -s and -c)",
				path);
	else if (error == ECONNREFUSED)
		screen_complain("%s: nobody listens there: sixgated is not running", path);
	else
		screen_complain("%s: cannot connect: %s", path,
				error != 0 ? strerror(error) : "it did not answer in time");
}

/* Run the request.  Whether a whole answer came; if none did, that is told. */
static bool client_perform(CURL *curl, const struct ctl *ctl, struct client_answer *answer)
{
	CURLcode code = curl_easy_perform(curl);

	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
		return true;
	}
	if (code == CURLE_COULDNT_CONNECT)
		client_tell_no_connection(ctl->socket_path);
	else if (code == CURLE_WRITE_ERROR)
		screen_complain("%s: the answer is too long", ctl->socket_path);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		screen_complain("%s: sixgated did not answer in time", ctl->socket_path);
	else
		screen_complain("%s: the answer broke off: %s", ctl->socket_path,
				curl_easy_strerror(code));
	return false;
}

static void client_set_options(CURL *curl, const struct ctl *ctl, const char *method,
			       struct client_answer *answer)
{
	const char *timeout = getenv("SIXGATECTL_TIMEOUT"); /* seconds */
	long timeout_s = timeout != NULL ? strtol(timeout, NULL, 10) : 0;
	long patience_s =
		strcmp(method, "DELETE") == 0 ? CLIENT_REMOVAL_TIMEOUT_S : CLIENT_TIMEOUT_S;

	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, ctl->socket_path);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, timeout_s > 0 ? timeout_s : patience_s);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* The environment's proxies are for the web. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_client_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

/* A whole answer, of whatever status. */
static bool client_fetch(const struct ctl *ctl, const struct client_request *request,
			 struct client_answer *answer)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;
	char *body = NULL;
	bool is_whole = false;

	if (curl == NULL)
		return false;
	char *url = client_url(curl, request);
	if (url == NULL) {
		screen_complain("%s: the question is too long", request->path);
		goto out;
	}
	client_set_options(curl, ctl, request->method, answer);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (request->body != NULL) {
		body = json_dumps(request->body, JSON_COMPACT);
		headers = curl_slist_append(headers, "Content-Type: application/json");
		headers = curl_slist_append(headers, "Expect:");
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body != NULL ? body : "");
	} else if (strcmp(request->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	}
	is_whole = client_perform(curl, ctl, answer);
out:
	curl_slist_free_all(headers);
	free(body);
	free(url);
	curl_easy_cleanup(curl);
	return is_whole;
}

/* What the daemon says against it. */
static void client_tell_refusal(const struct client_answer *answer)
{
	const char *error = json_string_value(json_object_get(answer->json, "error"));
	const json_t *message;
	size_t i;

	if (error != NULL)
		screen_complain("%s", error);
	else
		screen_complain("the daemon answers %ld", answer->status);
	json_array_foreach (json_object_get(answer->json, "messages"), i, message)
		if (json_is_string(message))
			screen_complain("%s", json_string_value(message));
}

int client_ask(const struct ctl *ctl, const struct client_request *request,
	       struct client_answer *answer)
{
	*answer = (struct client_answer){0};
	if (!client_fetch(ctl, request, answer)) {
		client_answer_clear(answer);
		return CTL_UNREACHABLE;
	}
	if (answer->text == NULL)
		answer->text = mem_copy_string("");
	answer->json = json_loadb(answer->text, answer->length, 0, NULL);
	if (answer->json != NULL && !json_is_object(answer->json)) {
		json_decref(answer->json);
		answer->json = NULL;
	}
	if (answer->status < 400 || (request->takes_any_status && answer->json != NULL))
		return CTL_DONE;
	if (ctl->is_json)
		fwrite(answer->text, 1, answer->length, stdout);
	client_tell_refusal(answer);
	client_answer_clear(answer);
	return CTL_REFUSED;
}

int client_ask_json(const struct ctl *ctl, const struct client_request *request,
		    struct client_answer *answer)
{
	int status = client_ask(ctl, request, answer);

	if (status != CTL_DONE)
		return status;
	if (answer->json == NULL) {
		screen_complain("%s: what came is no answer of sixgated's", ctl->socket_path);
		client_answer_clear(answer);
		return CTL_UNREACHABLE;
	}
	if (ctl->is_json) {
		fwrite(answer->text, 1, answer->length, stdout);
		json_decref(answer->json);
		answer->json = NULL;
	}
	return CTL_DONE;
}

void client_answer_clear(struct client_answer *answer)
{
	free(answer->text);
	json_decref(answer->json);
	*answer = (struct client_answer){0};
}
