# SPDX-License-Identifier: BSD-2-Clause
"""The works: what is asked of which contenders, and what is measured meanwhile.

Each measurement is a server of its own with a fresh copy of its database.  Its figures are policy-load's, and what
is known of the server's process: see Works.measure().
"""

import contextlib
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import databases
from contenders import IDLE_CONNECTIONS, Farm, Null, Postgrey, Sixgated, SpfProgram, Sqlgrey
from server import FIRST_REQUEST, memory_kb

WARM_SEED, SEED = 1, 2
EXPIRY_CONNECTIONS = 10
GATE_ENTRIES = 2000
COLD_ENTRIES = 20_000
COLD_REQUESTS = 3000  # out of COLD_ENTRIES, so that few domains come twice
WARM_PASSES = 10


@dataclass(frozen=True)
class Scale:
    """How much of it."""

    rounds: int
    slow_rounds: int  # of what takes long: expiry, growth, programs that are started for each connection
    entries: int
    expired: int
    seconds: float
    warmup_s: float
    expiry_s: float
    growth: tuple


FULL = Scale(rounds=5, slow_rounds=3, entries=1_000_000, expired=100_000, seconds=3, warmup_s=1, expiry_s=30,
             growth=(10_000, 1_000_000, 10_000_000))
QUICK = Scale(rounds=2, slow_rounds=1, entries=100_000, expired=10_000, seconds=1, warmup_s=0.3, expiry_s=5,
              growth=(1000, 10_000, 100_000))


@dataclass(frozen=True)
class Work:
    key: str
    title: str
    contenders: tuple
    mix: str = 'known'
    connections: int = 50
    entries: int = 0  # 0: the scale's
    measure: str = 'rate'
    is_slow: bool = False


def all_works(tools, program):
    null = Null('null', tools)
    null_sync = Null('null --sync', tools, syncs=True)
    sixgated = Sixgated('sixgated, greylist', program, gate='off')
    farm = Farm('sixgated, greylist', program, gate='off')
    gate = Sixgated('sixgated, gate', program, greylist='off')
    # The delay is over when the second of the passes that warm it up comes.
    both = Sixgated('sixgated, gate and greylist', program, greylist_delay='1s')
    postgrey, sqlgrey = Postgrey('postgrey'), Sqlgrey('sqlgrey (SQLite)')
    spf = (SpfProgram('policyd-spf (Python)', '/usr/bin/policyd-spf'),
           SpfProgram('policyd-spf (Perl)', '/usr/sbin/postfix-policyd-spf-perl'))
    return (
        Work('known-1', 'Known senders, 1 connection', (null, sixgated, postgrey, sqlgrey), connections=1),
        Work('known-50', 'Known senders, 50 connections', (null, sixgated, postgrey, sqlgrey)),
        Work('new-50', 'New senders, 50 connections, each on disk before its answer',
             (null, null_sync, sixgated, postgrey, sqlgrey), mix='new'),
        Work('farm-50', 'Known senders, each time from another address of a farm, 50 connections', (null, farm),
             mix='farm'),
        Work('gate-warm', 'FCrDNS and SPF, all in the cache, 50 connections', (null, gate, both, *spf), mix='gate',
             entries=GATE_ENTRIES, measure='warm'),
        Work('gate-cold', 'FCrDNS and SPF, nothing in the cache, 50 connections', (null, gate), mix='gate',
             entries=COLD_ENTRIES, measure='cold'),
        Work('gate-new', 'SPF, every sender a new domain, 50 connections', (null, gate, both, *spf), mix='gate-new',
             entries=GATE_ENTRIES),
        Work('expiry', 'Known senders at a fixed rate while entries expire', (null, sixgated, postgrey, sqlgrey),
             measure='expiry', is_slow=True),
        Work('idle', 'Connections that are open and ask nothing', (null, sixgated), measure='idle', is_slow=True),
    )


def growth_works(sizes, works):
    """What shall be the same at any size."""
    null, sixgated = works[0].contenders[:2]
    for entries in sizes:
        yield Work(f'known-50 at {entries}', '', (null, sixgated), entries=entries, is_slow=True)
        yield Work(f'expiry at {entries}', '', (sixgated,), entries=entries, measure='expiry', is_slow=True)


class Works:
    def __init__(self, folder, tools, load, scale):
        self._folder = folder
        self._load = load
        self._scale = scale
        self._databases = databases.Databases(folder, tools, load)
        self._measures = {'rate': self._rate, 'warm': self._warm, 'cold': self._cold, 'expiry': self._expiry,
                          'idle': self._idle}

    def entries_of(self, work):
        return work.entries or self._scale.entries

    def measure(self, work, contender):
        """The figures of one contender in one round.  Times that policy-load tells are in microseconds."""
        if isinstance(contender, SpfProgram):
            return self._spawned(work, contender)
        return self._measures[work.measure](work, contender)

    @contextlib.contextmanager
    def _place(self):
        """A folder for one measurement, with nothing of an earlier one in it."""
        folder = self._folder / 'now'
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def _copy_database(self, folder, contender, entries, expired=0):
        self._databases.copy_to(folder, contender.database, entries, expired)
        os.sync()  # or the kernel would write it, and what was deleted, while something is measured

    @contextlib.contextmanager
    def _server(self, contender, folder, start=None):
        server = (start or contender.start)(folder)
        try:
            yield server
        finally:
            server.stop()

    def _options(self, work, contender):
        return {'mix': work.mix, 'connections': work.connections, 'entries': self.entries_of(work), 'warmup': 0,
                'answer': self._answer(work, contender)}

    @staticmethod
    def _answer(work, contender):
        if isinstance(contender, Null) or (work.mix.startswith('gate') and 'greylist' in contender.name):
            return 'any'
        return 'defer' if work.mix == 'new' else 'pass'

    def _rate(self, work, contender):
        """As many requests as it can answer."""
        return self._measured(work, contender, self._warm_for_seconds, {'seconds': self._scale.seconds})

    def _warm(self, work, contender):
        """The same with a population that is asked about several times before."""
        return self._measured(work, contender, self._warm_by_passes, {'seconds': self._scale.seconds})

    def _cold(self, work, contender):
        return self._measured(work, contender, lambda *_: None, {'requests': COLD_REQUESTS})

    def _measured(self, work, contender, warm, how_long):
        options = self._options(work, contender)
        entries = 0 if work.mix.startswith('gate') else self.entries_of(work)
        with self._place() as folder:
            self._copy_database(folder, contender, entries)
            with self._server(contender, folder) as server:
                warm(server, options)
                before_s = server.cpu_s()
                figures = self._load.run(server.path, **options, **how_long, seed=SEED)
                figures['cpu_us'] = 1e6 * (server.cpu_s() - before_s) / figures['answers']
                figures.update(server.memory_kb(), start_s=server.start_s)
            if entries and contender.database and work.mix != 'new':
                figures['bytes_an_entry'] = sum(file.stat().st_size for file in contender.files(folder)) / entries
        return figures

    def _warm_for_seconds(self, server, options):
        self._load.run(server.path, **options, seconds=self._scale.warmup_s, seed=WARM_SEED)

    def _warm_by_passes(self, server, options):
        for _ in range(WARM_PASSES):
            figures = self._load.run(server.path, **{**options, 'answer': 'pass'}, seed=WARM_SEED,
                                     requests=WARM_PASSES * options['entries'])
            if figures['wrong'] == 0:
                return
        raise RuntimeError(f'still not warm: {figures["first_wrong"]}')

    def _spawned(self, work, contender):
        return self._load.run_spawned(contender.command, **{
            **self._options(work, contender), 'warmup': contender.start_up_s, 'seconds': self._scale.seconds,
            'seed': SEED})

    def _expiry(self, work, contender):
        """Twice at a fixed rate: quiet, and while entries are removed."""
        figures = {'rate_asked': contender.rate_at_expiry, 'quiet': self._at_fixed_rate(work, contender, 0)}
        if contender.database:
            figures['expiring'] = self._at_fixed_rate(work, contender, self._scale.expired)
        parts = [figures[when] for when in ('quiet', 'expiring') if when in figures]
        return {**figures, 'wrong': sum(part['wrong'] for part in parts),
                'first_wrong': ''.join(part['first_wrong'] for part in parts)}

    def _at_fixed_rate(self, work, contender, expired):
        with self._place() as folder:
            self._copy_database(folder, contender, self.entries_of(work), expired)
            contender.prepare_expiry(folder, expired > 0)
            with self._server(contender, folder, contender.start_for_expiry) as server:
                process = self._load.start(server.path, **{
                    **self._options(work, contender), 'connections': EXPIRY_CONNECTIONS, 'seed': SEED,
                    'rate': contender.rate_at_expiry, 'seconds': self._scale.expiry_s})
                if expired:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(1)  # it is in full swing
                    contender.trigger_expiry(server)
                figures = self._load.finish(process)
            if isinstance(contender, Sixgated):
                figures['left'] = databases.count_expired(folder)
        return figures

    def _idle(self, _, contender):
        """Each has asked once, as those of smtpd have."""
        with self._place() as folder, contextlib.ExitStack() as stack:
            server = stack.enter_context(self._server(contender, folder))
            ask_and_stay(server.path, stack)
            before_kb = memory_kb(server.pid)['VmRSS']
            for _ in range(IDLE_CONNECTIONS):
                ask_and_stay(server.path, stack)
            after_kb = memory_kb(server.pid)['VmRSS']
        return {'bytes_a_connection': 1024 * (after_kb - before_kb) / IDLE_CONNECTIONS, 'wrong': 0}


def ask_and_stay(path: Path, stack):
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.connect(str(path))
    client.sendall(FIRST_REQUEST)
    client.recv(1000)
