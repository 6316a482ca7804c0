/* SPDX-License-Identifier: BSD-2-Clause */
/* When the kernel lets the calling thread run. */
#pragma once

/*
 * Let the calling thread have its processor in short turns (sched_setattr(2): sched_runtime), and
 * so soon: when it wakes, it runs before a thread that is in the middle of a longer one, one of the
 * store's say, instead of behind it.  It has no more of the processor than before.
 *
 * Its policy and nice value stay.  Threads that it begins from then on have turns of the usual
 * length, and the usual policy; a nice value below 0 is not handed on to them.
 * Only Linux 6.12 and later have such a thing, and only for SCHED_OTHER and SCHED_BATCH: else, and
 * where it is forbidden (SystemCallFilter=), nothing happens.
 */
void scheduling_shorten_turns(void);
