/* SPDX-License-Identifier: BSD-2-Clause */
#include "wakeup.h"

#include "log.h"
#include "memory.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct wakeup {
	int fd;
	struct event *readable; /* owned */
	wakeup_fn *fn;
	void *arg;
};

static void on_wakeup(evutil_socket_t fd, short events, void *arg)
{
	struct wakeup *wakeup = arg;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("eventfd: %s", strerror(errno));
	wakeup->fn(wakeup->arg);
}

struct wakeup *wakeup_new(struct event_base *base, wakeup_fn *fn, void *arg)
{
	struct wakeup *wakeup = mem_alloc(sizeof(*wakeup));

	wakeup->fn = fn;
	wakeup->arg = arg;
	wakeup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup->fd >= 0)
		wakeup->readable =
			event_new(base, wakeup->fd, EV_READ | EV_PERSIST, on_wakeup, wakeup);
	if (wakeup->readable == NULL || event_add(wakeup->readable, NULL) != 0)
		wakeup_free(&wakeup);
	return wakeup;
}

void wakeup_send(struct wakeup *wakeup)
{
	uint64_t one = 1;
	/* It takes a write of 1 unless 2^64 - 2 of them were not read. */
	if (write(wakeup->fd, &one, sizeof(one)) != sizeof(one))
		log_error("eventfd: %s", strerror(errno));
}

void wakeup_free(struct wakeup **wakeup)
{
	if (*wakeup == NULL)
		return;
	if ((*wakeup)->readable != NULL)
		event_free((*wakeup)->readable);
	if ((*wakeup)->fd >= 0)
		close((*wakeup)->fd);
	free(*wakeup);
	*wakeup = NULL;
}
