# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a service of a Machine: its default files and sockets, its user, and all that the unit forbids."""

import shutil
import socket
import tempfile

import database
from admin import Admin
from daemon import IS_SANITIZED, LONG_DELAY
from machine import UNITS
from policy import Connection
from poll import LONG_DEADLINE, wait_until

# Whatever the filter forbids ends the process, where the unit says that it fails: what goes well here does not
# even try.  systemd's journal is not there.
DROP_IN = '''
[Service]
SystemCallErrorNumber=kill
StandardError=append:/var/log/sixgated.stderr
'''

# The sanitizer looks for leaks by tracing its own process, which nobody may do here.
SANITIZED = 'Environment=ASAN_OPTIONS=detect_leaks=0\n'


class Service:
    """Begins with an empty store and empty tables; see start()."""

    def __init__(self, machine):
        self.machine = machine
        self.policy_socket = machine.path('/var/spool/postfix/sixgate/policy')
        self.admin_socket = machine.path('/run/sixgate/admin')
        self.admin = Admin(self.admin_socket)
        self.etc = machine.path('/etc/sixgate')
        self.state = machine.path('/var/lib/sixgate')
        self.database = self.state / 'sixgate.db'
        self._stderr = machine.path('/var/log/sixgated.stderr')
        self._drop_in = machine.path(f'{UNITS}/sixgated.service.d/test.conf')
        self._log_socket = None
        self._log = ''
        self._forget_everything()
        self._listen_to_log()

    def _forget_everything(self):
        shutil.rmtree(self.etc)
        self.etc.mkdir()
        shutil.rmtree(self.state, ignore_errors=True)
        self._stderr.unlink(missing_ok=True)

    def _listen_to_log(self):
        """Be what is behind /dev/log."""
        path = self.machine.path('/run/systemd/journal/dev-log')
        path.unlink(missing_ok=True)
        self._log_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._log_socket.bind(str(path))
        self._log_socket.setblocking(False)
        path.chmod(0o666)

    def start(self, drop_in='', **settings):
        """Start as an admin does, with more lines for the unit's [Service], and return when systemd says that it is
        ready."""
        self.configure(**settings)
        self._drop_in.parent.mkdir(exist_ok=True)
        self._drop_in.write_text(DROP_IN + (SANITIZED if IS_SANITIZED else '') + drop_in)
        self.machine.systemctl('daemon-reload')
        self.start_again()

    def start_again(self):
        done = self.machine.systemctl('start', 'sixgated.service', check=False)
        assert done.returncode == 0, self.state_of_affairs()

    def configure(self, **settings):
        settings = {'gate': 'off', 'greylist_delay': LONG_DELAY, 'check_deadline': LONG_DEADLINE, **settings}
        (self.etc / 'sixgate.conf').write_text(''.join(f'{name} = {value}\n' for name, value in settings.items()))

    def reload(self):
        """As systemctl does, which ends before the daemon has read all."""
        before = self.log().count('reloaded')
        self.machine.systemctl('reload', 'sixgated.service')
        wait_until('it has reloaded', lambda: self.log().count('reloaded') > before)

    def stop(self):
        """End it, which must go well."""
        self.machine.systemctl('stop', 'sixgated.service')
        assert self.show('Result') == 'success', self.state_of_affairs()

    def end(self):
        """End all that a test may have left, socket and failures included."""
        self.machine.systemctl('stop', 'sixgated.service', 'sixgated.socket')
        self.machine.systemctl('reset-failed', check=False)
        self._log_socket.close()

    def ask(self, **attributes):
        with Connection(self.policy_socket) as connection:
            return connection.ask(**attributes)

    def show(self, name):
        return self.machine.show('sixgated.service', name)

    @property
    def pid(self):
        return self.machine.process('sixgated')

    def log(self):
        """What has come to the system log."""
        while True:
            try:
                self._log += self._log_socket.recv(8192).decode(errors='backslashreplace') + '\n'
            except BlockingIOError:
                return self._log

    def wait_for_log(self, text):
        wait_until(f'{text} is logged', lambda: text in self.log())

    def rows(self, sql):
        """What is in the database; the daemon is down."""
        # From a copy, as SQLite wants to resolve the path, and Machine.root cannot be resolved.
        with tempfile.TemporaryDirectory(prefix='sixgate-') as folder:
            return database.rows(shutil.copy(self.database, folder), sql)

    def state_of_affairs(self):
        """For people who look for what went wrong."""
        status = self.machine.systemctl('status', 'sixgated.service', check=False).stdout
        stderr = self._stderr.read_text(errors='backslashreplace') if self._stderr.exists() else ''
        return '\n'.join((status, stderr, self.log()))
