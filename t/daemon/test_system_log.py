# SPDX-License-Identifier: BSD-2-Clause
"""A system log that does not read: mail goes on, and what is lost of the log is told."""

import re
import socket
import threading

import pytest

from policy import GREYLISTED, new_recipient
from poll import wait_until
from preload import Clock
from user import can_mount

pytestmark = pytest.mark.skipif(not can_mount(), reason='needs root, for a /dev/log of its own')

# $0 becomes /dev for the daemon alone, with the log that the test made.
OWN_DEV = '''
mount -t tmpfs tmpfs "$0"
for node in null zero random urandom; do
    touch "$0/$node"
    mount --bind "/dev/$node" "$0/$node"
done
ln -s "$1" "$0/log"
mount --rbind "$0" /dev
shift
exec "$@"
'''

LONG_SENDER = f'{"x" * 3000}@sender.example'
# More than a megabyte, which the log keeps for a slow reader, and what the kernel keeps for him: of the sender
# half a kilobyte is logged.
LINES = 2500


class SystemLog:
    """/dev/log of one daemon."""

    def __init__(self, folder):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / 'system-log'))
        self._folder = folder
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._lines = []

    def command(self, daemon):
        dev = self._folder / 'dev'
        dev.mkdir(exist_ok=True)
        return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', OWN_DEV, str(dev),
                str(self._folder / 'system-log'), *daemon.command()]

    def read(self):
        """From now on."""
        self._reader.start()

    def _read(self):
        while line := self._socket.recv(8192):
            self._lines.append(line.decode())

    def wait_for(self, pattern):
        return wait_until(f'{pattern} is logged', lambda: re.search(pattern, '\n'.join(list(self._lines))))


@pytest.fixture
def system_log(folder):
    return SystemLog(folder)


def ask_much(daemon):
    with daemon.connect() as connection:
        for _ in range(LINES):
            assert connection.ask(sender=LONG_SENDER, recipient=new_recipient()) == GREYLISTED


def test_mail_goes_on_while_nobody_reads_the_system_log(daemon, system_log):
    daemon.configure(max_new_per_client=0)
    daemon.start(command=system_log.command(daemon))
    ask_much(daemon)
    assert daemon.admin.get('/health')['healthy'] is True
    system_log.read()
    lost = int(system_log.wait_for(r'warning: (\d+) log lines lost: the system log did not take them in time')[1])
    assert 0 < lost < LINES
    recipient = new_recipient()
    daemon.ask(recipient=recipient)
    system_log.wait_for(f'reason=new, .*recipient={recipient}')


@pytest.mark.parametrize('seconds', [0, 24 * 3600], ids=['', 'and the clock is set'])
def test_end_while_nobody_reads_the_system_log(daemon, system_log, seconds):
    clock = Clock(daemon.folder / 'clock')
    daemon.configure(max_new_per_client=0)
    daemon.start(command=system_log.command(daemon), env=clock.environment)
    clock.set(seconds)
    ask_much(daemon)
    daemon.stop()
