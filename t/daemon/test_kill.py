# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at random moments: nothing that was answered is forgotten."""

import random
import threading

import pytest

import database
from policy import GREYLISTED, Connection, ConnectionClosed, new_recipient

SEED = 20261121
KILLS = 200
CLIENTS = 4
ANSWERS_MAX = 100  # between start and kill


class Clients:
    """Several connections that ask about new triplets until the daemon is gone."""

    def __init__(self, address):
        self.answered = []
        self.errors = []
        self._enough = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(address,), daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self, address):
        try:
            connection = Connection(address)
            while True:
                recipient = new_recipient()
                action = connection.ask(recipient=recipient)
                assert action == GREYLISTED, action
                with self._enough:
                    self.answered.append(recipient)
                    self._enough.notify()
        except (ConnectionClosed, ConnectionRefusedError, FileNotFoundError):
            pass
        except Exception as error:  # told in the test's own thread
            self.errors.append(error)

    def wait_for(self, count):
        with self._enough:
            assert self._enough.wait_for(lambda: len(self.answered) >= count or self.errors, timeout=30)

    def join(self):
        for thread in self._threads:
            thread.join()
        assert self.errors == []
        return self.answered


def assert_remembered(daemon, recipients):
    reasons = daemon.reasons(*({'recipient': recipient} for recipient in recipients))
    assert [recipient for recipient, reason in zip(recipients, reasons) if not reason.startswith('early-retry')] == []


@pytest.mark.long
def test_kill_at_random_moments_forgets_no_answer_and_leaves_a_sound_database(daemon):
    print(f'random seed {SEED}')
    moment = random.Random(SEED)
    daemon.configure(max_new_per_client=0)
    everything, latest = [], []
    for _ in range(KILLS):
        daemon.start()
        assert_remembered(daemon, latest)
        clients = Clients(daemon.socket)
        clients.wait_for(moment.randrange(ANSWERS_MAX))
        daemon.kill()
        latest = clients.join()
        everything += latest
        assert database.integrity(daemon.database) == 'ok'
    daemon.start()
    assert_remembered(daemon, latest)
    stored = {row[2] for row in database.entries(daemon.database)}
    assert set(everything) - stored == set()
    assert len(everything) > KILLS
    assert 'damaged' not in daemon.log()
