# SPDX-License-Identifier: BSD-2-Clause
"""How the kernel schedules a thread: sched_getattr(2), which Python does not have."""

import ctypes
import os
import platform
import struct
import subprocess
import sys
from typing import NamedTuple

import pytest

SYS_SCHED_GETATTR = {'x86_64': 315, 'aarch64': 275}.get(platform.machine()) if sys.maxsize > 2**32 else None

# struct sched_attr, in its first version.
ATTR = struct.Struct('=IIQiIQQQ')


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


def _can_have_turns():
    """Whether the kernel has turns of different lengths, since 6.12, and lets a process choose how it is scheduled."""
    if SYS_SCHED_GETATTR is None:
        return False
    here = turns_of(0)
    return (here.policy == os.SCHED_OTHER and here.length_ns > 0 and
            subprocess.run(['chrt', '--other', '0', 'true'], capture_output=True, check=False).returncode == 0)


needs_turns = pytest.mark.skipif(not _can_have_turns(), reason='no turns of a thread are to be had here')
