# SPDX-License-Identifier: BSD-2-Clause
"""No memory: the daemon ends with one clear line, or has done without, and whoever starts it again finds all."""

import random
import re
import resource
import signal
from pathlib import Path

import pytest

import database
from daemon import IS_SANITIZED
from mail import HOST, mail
from policy import GREYLISTED, ConnectionClosed, new_recipient, request
from poll import wait_until
from preload import Memory

SEED = 20261126
ROUNDS = 50

OUT_OF_MEMORY = re.compile(r'^sixgated: (?:fatal|error): .*out of memory.*$', re.MULTILINE)
NO_ROOM = re.compile(r'^sixgated: (?:fatal|error): .*(?:out of memory|no thread to be had).*$', re.MULTILINE)

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason='a sanitizer has an allocator of its own')


@pytest.fixture
def hungry(gated, names):
    """A daemon that asks DNS for names and SPF, and greylists."""
    names.add(f'''
{HOST}               PTR  mail.sender.example
mail.sender.example  AAAA {HOST}
sender.example       MX   10 mail.sender.example
sender.example       TXT  v=spf1 mx a:mail.sender.example -all
''')
    gated.configure(greylist='enforce', max_new_per_client=0)
    return gated


@pytest.fixture
def memory(hungry):
    return Memory(hungry.folder / 'memory')


def ask_about_mail(daemon):
    """Some mail; what has to be known from now on."""
    known = []
    with daemon.connect() as connection:
        for _ in range(3):
            attributes = mail()
            action = connection.ask(**attributes)
            if action == GREYLISTED:
                known.append(attributes)
            else:
                # The store had no memory; what DNS says is right all the same.
                assert 'iprev=pass' in action and 'spf=pass' in action
    return known


def ask_for_reload(daemon):
    start = daemon.log_size()
    daemon.signal(signal.SIGHUP)
    wait_until('it has reloaded, or ended', lambda: not daemon.is_running() or 'reload' in daemon.log(start))
    return []


def ask_as_admin(daemon):
    for path in ('/stats', '/entries', '/clients', '/health'):
        assert daemon.admin.request('GET', path)[0] in (200, 500, 503)
    status, _ = daemon.admin.request(
        'POST', '/explain', {'client_address': HOST, 'sender': 'someone@sender.example', 'recipient': new_recipient()})
    assert status in (200, 500, 503)
    return []


WORK = pytest.mark.parametrize('work', [ask_about_mail, ask_for_reload, ask_as_admin], ids=lambda work: work.__name__)
# How many allocations fail: one, and there is memory again, or all from then on.
FAILING = pytest.mark.parametrize('failing', [1, None], ids=['one', 'all'])


def do(work, daemon):
    """What is known after it, if the daemon lives."""
    try:
        return work(daemon)
    except (ConnectionClosed, OSError):
        wait_until('it ends', lambda: not daemon.is_running())
        return []


def assert_ends_clearly(daemon, start, line=OUT_OF_MEMORY):
    """True: it ended for want of memory."""
    if daemon.is_running():
        daemon.signal(signal.SIGTERM)
    status = daemon.wait_for_status()
    log = daemon.log(start)
    assert status in (0, 1), (status, log)
    assert log.count('fatal: ') <= 1
    assert 'damaged' not in log
    # What DNS says is right, whoever had no memory on the way.
    assert {(verdict['iprev'], verdict['spf']) for verdict in daemon.verdicts(start)} <= {('pass', 'pass')}
    if status == 1:
        assert line.search(log), log
    return status == 1


def assert_starts_soundly(daemon, known):
    assert database.integrity(daemon.database) == 'ok'
    start = daemon.log_size()
    daemon.start()
    assert [reason for reason in daemon.reasons(*known) if not reason.startswith('early-retry')] == []
    assert 'error: ' not in daemon.log(start)
    daemon.stop()


@FAILING
def test_memory_ends_at_the_start(hungry, memory, failing):
    hungry.start(env=memory.environment)
    all_of_them = memory.allocations
    hungry.stop()
    chance = random.Random(SEED)
    ends = 0
    for _ in range(ROUNDS):
        memory.begin_anew()
        memory.end(chance.randint(1, all_of_them), failing)
        start = hungry.log_size()
        hungry.launch(env=memory.environment)
        wait_until('it is ready, or has ended', lambda: not hungry.is_running() or 'is ready' in hungry.log(start))
        ends += assert_ends_clearly(hungry, start)
    # Of the store's four connections it can do without one.
    assert ends > ROUNDS // 4
    assert_starts_soundly(hungry, [])


@FAILING
@WORK
def test_memory_ends_at_work(hungry, memory, work, failing):
    hungry.start(env=memory.environment)
    before = memory.allocations
    known = do(work, hungry)
    all_of_them = memory.allocations - before
    hungry.stop()
    chance = random.Random(SEED)
    ends = 0
    for _ in range(ROUNDS):
        memory.begin_anew()
        hungry.start(env=memory.environment)
        start = hungry.log_size()
        memory.end(chance.randint(1, all_of_them), failing)
        known += do(work, hungry)
        ends += assert_ends_clearly(hungry, start)
    assert ends > 0
    assert_starts_soundly(hungry, known)


def test_address_space_is_too_small_to_start(hungry):
    """From where nothing of it starts to where all does: libraries, threads and buffers want their part."""
    states = set()
    for megabytes in range(12, 96, 6):
        start = hungry.log_size()
        hungry.launch(command=['prlimit', f'--as={megabytes << 20}', *hungry.command('-v')])
        wait_until('it is ready, or has ended', lambda: not hungry.is_running() or 'is ready' in hungry.log(start))
        states.add(assert_ends_clearly(hungry, start, NO_ROOM))
    assert states == {True, False}
    assert_starts_soundly(hungry, [])


def test_address_space_ends_under_load(hungry):
    hungry.start()
    known = ask_about_mail(hungry)
    start = hungry.log_size()
    size = int(re.search(r'VmSize:\s+(\d+) kB', Path(f'/proc/{hungry.pid}/status').read_text())[1]) << 10
    resource.prlimit(hungry.pid, resource.RLIMIT_AS, (size, size))
    connections = []
    try:
        # Half a request is kept, as long as there is room for it.
        while hungry.is_running() and len(connections) < 900:
            connections.append(hungry.connect())
            connections[-1].send(request(sender='x' * 12000)[:-1])
    except (ConnectionClosed, OSError):
        wait_until('it ends', lambda: not hungry.is_running())
    for connection in connections:
        connection.close()
    assert assert_ends_clearly(hungry, start)
    assert_starts_soundly(hungry, known)
