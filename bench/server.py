# SPDX-License-Identifier: BSD-2-Clause
"""One policy server while it runs: started, waited for, looked at, stopped."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from poll import wait_until

# A mail of its own over IPv4, which every server asks its database about, and none asks DNS.
FIRST_REQUEST = b'''request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address=192.0.2.1
client_name=mail.first.bench.example
reverse_client_name=mail.first.bench.example
helo_name=mail.first.bench.example
sender=first@first.bench.example
recipient=first@here.example
instance=1.0.0.0

'''
START_PATIENCE_S = 120
STOP_PATIENCE_S = 120


class Server:
    """command runs in the foreground, or, with pid_file, puts itself into the background and its id there."""

    def __init__(self, command, path, pid_file=None, environment=None):
        self.path = path
        begin_s = time.monotonic()
        self._process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        self._pid_file = pid_file
        wait_until(f'{command[0]} answers', self._is_answering, START_PATIENCE_S, pause_s=0.0005)
        self.start_s = time.monotonic() - begin_s
        self.pid = int(pid_file.read_text()) if pid_file else self._process.pid

    def _is_answering(self):
        status = self._process.poll()
        assert status is None or (self._pid_file and status == 0), f'the server ended with {status}'
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(self.path)) != 0:
                return False
            client.sendall(FIRST_REQUEST)
            return client.recv(1000).startswith(b'action=')

    def cpu_s(self):
        return cpu_s(self.pid)

    def memory_kb(self):
        return memory_kb(self.pid)

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        """End it as its init script would; its exit status when it is gone."""
        if self._pid_file:
            wait_until('the server has ended', self._has_ended_in_background, STOP_PATIENCE_S)
        else:
            self.signal(signal.SIGTERM)
        return self._process.wait(STOP_PATIENCE_S)

    def _has_ended_in_background(self):
        """Told again each time: Perl's servers sleep on when a signal comes right before they wait for requests."""
        self.signal(signal.SIGTERM)
        # We are process 1 here, so that it is ours to collect.
        return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid


UTIME, CUTIME = 11, 13  # fields of proc(5)'s stat behind the name; that of the system is the next one each


def cpu_s(pid):
    """User and system time of all its threads so far."""
    return _cpu_s(pid, UTIME)


def children_cpu_s(pid):
    """The same of its children that have ended."""
    return _cpu_s(pid, CUTIME)


def _cpu_s(pid, field):
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(') ')[2].split()
    return (int(fields[field]) + int(fields[field + 1])) / os.sysconf('SC_CLK_TCK')


def memory_kb(pid):
    """Resident now, and at most so far."""
    status = Path(f'/proc/{pid}/status').read_text()
    return {name: int(re.search(rf'{name}:\s+(\d+) kB', status).group(1)) for name in ('VmRSS', 'VmHWM')}
