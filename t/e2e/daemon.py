# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under test: sixgated with its default files and sockets, as its own user."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from poll import LONG_DEADLINE, PATIENCE_S, wait_until

PROGRAM = os.environ.get('SIXGATED', '')
ETC = Path('/etc/sixgate')
STORE = Path('/var/lib/sixgate')
CONFIG = ETC / 'sixgate.conf'
SENDER_ACCESS = ETC / 'sender_access'
RECIPIENT_ACCESS = ETC / 'recipient_access'
FARMS = ETC / 'farms'
POLICY_SOCKET = Path('/var/spool/postfix/sixgate/policy')
LOG = Path('/run/tmp/sixgated.log')

# A test that says nothing about the delay is about mail that stays greylisted, however slow the machine is.
LONG_DELAY = '1h'
SHORT_DELAY = '1s'

# Only RCPT is judged, so that this leaves no trace.
UNJUDGED_REQUEST = b'request=smtpd_access_policy\nprotocol_state=CONNECT\n\n'
UNJUDGED_ANSWER = b'action=DUNNO\n\n'


class Daemon:
    """Begins with an empty store, empty tables and default settings; see start()."""

    def __init__(self):
        self._process = None
        self._forget_everything()

    def start(self, **settings):
        """Start with these settings, and return when it answers."""
        self.configure(**settings)
        self.start_again()

    def start_again(self):
        """Start with the settings, tables and store that there are, and return when it answers."""
        self.launch()
        self.wait_until_it_answers()

    def launch(self):
        """Start, and return as soon as it takes connections; it may still be busy with its start."""
        assert self._process is None, 'sixgated runs already'
        with LOG.open('ab') as stderr:
            self._process = subprocess.Popen(
                [PROGRAM, '-c', CONFIG, '-v'], stdin=subprocess.DEVNULL, stderr=stderr,
                user='sixgate', group='sixgate', extra_groups=[], umask=0o022)
        wait_until('sixgated takes connections', self._takes_connections, pause_s=0.0005)

    def wait_until_it_answers(self):
        wait_until('sixgated answers', self._answers)

    def configure(self, **settings):
        """Write the configuration file; a running daemon reads it when it is told to reload()."""
        settings.setdefault('greylist_delay', LONG_DELAY)
        settings.setdefault('check_deadline', LONG_DEADLINE)
        CONFIG.write_text(''.join(f'{name} = {value}\n' for name, value in settings.items()))

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """End it with SIGTERM, which must end it well."""
        process, self._process = self._process, None
        process.terminate()
        status = self._wait_for_end(process)
        assert status == 0, f'sixgated ended with {status}'

    def kill(self):
        """End it without warning."""
        process, self._process = self._process, None
        process.kill()
        self._wait_for_end(process)

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def was_started(self):
        return self._process is not None

    def log(self):
        return LOG.read_text(errors='backslashreplace')

    def verdicts(self, **fields):
        """The logged verdicts that have these fields, each a dict in the order of the log line."""
        verdicts = [
            dict(field.split('=', 1) for field in line[line.index('action='):].split(', '))
            for line in self.log().splitlines() if re.search(r'\baction=\w+, ', line)]
        return [verdict for verdict in verdicts if fields.items() <= verdict.items()]

    def wait_for_verdict(self, **fields):
        """The first such verdict; the daemon may write its log after its answer."""
        return wait_until(f'a verdict with {fields} in the log',
                          lambda: self.verdicts(**fields) or self._check_that_it_runs())[0]

    def wait_for_log(self, pattern):
        return wait_until(f'{pattern!r} in the log',
                          lambda: re.search(pattern, self.log()) or self._check_that_it_runs())

    def _takes_connections(self):
        self._check_that_it_runs()
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(POLICY_SOCKET)) == 0

    def _answers(self):
        self._check_that_it_runs()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(POLICY_SOCKET))
            client.sendall(UNJUDGED_REQUEST)
            return client.recv(100) == UNJUDGED_ANSWER

    def _check_that_it_runs(self):
        status = self._process.poll()
        assert status is None, f'sixgated ended with {status}'

    def _wait_for_end(self, process):
        wait_until('sixgated has ended', lambda: process.poll() is not None)
        return process.returncode

    @staticmethod
    def _forget_everything():
        for directory in (ETC, STORE, POLICY_SOCKET.parent):
            for path in directory.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        LOG.write_text('')
