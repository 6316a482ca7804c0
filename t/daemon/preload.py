# SPDX-License-Identifier: BSD-2-Clause
"""Libraries of t/rig that are loaded into the daemon before all else, and do to it what the world does."""

import os
import struct

from daemon import PROGRAM


def preload(library, **variables):
    """The environment in which Daemon.start() starts a daemon with t/rig/LIBRARY.c in it."""
    path = PROGRAM.parent / 't' / f'lib{library}.so'
    assert path.exists(), f'{path}: no such library; build it'
    # A sanitizer wants to be the first itself, but works as the second.
    sanitizer = os.environ.get('ASAN_OPTIONS', 'detect_leaks=1')
    return {'LD_PRELOAD': str(path), 'ASAN_OPTIONS': f'{sanitizer}:verify_asan_link_order=0',
            **{name: str(value) for name, value in variables.items()}}


class Clock:
    """The wall clock of a daemon, which a test sets forth and back while it runs."""

    def __init__(self, path):
        self._path = path
        self.set(0)
        self.environment = preload('clock_shift', CLOCK_SHIFT=path)

    def set(self, seconds):
        """So far ahead of the machine's own clock from now on."""
        with self._path.open('r+b' if self._path.exists() else 'wb') as file:
            file.write(struct.pack('=q', seconds))


class Disk:
    """The disk of a database, which takes nothing more when a test says so."""

    def __init__(self, database, path):
        self._path = path
        self.fail(0)
        self.environment = preload('disk_fault', DISK_WATCHED=database, DISK_FAULT=path)

    def fail(self, number):
        """Writing fails with this errno from now on; 0: it does not."""
        with self._path.open('r+b' if self._path.exists() else 'wb') as file:
            file.write(struct.pack('=i', number))


class Memory:
    """The memory of a daemon, which ends where a test wants it to."""

    _LAYOUT = '=qqq'  # struct memory_limit

    def __init__(self, path):
        self._path = path
        path.write_bytes(bytes(struct.calcsize(self._LAYOUT)))
        self.environment = preload('memory_limit', MEMORY_LIMIT=path)

    @property
    def allocations(self):
        """How many there were."""
        return struct.unpack(self._LAYOUT, self._path.read_bytes())[0]

    def end(self, number, count=None):
        """The number-th allocation from now on fails, and so do those behind it: count in all, or every one."""
        first = self.allocations + number
        last = first + count - 1 if count else (1 << 62)
        with self._path.open('r+b') as file:
            file.seek(8)
            file.write(struct.pack('=qq', first, last))

    def begin_anew(self):
        """Whoever is started next counts from the beginning, and has all it wants."""
        with self._path.open('r+b') as file:
            file.write(bytes(struct.calcsize(self._LAYOUT)))
