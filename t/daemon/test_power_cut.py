# SPDX-License-Identifier: BSD-2-Clause
"""The power is cut: the database is sound as it stands on the disk, and what was answered is in it."""

import os
import random
import subprocess
import threading

import pytest

import database
from daemon import PROGRAM
from poll import PATIENCE_S
from policy import GREYLISTED, new_recipient
from power_cut import PowerCut
from preload import Clock

SEED = 20261125
CLIENTS = 4
QUESTIONS = 4000  # enough for some checkpoints, and for the log to begin anew

# Entries go into their index when there are 176 K of them, and are all in it when there are half as many more.
ENTRIES = 320_000
INDEX_FROM = 0.6  # of all records
DAY_S = 24 * 3600


class Client(threading.Thread):
    """Asks about new triplets one after the other, and notes what was recorded when it had the answer."""

    def __init__(self, daemon, power, count):
        super().__init__(daemon=True)
        self._daemon = daemon
        self._power = power
        self._count = count
        self.answered = []  # (recipient, moment)
        self.error = None
        self.start()

    def run(self):
        try:
            with self._daemon.connect() as connection:
                for _ in range(self._count):
                    recipient = new_recipient()
                    action = connection.ask(recipient=recipient)
                    assert action == GREYLISTED, action
                    self.answered.append((recipient, self._power.moment()))
        except Exception as error:  # told in the test's own thread
            self.error = error


def ask(daemon, power, clients):
    """Recipients with the moment from when on they have to be known, in the order of their answers."""
    threads = [Client(daemon, power, QUESTIONS // clients) for _ in range(clients)]
    for thread in threads:
        thread.join()
        assert thread.error is None, thread.error
    return sorted((answer for thread in threads for answer in thread.answered), key=lambda answer: answer[1])


def moments(records):
    """While the database is made, while it is closed, while the log is copied into it, and in between."""
    count = len(records)
    chance = random.Random(SEED)
    copied = [number for number, record in enumerate(records) if record.suffix == '']
    return [*range(0, 60, 5), *chance.sample(copied, 20), *chance.sample(range(count), 20),
            *range(count - 12, count + 1)]


def stored(daemon):
    """The recipients in it, which may not have come to its tables yet."""
    with database.copied(daemon.database) as copy:
        is_made = database.rows(copy, "SELECT 1 FROM sqlite_master WHERE name = 'entry'")
        return {row[2] for row in database.entries(copy)} if is_made else set()


def assert_goes_on(daemon, known, env=None):
    """A start finds nothing wrong, and knows what it has to: attributes of requests."""
    start = daemon.log_size()
    daemon.start(env=env)
    *waiting, new = daemon.reasons(*known, {'recipient': new_recipient()})
    assert new == 'new'
    assert [reason for reason in waiting if not reason.startswith('early-retry')] == []
    assert 'error: ' not in daemon.log(start)
    daemon.stop()


@pytest.mark.parametrize('sync, clients', [('full', CLIENTS), ('normal', 1)])
def test_power_is_cut_at_random_moments(daemon, sync, clients):
    print(f'random seed {SEED}')
    chance = random.Random(SEED)
    daemon.configure(max_new_per_client=0, store_sync=sync)
    power = PowerCut(daemon.database, daemon.folder / 'record')
    daemon.start(env=power.environment)
    answered = ask(daemon, power, clients)
    daemon.stop()
    lost = 0
    for number, moment in enumerate(power.cuts(chance, moments)):
        due = [recipient for recipient, since in answered if since <= moment]
        assert database.integrity(daemon.database) == 'ok'
        there = stored(daemon)
        if sync == 'full':
            assert set(due) - there == set()
        else:
            # The newest are missing, and none in between.
            assert {recipient for recipient, _ in answered[:len(there)]} == there
            lost = max(lost, len(due) - len(there))
        if number < 12 or number % 8 == 0:
            assert_goes_on(daemon, [{'recipient': recipient} for recipient in
                                    chance.sample(sorted(there), min(20, len(there)))])
    print(f'at most {lost} answers lost')


def mail_of(path, number):
    """Attributes of a request that the entry of this number is about."""
    identity, sender, recipient = database.rows(
        path, f'SELECT identity, sender, recipient FROM entry WHERE id = {number}')[0]
    return {'client_address': identity.split('/')[0], 'client_name': 'unknown', 'sender': sender,
            'recipient': recipient}


@pytest.mark.long
def test_power_is_cut_while_the_index_of_entries_is_written(daemon):
    print(f'random seed {SEED}')
    chance = random.Random(SEED)
    power = PowerCut(daemon.database, daemon.folder / 'record')
    # It asks as the daemon would, but many at a time, and three days ago.
    subprocess.run(
        [PROGRAM.parent / 'bench' / 'fill-store', '--store', f'sqlite:{daemon.database}',
         '--entries', str(ENTRIES), '--expired', str(ENTRIES)],
        env={**os.environ, **power.environment}, check=True, timeout=4 * PATIENCE_S)
    clock = Clock(daemon.folder / 'clock')
    clock.set(60 - 3 * DAY_S)
    states = set()

    def while_it_is_written(records):
        begin, end = int(INDEX_FROM * len(records)), len(records)
        return [begin + (end - begin) * step // 10 + chance.randrange(10) for step in range(10)]
    for _ in power.cuts(chance, while_it_is_written):
        with database.copied(daemon.database) as copy:
            assert database.rows(copy, 'PRAGMA integrity_check') == [('ok',)]
            assert database.index_faults(copy) == []
            states |= set(database.rows(
                copy, "SELECT value > 0, EXISTS (SELECT 1 FROM place) FROM meta WHERE name = 'placed'"))
            count, newest = database.rows(copy, 'SELECT count(*), max(id) FROM entry')[0]
            assert count == newest, 'one is missing in between'
            ids = [1, newest, *(chance.randint(1, newest) for _ in range(20))]
            known = [mail_of(copy, number) for number in ids]
        assert_goes_on(daemon, known, env=clock.environment)
    assert {(0, 1), (1, 1)} <= states, 'no cut while some were in the index, or none when all were'
