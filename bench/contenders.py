# SPDX-License-Identifier: BSD-2-Clause
"""The servers that are measured, each started with Debian's defaults as far as the measurement lets it."""

import signal
import time

import databases
from private_world import NAME_SERVER
from server import Server

POSTGREY_CLEANS_AT = 3  # o'clock
SQLGREY_CLEANS_IN_S = 3
IDLE_CONNECTIONS = 1000
FARMS = f'{databases.FARM} ptr:.farm.bench.example\n'


class Contender:
    """name is its name in tables, database what databases.py calls its kind of database."""

    database = ''
    answers_pass = True  # whether known mail gets the answer that it passes
    rate_at_expiry = 2000  # requests a second that leave it half idle

    def __init__(self, name):
        self.name = name

    def start(self, folder):
        """Start it with the database in folder; its Server."""
        raise NotImplementedError

    def prepare_expiry(self, folder, is_wanted):
        """Make it remove expired entries during the next run from folder, or keep it from doing so."""

    def start_for_expiry(self, folder):
        return self.start(folder)

    def trigger_expiry(self, server):
        """Called a second into the load."""

    def files(self, folder):
        """The files of its database."""
        return []


class Null(Contender):
    def __init__(self, name, tools, syncs=False):
        super().__init__(name)
        self._program = tools / 'policy-null'
        self._syncs = syncs

    def start(self, folder):
        more = ['--sync', folder / 'records'] if self._syncs else []
        return Server([self._program, '--listen', f'unix:{folder}/policy', *more], folder / 'policy')


class Sixgated(Contender):
    database = 'sixgated'

    def __init__(self, name, program, **settings):
        super().__init__(name)
        self._program = program
        self._settings = settings

    @staticmethod
    def table(folder, name):
        """A table's file: its folder is watched, and the database is in another one, as they are installed."""
        return folder / 'etc' / name

    def start(self, folder):
        self.table(folder, 'farms').parent.mkdir(exist_ok=True)
        self.table(folder, 'farms').write_text(FARMS)
        for name in ('sender_access', 'recipient_access'):
            self.table(folder, name).touch()
        return Server([self._program, '-c', self.configure(folder)], folder / 'policy')

    def configure(self, folder, **changes):
        """Write its configuration, with changes to the settings that it was given; the file."""
        settings = {
            'policy_listen': f'unix:{folder}/policy',
            'admin_listen': '',
            'store': f'sqlite:{folder}/sixgate.db',
            'sender_access': self.table(folder, 'sender_access'),
            'recipient_access': self.table(folder, 'recipient_access'),
            'farms': self.table(folder, 'farms'),
            'dns_servers': NAME_SERVER,
            'authserv_id': 'mx.here.example',
            'max_connections': 2 * IDLE_CONNECTIONS,
            'max_entries': 100_000_000,
            'max_new_per_client': 0,  # every new triplet is stored
            **self._settings,
            **changes,
        }
        config = folder / 'sixgate.conf'
        config.write_text(''.join(f'{name} = {value}\n' for name, value in settings.items()))
        return config

    def files(self, folder):
        return folder.glob('sixgate.db*')


class Farm(Sixgated):
    database = 'farm'


class Postgrey(Contender):
    database = 'postgrey'
    rate_at_expiry = 500

    def start(self, folder, program=('/usr/sbin/postgrey',), **options):
        return Server([*program, f'--unix={folder}/policy', f'--dbdir={folder}', '--user=root', '--group=root',
                       '--daemonize', f'--pidfile={folder}/pid'], folder / 'policy', folder / 'pid', **options)

    def start_for_expiry(self, folder):
        hours = (POSTGREY_CLEANS_AT - time.gmtime(time.time() + 3600).tm_hour) % 24
        # POSIX counts westwards, and up to 24.
        return self.start(folder, ('perl', '-T', databases.HERE / 'postgrey_next_night.pl'),
                          environment={'TZ': f'BENCH-{hours}'})

    def trigger_expiry(self, server):
        server.signal(signal.SIGUSR1)

    def files(self, folder):
        return folder.glob('*.db')


class Sqlgrey(Contender):
    database = 'sqlgrey'
    rate_at_expiry = 200

    def start(self, folder):
        databases.write_sqlgrey_config(folder)
        return Server(['/usr/sbin/sqlgrey', '-d', '-f', folder / 'config', '-p', folder / 'pid'],
                      folder / 'policy', folder / 'pid')

    def prepare_expiry(self, folder, is_wanted):
        databases.set_sqlgrey_clean_up(
            folder, SQLGREY_CLEANS_IN_S if is_wanted else databases.SQLGREY_CLEAN_EVERY_S)

    def files(self, folder):
        return folder.glob('sqlgrey.db*')


class SpfProgram(Contender):
    """A process a connection, as spawn(8) starts it."""

    start_up_s = 10  # 50 of them on two processors

    def __init__(self, name, command):
        super().__init__(name)
        self.command = f'exec {command}'  # no shell stays in between, whose figures would be taken for its own
