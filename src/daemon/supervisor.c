/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor.h"

#include "base/clock.h"
#include "base/memory.h"

#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

struct supervisor {
	struct event *watchdog; /* owned; NULL when nobody watches */
};

static void on_watchdog(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

struct supervisor *supervisor_new(struct event_base *base)
{
	struct supervisor *supervisor = mem_alloc(sizeof(*supervisor));
	uint64_t timeout_us;

	if (sd_watchdog_enabled(0, &timeout_us) > 0) {
		/* Half of it, as sd_watchdog_enabled(3) advises. */
		struct timeval every = {.tv_sec = (time_t)(timeout_us / 2 / 1000000),
					.tv_usec = (suseconds_t)(timeout_us / 2 % 1000000)};
		supervisor->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
		event_add(supervisor->watchdog, &every);
	}
	supervisor_tell_ready();
	return supervisor;
}

void supervisor_tell_reloading(void)
{
	/* Type=notify-reload wants the monotonic time, so that it can tell an old message. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_ms() * 1000);
}

void supervisor_tell_ready(void)
{
	sd_notify(0, "READY=1");
}

void supervisor_tell_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void supervisor_free(struct supervisor **supervisor)
{
	if (*supervisor == NULL)
		return;
	if ((*supervisor)->watchdog != NULL)
		event_free((*supervisor)->watchdog);
	free(*supervisor);
	*supervisor = NULL;
}
