# SPDX-License-Identifier: BSD-2-Clause
"""A service manager as sd_notify(3) and sd_listen_fds(3) know it."""

import fcntl
import os
import socket
import sys
from contextlib import contextmanager

from poll import PATIENCE_S

# Beyond the descriptors that passed sockets become, so that no move overwrites another one's source.
HIGH_FD = 20


class Manager:
    """Hears what the daemon says to NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._socket.bind(str(path))

    def environment(self, **more):
        return {'NOTIFY_SOCKET': str(self.path), **more}

    def hear(self):
        """The next message, as a dictionary."""
        return dict(line.split('=', 1) for line in self._socket.recv(4096).decode().splitlines())

    def hear_until(self, name):
        """The next message with this name in it; what comes before must be the watchdog's."""
        while name not in (message := self.hear()):
            assert message == {'WATCHDOG': '1'}, message
        return message

    def close(self):
        self._socket.close()


# What systemd does between fork and exec: argv[1] is how many, then come the descriptors, then the command.
# argv[2] is their names, or empty.
PASSING = """
import os, sys
count = int(sys.argv[1])
for i, number in enumerate(sys.argv[3:3 + count]):
    os.dup2(int(number), 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
if sys.argv[2]:
    os.environ['LISTEN_FDNAMES'] = sys.argv[2]
os.execv(sys.argv[3 + count], sys.argv[3 + count:])
"""


@contextmanager
def passed(sockets, command, names=''):
    """Options for Daemon.start() that run command with sockets as its descriptors 3, 4, ..., perhaps with names
    ("policy:admin")."""
    copies = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD, HIGH_FD) for each in sockets]
    yield {'command': [sys.executable, '-c', PASSING, str(len(copies)), names, *map(str, copies), *command],
           'pass_fds': copies}
    for copy in copies:
        os.close(copy)
