/* SPDX-License-Identifier: BSD-2-Clause */
#include "syslog_link.h"

#include <errno.h>
#include <paths.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	SYSLOG_LINK_LINES = 32,       /* with one call */
	SYSLOG_LINK_LINE_SIZE = 4352, /* a line of ours, and what stands in front of it */
	SYSLOG_LINK_HEAD_SIZE = 128,
};

/* A line that waits, with its head in front: "<22>Nov 25 23:59:59 sixgated[123]: ". */
struct syslog_link_line {
	int level;
	size_t head_length, length;
	char text[SYSLOG_LINK_LINE_SIZE];
};

static struct {
	const char *ident; /* borrowed */
	int facility;
	int fd;                           /* -1: nobody was there */
	bool is_by_library;               /* the log daemon wants another kind of socket */
	time_t head_s;                    /* the second that head is of */
	char head[SYSLOG_LINK_HEAD_SIZE]; /* without the priority */
	size_t count;
	struct syslog_link_line lines[SYSLOG_LINK_LINES];
} link_to = {.fd = -1};

/* False: nobody is there. */
static bool syslog_link_connect(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};

	if (link_to.fd >= 0)
		close(link_to.fd);
	link_to.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (link_to.fd < 0)
		return false;
	if (connect(link_to.fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	/* It listens for streams, as syslog(3) knows to speak to. */
	link_to.is_by_library = errno == EPROTOTYPE;
	close(link_to.fd);
	link_to.fd = -1;
	return false;
}

void syslog_link_open(const char *ident, int facility)
{
	link_to.ident = ident;
	link_to.facility = facility;
	openlog(ident, LOG_PID, facility);
	(void)syslog_link_connect();
}

/* The head of a line is the same for a second. */
static void syslog_link_renew_head(void)
{
	time_t now_s = time(NULL);
	struct tm local;

	if (now_s == link_to.head_s)
		return;
	link_to.head_s = now_s;
	localtime_r(&now_s, &local);
	size_t length = strftime(link_to.head, sizeof(link_to.head), "%h %e %T ", &local);
	snprintf(link_to.head + length, sizeof(link_to.head) - length, "%s[%d]: ", link_to.ident,
		 (int)getpid());
}

void syslog_link_add(int level, const char *before, struct span line)
{
	if (link_to.count == SYSLOG_LINK_LINES)
		syslog_link_flush();
	syslog_link_renew_head();
	struct syslog_link_line *taken = &link_to.lines[link_to.count++];
	int head = snprintf(taken->text, sizeof(taken->text), "<%d>%s", link_to.facility | level,
			    link_to.head);
	taken->level = level;
	taken->head_length = head < 0 ? 0 : (size_t)head;
	int length =
		snprintf(taken->text + taken->head_length, sizeof(taken->text) - taken->head_length,
			 "%s%.*s", before, (int)line.length, line.text);
	taken->length = taken->head_length + (length < 0 ? 0 : (size_t)length);
	if (taken->length >= sizeof(taken->text))
		taken->length = sizeof(taken->text) - 1;
}

/* Send the lines from first on; how many went out.  -1: none, see errno. */
static int syslog_link_send(size_t first)
{
	struct mmsghdr messages[SYSLOG_LINK_LINES] = {0};
	struct iovec parts[SYSLOG_LINK_LINES];

	for (size_t i = first; i < link_to.count; i++) {
		parts[i] = (struct iovec){link_to.lines[i].text, link_to.lines[i].length};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(link_to.fd, messages + first, (unsigned)(link_to.count - first),
			MSG_NOSIGNAL);
}

/* Send what can be sent; how many lines went out. */
static size_t syslog_link_send_all(void)
{
	size_t sent = 0;
	bool has_connected = false;

	while (sent < link_to.count) {
		int more = link_to.fd >= 0 ? syslog_link_send(sent) : -1;
		if (more > 0) {
			sent += (size_t)more;
			has_connected = false;
			continue;
		}
		if (link_to.fd >= 0 && errno == EINTR)
			continue;
		/* Restarted, it has another socket; when it is gone, so is what is said. */
		if (has_connected || !syslog_link_connect())
			break;
		has_connected = true;
	}
	return sent;
}

void syslog_link_flush(void)
{
	size_t sent = link_to.is_by_library ? 0 : syslog_link_send_all();

	for (; link_to.is_by_library && sent < link_to.count; sent++) {
		const struct syslog_link_line *line = &link_to.lines[sent];
		syslog(line->level, "%.*s", (int)(line->length - line->head_length),
		       line->text + line->head_length);
	}
	link_to.count = 0;
}
