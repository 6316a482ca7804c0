# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under test: one sixgated with its files in a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

from admin import Admin
from policy import Connection, new_recipient
from poll import LONG_DEADLINE, PATIENCE_S, wait_until

PROGRAM = Path(os.environ.get('SIXGATED', Path(__file__).parents[2] / 'build' / 'sixgated')).absolute()
IS_SANITIZED = PROGRAM.exists() and b'__asan_init' in PROGRAM.read_bytes()

# A test that says nothing about the delay is about mail that stays greylisted, however slow the machine is.
LONG_DELAY = '1h'
SHORT_DELAY = '1s'

DISASTER = re.compile(r'ERROR: AddressSanitizer|LeakSanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion')
VERDICT = re.compile(r'^sixgated: (action=.*)\n', re.MULTILINE)


class Daemon:
    """Begins with an empty store and empty tables; configure() and start() it."""

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / 'sixgate.conf'
        self.socket = folder / 'policy'
        self.admin_socket = folder / 'admin'
        self.admin = Admin(self.admin_socket)
        self.database = folder / 'sixgate.db'
        self.sender_access = folder / 'sender_access'
        self.recipient_access = folder / 'recipient_access'
        self.farms = folder / 'farms'
        self.log_file = folder / 'log'
        for path in (self.sender_access, self.recipient_access, self.farms, self.log_file):
            path.touch()
        self.program = PROGRAM
        self.defaults = {}  # settings that this test's daemon has unless configure() says otherwise
        self._process = None
        self.configure()

    # Settings

    def settings(self, **settings):
        """Settings of a daemon that keeps to its folder; None leaves one out."""
        values = {
            'policy_listen': f'unix:{self.socket}',
            'admin_listen': f'unix:{self.admin_socket}',
            'store': f'sqlite:{self.database}',
            'sender_access': self.sender_access,
            'recipient_access': self.recipient_access,
            'farms': self.farms,
            'privacy_key': self.folder / 'privacy.key',
            'greylist_delay': LONG_DELAY,
            'check_deadline': LONG_DEADLINE,
            **self.defaults,
            **settings,
        }
        return {name: value for name, value in values.items() if value is not None}

    def configure(self, **settings):
        """Write the configuration file; a running daemon reads it when it is told to reload()."""
        lines = (f'{name} = {value}\n' for name, value in self.settings(**settings).items())
        self.config.write_text(''.join(lines))

    # Life

    def command(self, *arguments):
        return [str(self.program), '-c', str(self.config), *map(str, arguments)]

    def run(self, *arguments, prefix=(), **options):
        """Run it to its end, as for -t, perhaps by another program; what it printed, and its status."""
        done = subprocess.run([*prefix, *self.command(*arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE_S, env=environment(), check=False, **options)
        assert disasters(done.stderr) == []
        return done

    def start(self, *arguments, address=None, **options):
        """Start, and return when a first request was answered and its connection closed."""
        self.launch(*arguments, **options)
        wait_until('sixgated answers', lambda: self._is_answering(address or self.socket))

    def launch(self, *arguments, command=None, env=None, **options):
        """Start, whatever comes of it."""
        assert self._process is None, 'sixgated runs already'
        with self.log_file.open('ab') as stderr:
            self._process = subprocess.Popen(
                command or self.command('-v', *arguments), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=stderr, env=environment(env), **options)

    def _is_answering(self, address):
        assert self._process.poll() is None, f'sixgated ended with {self._process.returncode}:\n{self.log()}'
        try:
            connection = Connection(address)
        except (FileNotFoundError, ConnectionRefusedError, PermissionError):
            return False
        with connection:
            connection.ask(protocol_state='CONNECT')
        return True

    def stop(self, number=signal.SIGTERM):
        """End it, which must go well."""
        self.signal(number)
        self.wait_for_end()

    def wait_for_end(self):
        status = self.wait_for_status()
        assert status == 0, f'sixgated ended with {status}:\n{self.log()[-4000:]}'

    def wait_for_status(self):
        """The exit status of one that ends, or is told to."""
        process, self._process = self._process, None
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError('sixgated does not end') from None

    def kill(self):
        """End it without warning."""
        process, self._process = self._process, None
        process.kill()
        process.wait()

    def signal(self, number):
        self._process.send_signal(number)

    def reload(self):
        """Tell it to reload, and return when it has done so, or refused to."""
        start = self.log_size()
        self.signal(signal.SIGHUP)
        self.wait_for_log(r'sixgated: reloaded|reload: nothing was changed', start)

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def was_started(self):
        return self._process is not None

    @property
    def pid(self):
        return self._process.pid

    # Questions

    def connect(self):
        return Connection(self.socket)

    def ask(self, **attributes):
        """The action answered to one request on a connection of its own."""
        with self.connect() as connection:
            return connection.ask(**attributes)

    def verdict(self, **attributes):
        """Ask; the answer and the fields of the log line that belongs to it."""
        start = self._log_all_before()
        action = self.ask(**attributes)
        fields = wait_until('the verdict is logged', lambda: self.verdicts(start))[-1]
        return {**fields, 'answer': action}

    def _log_all_before(self):
        """Return when all earlier verdicts are logged, which happens a little behind the answers: the log's size."""
        start = self.log_size()
        self.ask(client_address='none')
        wait_until('a verdict is logged', lambda: 'missing attribute' in [
            verdict['reason'] for verdict in self.verdicts(start)])
        return self.log_size()

    def reason(self, **attributes):
        return self.verdict(**attributes)['reason']

    def reasons(self, *mails):
        """Ask about each, attributes of a request, over one connection; the reasons that are logged, in order."""
        start = self._log_all_before()
        with self.connect() as connection:
            for attributes in mails:
                connection.ask(**attributes)
        wait_until('the verdicts are logged', lambda: len(self.verdicts(start)) == len(mails))
        return [verdict['reason'] for verdict in self.verdicts(start)]

    # Log

    def log(self, start=0):
        return self.log_bytes(start).decode(errors='backslashreplace')

    def log_bytes(self, start=0):
        with self.log_file.open('rb') as file:
            file.seek(start)
            return file.read()

    def log_size(self):
        return self.log_file.stat().st_size

    def wait_for_log(self, pattern, start=0, count=1):
        """Return when as many matches of pattern stand in the log behind start."""
        return wait_until(f'{pattern} is logged',
                          lambda: len(re.findall(pattern, self.log(start))) >= count)

    def verdicts(self, start=0):
        """The log's verdicts as dictionaries of their fields."""
        return [dict(field.split('=', 1) for field in line.split(', '))
                for line in VERDICT.findall(self.log(start))]

    def disasters(self):
        return disasters(self.log())

    # What it has open

    def open_files(self):
        """What its descriptors are, as "sockets" and "files": how many."""
        count = {'sockets': 0, 'files': 0}
        for entry in Path(f'/proc/{self.pid}/fd').iterdir():
            try:
                target = os.readlink(entry)
            except FileNotFoundError:
                continue
            count['sockets' if target.startswith('socket:') else 'files'] += 1
        return count

    def has_closed_all_since(self, before):
        """Whether no more is open than before.  SQLite may keep one descriptor of its database for reuse, as
        closing one gives up the POSIX locks of all."""
        now = self.open_files()
        return now['sockets'] == before['sockets'] and now['files'] <= before['files'] + 1

    def rss_bytes(self):
        status = Path(f'/proc/{self.pid}/status').read_text()
        return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1)) * 1024


class Load:
    """Threads that ask in a loop, each over its own connection, until they are told to stop."""

    def __init__(self, daemon, threads, is_right):
        """is_right(action): whether an answer is one that may be given."""
        self._daemon = daemon
        self._is_right = is_right
        self._stop = threading.Event()
        self.answers = 0
        self.errors = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def _run(self):
        try:
            with self._daemon.connect() as connection:
                while not self._stop.is_set():
                    action = connection.ask(recipient=new_recipient())
                    assert self._is_right(action), action
                    self.answers += 1
        except Exception as error:  # told in the test's own thread
            self.errors.append(error)

    def wait_for_more(self, count):
        wanted = self.answers + count
        wait_until(f'{count} more answers', lambda: self.answers >= wanted or self.errors)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert self.errors == []


def disasters(log):
    """Lines in which a sanitizer or an assertion speaks."""
    return [line for line in log.splitlines() if DISASTER.search(line)]


def environment(more=None):
    """The test's own environment without what systemd may have put there."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ('LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET', 'WATCHDOG_USEC',
                             'WATCHDOG_PID')}
    return {'ASAN_OPTIONS': 'detect_leaks=1', 'UBSAN_OPTIONS': 'print_stacktrace=1', **clean, **(more or {})}


def free_port(family=socket.AF_INET):
    """A TCP port of the loopback interface on which nobody listens."""
    with socket.socket(family) as probe:
        probe.bind(('::1' if family == socket.AF_INET6 else '127.0.0.1', 0))
        return probe.getsockname()[1]
