/* SPDX-License-Identifier: BSD-2-Clause */
#include "scheduling.h"

/* Not <sched.h>: some versions of it define the same as these. */
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The shortest that the kernel takes; all that is done for one request takes less. */
static const uint64_t SCHEDULING_TURN_NS = 100 * 1000;

void scheduling_shorten_turns(void)
{
	struct sched_attr attr = {0};

	/* A kernel that has no turns tells none. */
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) != 0 || attr.sched_runtime == 0 ||
	    (attr.sched_policy != SCHED_NORMAL && attr.sched_policy != SCHED_BATCH))
		return;
	attr.sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	attr.sched_runtime = SCHEDULING_TURN_NS;
	(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}
