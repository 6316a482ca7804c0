# SPDX-License-Identifier: BSD-2-Clause
"""What is done to a sixgated that answers mail meanwhile, and what must come of it.

Each disturbance is a function of a Place; it raises AssertionError when something went otherwise.
"""

import itertools
import json
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from contenders import FARMS, Sixgated
from honest import HonestClient
from local_dns import LocalDns
from policy import request
from poll import wait_until
from server import Server

COMMAND_PATIENCE_S = 10
DNS_STOPS_S = 6  # longer than one question may take
HALF_REQUESTS = 50
REFUSED_SENDER = 'someone@refused.bench.example'
SPF_FARM = 'other spf:g.warm.bench.example\n'  # of the mix "gate"

_turns = itertools.count()


@dataclass(frozen=True)
class Place:
    folder: Path
    server: Server
    contender: Sixgated
    names: LocalDns
    ctl: Path
    delay_s: int

    def command(self, *arguments, status=0):
        """What sixgatectl prints, which must end so."""
        done = subprocess.run([self.ctl, '-s', self.folder / 'admin', *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=COMMAND_PATIENCE_S, check=False)
        assert done.returncode == status, f'sixgatectl {" ".join(arguments)}: {done.returncode}: {done.stderr}'
        return done.stdout

    def client(self):
        return HonestClient(self.server.path)


def reload_by_signal(place):
    place.server.signal(signal.SIGHUP)


def reload_by_command(place):
    place.command('reload')


def change_settings(place):
    size = ('64k', '512k', '1m')[next(_turns) % 3]
    place.contender.configure(place.folder, dns_cache_size=size)
    place.command('reload')
    settings = json.loads(place.command('--json', 'config'))['settings']
    assert [size] == [setting['value'] for setting in settings if setting['name'] == 'dns_cache_size'], 'not in force'


def break_settings(place):
    place.contender.configure(place.folder, greylist_delay='soon')
    place.command('reload', status=1)
    place.contender.configure(place.folder)
    place.command('reload')


def edit_sender_access(place):
    """The table is read by itself; one with a mistake is not taken."""
    client = place.client()
    client.sender = REFUSED_SENDER
    table = place.contender.table(place.folder, 'sender_access')
    table.write_text(f'{REFUSED_SENDER} REJECT not here\n')
    wait_until('the table refuses', lambda: client.ask() == 'REJECT not here')
    table.write_text(f'{REFUSED_SENDER} NONSENSE\n')
    place.command('reload', status=1)
    assert client.ask() == 'REJECT not here', 'the table with a mistake was taken'
    table.write_text('')
    wait_until('the table refuses no more', lambda: not client.ask().startswith('REJECT'))


def edit_farms(place):
    """A farm comes whose networks SPF tells, and goes."""
    farms = place.contender.table(place.folder, 'farms')
    farms.write_text(FARMS + SPF_FARM)
    place.command('reload')
    wait_until('the networks of the farm are known',
               lambda: 'fresh' in [domain['status'] for farm in json.loads(place.command('--json', 'stats'))['farms']
                                   for domain in farm['domains']])
    farms.write_text(FARMS)
    place.command('reload')


def stop_dns(place):
    place.names.signal(signal.SIGSTOP)
    try:
        time.sleep(DNS_STOPS_S)
    finally:
        place.names.signal(signal.SIGCONT)


def ask_as_admin(place):
    place.command('list', '--sender', 'nobody@nowhere.example', status=1)
    for arguments in (('list', '--limit', '1000'), ('list', '--client', '2001:db8::/32'), ('stats',), ('metrics',),
                      ('config',), ('health',),
                      ('explain', '--client', '2001:db8:7::25', '--sender', 'news@once.new.bench.example',
                       '--recipient', 'alice@here.example')):
        assert place.command(*arguments), f'{arguments[0]} tells nothing'


def greylist_and_forget(place):
    """An honest client waits and passes; forgotten, it is new again."""
    client = place.client()
    wrong = client.try_as_usual(place.delay_s)
    assert wrong is None, wrong
    place.command('forget', '--sender', client.sender)
    assert client.is_greylisted(), 'mail that was forgotten passes'


def allow(place):
    client = place.client()
    assert client.is_greylisted(), 'new mail passes'
    place.command('allow', client.address)
    assert client.address.rpartition('.')[0] in place.command('known'), 'an allowed client is not known'
    assert client.passes(), 'mail of an allowed client does not pass'
    place.command('forget-client', client.address)
    # Not about the first one, which passes in any case when all this took as long as greylist_delay.
    client.recipient = 'bob@here.example'
    assert client.is_greylisted(), 'mail of a client that was forgotten passes'


def hang_up(place):
    """Connections that end in the middle of a request, or before its answer."""
    for number in range(HALF_REQUESTS):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(str(place.server.path))
            rude.sendall(request(recipient=f'rude{number}@here.example')[:-1 - number % 2 * 100])
    for number in range(HALF_REQUESTS):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(str(place.server.path))
            rude.sendall(request(recipient=f'rude{number}@here.example'))


ALL = (reload_by_signal, ask_as_admin, change_settings, greylist_and_forget, edit_sender_access, stop_dns, allow,
       break_settings, hang_up, edit_farms, reload_by_command)
