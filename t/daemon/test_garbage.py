# SPDX-License-Identifier: BSD-2-Clause
"""Rubbish of every kind on the policy socket: others go on being answered, and nothing is left behind."""

import random
import socket
import threading

import pytest

from daemon import IS_SANITIZED
from policy import GREYLISTED, Postfix, new_recipient, request
from poll import PATIENCE_S, wait_until

SEED = 20261121
MAX_CONNECTIONS = 300
BURST_WITHIN = 250
BURST_BEYOND = 500
BURSTS = 16
RSS_GROWTH_MAX = 20 * 1024 * 1024


class Garbage:
    """A seeded source of bytes that are no good request."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._kinds = [self._noise, self._huge_line, self._nuls, self._half, self._shuffled, self._bitten, self._lines,
                       self._nothing]

    def next(self):
        return self._random.choice(self._kinds)()

    def _noise(self):
        return self._random.randbytes(self._random.randrange(1, 5000))

    def _huge_line(self):
        return b'sender=' + b'x' * self._random.randrange(16000, 200000)

    def _nuls(self):
        return bytes(self._random.randrange(1, 3000)) + b'\n\n'

    def _half(self):
        whole = request(recipient='half@here.example')
        return whole[:self._random.randrange(len(whole) - 1)]

    def _shuffled(self):
        data = bytearray(request(recipient='shuffled@here.example'))
        self._random.shuffle(data)
        return bytes(data)

    def _bitten(self):
        """A request with some bytes changed: it may even be a good one."""
        data = bytearray(request(recipient='bitten@here.example'))
        for _ in range(self._random.randrange(1, 20)):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        return bytes(data)

    def _lines(self):
        return b'\n' * self._random.randrange(1, 50)

    def _nothing(self):
        return b''


class Honest:
    """Somebody who asks in a loop meanwhile, as Postfix does."""

    def __init__(self, address, tries):
        self._stop = threading.Event()
        self._postfix = Postfix(address, tries)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answers = 0
        self.error = None

    def _run(self):
        try:
            while not self._stop.is_set():
                action = self._postfix.ask(recipient=new_recipient())
                assert action == GREYLISTED, action
                self.answers += 1
        except Exception as error:  # told in the test's own thread
            self.error = error
        finally:
            self._postfix.close()

    @property
    def reconnects(self):
        return self._postfix.reconnects

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        wanted = self.answers + 10
        wait_until('the honest are still answered', lambda: self.answers >= wanted or self.error)
        self._stop.set()
        self._thread.join(PATIENCE_S)
        assert self.error is None, self.error


def dump(address, data):
    """A connection on which data, as much of it as goes, was sent without reading or waiting."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(address))
    connection.setblocking(False)
    try:
        connection.send(data)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    return connection


def start(daemon):
    daemon.configure(max_connections=MAX_CONNECTIONS, max_new_per_client=0, check_deadline='1s')
    daemon.start()
    # As much as it needs at most in quiet times.
    crowd = [daemon.connect() for _ in range(BURST_WITHIN)]
    for connection in crowd:
        connection.ask(recipient=new_recipient())
    for connection in crowd:
        connection.finish()


def all_are_closed(daemon, before):
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


def test_garbage_within_max_connections_never_costs_others_their_connection(daemon):
    print(f'random seed {SEED}')
    garbage = Garbage(SEED)
    start(daemon)
    rss, before = daemon.rss_bytes(), daemon.open_files()
    with_honest = {**before, 'sockets': before['sockets'] + 1}
    with Honest(daemon.socket, tries=1) as honest:
        for _ in range(BURSTS):
            burst = [dump(daemon.socket, garbage.next()) for _ in range(BURST_WITHIN)]
            for connection in burst:
                connection.close()
            # The next burst shall be within max_connections as well.
            all_are_closed(daemon, with_honest)
    assert honest.reconnects == 0
    all_are_closed(daemon, before)
    if not IS_SANITIZED:
        assert daemon.rss_bytes() - rss < RSS_GROWTH_MAX


def test_garbage_beyond_max_connections_leaves_the_daemon_answering(daemon):
    print(f'random seed {SEED}')
    garbage = Garbage(SEED + 1)
    start(daemon)
    rss, before = daemon.rss_bytes(), daemon.open_files()
    # With all connections busy with halves of requests, a new one has to wait for their deadline.
    with Honest(daemon.socket, tries=10 ** 9):
        for _ in range(BURSTS):
            burst = [dump(daemon.socket, garbage.next()) for _ in range(BURST_BEYOND)]
            wait_until('not more than max_connections are open', lambda: daemon.open_files()['sockets']
                       <= before['sockets'] + MAX_CONNECTIONS)
            for connection in burst:
                connection.close()
    all_are_closed(daemon, before)
    if not IS_SANITIZED:
        assert daemon.rss_bytes() - rss < RSS_GROWTH_MAX


def test_peers_that_never_read_do_not_hold_up_others(daemon):
    start(daemon)
    before = daemon.open_files()
    asks = request(protocol_state='MAIL') * 100
    with Honest(daemon.socket, tries=1) as honest:
        deaf = [dump(daemon.socket, asks) for _ in range(100)]
        for _ in range(5):
            for connection in deaf:
                try:
                    connection.send(asks)
                except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                    pass
        for connection in deaf:
            connection.close()
    assert honest.reconnects == 0
    all_are_closed(daemon, before)


@pytest.mark.parametrize('seed', range(3))
def test_garbage_behind_and_between_good_requests_on_one_connection(daemon, seed):
    garbage = Garbage(seed)
    daemon.configure(check_deadline='1s')
    daemon.start()
    before = daemon.open_files()
    with Honest(daemon.socket, tries=1) as honest:
        for _ in range(150):
            connection = dump(daemon.socket, request(protocol_state='MAIL') + garbage.next() + request() + garbage.next())
            connection.setblocking(True)
            connection.settimeout(PATIENCE_S)
            try:
                assert connection.recv(15).startswith(b'action=DUNNO\n\n')
            except ConnectionResetError:
                pass  # it was answered, and closed before we read
            connection.close()
    assert honest.reconnects == 0
    all_are_closed(daemon, before)
