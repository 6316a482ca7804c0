# SPDX-License-Identifier: BSD-2-Clause
"""The system log: the lines that syslog(3) would send, whoever reads them, and whether anybody does."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from policy import GREYLISTED, new_recipient
from poll import wait_until

MAIL_INFO = 2 << 3 | 6  # RFC 3164 4.1.1
LINE = re.compile(rf'<{MAIL_INFO}>[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d sixgated\[(\d+)\]: (.*)', re.DOTALL)
DEVICES = ('null', 'urandom')

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(['unshare', '--mount', 'true'], capture_output=True, check=False).returncode != 0,
    reason='it takes root and a mount namespace, for a /dev/log of its own')


class SystemLog:
    """What listens at /dev/log."""

    def __init__(self, path):
        self.path = path
        self._socket = None
        self.start()

    def start(self, kind=socket.SOCK_DGRAM):
        self._socket = socket.socket(socket.AF_UNIX, kind)
        self._socket.bind(str(self.path))
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        self._socket.settimeout(30)

    def stop(self):
        self._socket.close()
        self.path.unlink()

    def restart(self, **how):
        self.stop()
        self.start(**how)

    def read(self):
        return self._socket.recv(65536).decode()

    def accept(self):
        connection, _ = self._socket.accept()
        connection.settimeout(30)
        return connection

    def read_until(self, wanted):
        """The line with wanted in it, all before it read."""
        while wanted not in (line := self.read()):
            pass
        return line


@pytest.fixture
def system_log(tmp_path):
    log = SystemLog(tmp_path / 'log.socket')
    yield log
    log.stop()


@pytest.fixture
def logging_daemon(daemon, system_log):
    """In a mount namespace whose /dev has a log that leads to system_log."""
    links = '; '.join(f'touch /mnt/{name} && mount --bind /dev/{name} /mnt/{name}' for name in DEVICES)
    script = (f'mount -t tmpfs tmpfs /mnt && {links}; ln -s {system_log.path} /mnt/log && '
              f'mount --move /mnt /dev && exec "$@"')
    command = [shutil.which('unshare'), '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh',
               *daemon.command()]
    daemon.start(command=command)
    return daemon


def ask(daemon):
    recipient = new_recipient()
    assert daemon.ask(recipient=recipient) == GREYLISTED
    return recipient


def test_each_verdict_is_a_line_as_syslog_sends_it(logging_daemon, system_log):
    recipients = [ask(logging_daemon) for _ in range(100)]
    for recipient in recipients:
        pid, text = LINE.fullmatch(system_log.read_until(f'recipient={recipient},')).groups()
        assert int(pid) == logging_daemon.pid
        assert text.startswith('action=greylist, reason=new, ')


def test_log_that_is_restarted_gets_the_next_lines(logging_daemon, system_log):
    system_log.read_until(ask(logging_daemon))
    system_log.restart()
    system_log.read_until(ask(logging_daemon))


def test_lines_are_lost_while_nobody_listens_and_mail_is_answered(logging_daemon, system_log):
    system_log.stop()
    ask(logging_daemon)
    system_log.start()
    # It is noticed with a line, which is the first to come, or one behind it.
    wait_until('there are lines again', lambda: ask(logging_daemon) and has_line(system_log))


def has_line(system_log):
    system_log._socket.settimeout(0.1)
    try:
        return LINE.fullmatch(system_log.read()) is not None
    except TimeoutError:
        return False
    finally:
        system_log._socket.settimeout(30)


def test_log_that_takes_streams_gets_its_lines(logging_daemon, system_log):
    system_log.restart(kind=socket.SOCK_STREAM)
    ask(logging_daemon)
    recipient = ask(logging_daemon)
    with system_log.accept() as connection:
        text = ''
        while f'recipient={recipient},' not in text:
            text += connection.recv(65536).decode()
    assert text.endswith('\0')
    assert LINE.fullmatch(text.split('\0')[-2])
