# SPDX-License-Identifier: BSD-2-Clause
"""How the kernel schedules a thread: sched_getattr(2), which Python does not have."""

import ctypes
import os
import platform
import struct
from typing import NamedTuple

import pytest

SYS_SCHED_GETATTR = {'x86_64': 315, 'aarch64': 275}.get(platform.machine())
KERNEL = tuple(int(part) for part in platform.release().split('.')[:2])

# struct sched_attr, in its first version.
ATTR = struct.Struct('=IIQiIQQQ')

needs_turns = pytest.mark.skipif(SYS_SCHED_GETATTR is None or KERNEL < (6, 12),
                                 reason='the kernel, or this test, knows no turns of a thread')


class Turns(NamedTuple):
    policy: int
    is_reset_on_fork: bool  # the threads that it begins have none of this
    nice: int
    length_ns: int


def turns_of(thread):
    attr = ctypes.create_string_buffer(ATTR.size)
    if ctypes.CDLL(None, use_errno=True).syscall(SYS_SCHED_GETATTR, thread, attr, ATTR.size, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _, policy, flags, nice, _, length_ns, _, _ = ATTR.unpack(attr.raw)
    return Turns(policy, bool(flags & 1), nice, length_ns)
