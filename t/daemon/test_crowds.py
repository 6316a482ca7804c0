# SPDX-License-Identifier: BSD-2-Clause
"""A thousand peers at once that behave badly, more than there are descriptors for, and honest mail meanwhile."""

import os
import resource
from pathlib import Path

import pytest

from policy import GREYLISTED, ConnectionClosed, Postfix, encode, new_recipient, request
from poll import wait_until

CROWD = 1000
DESCRIPTORS = 64
FEWER = 36  # so that the kernel has none left before the daemon says that it has enough connections

# So short that a thousand peers can fill their sockets with answers in no time.
SHORT_REQUEST = encode([('request', 'smtpd_access_policy'), ('protocol_state', 'MAIL')])


def ask_honestly(daemon):
    """On a new connection."""
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED


def close_all(crowd):
    for connection in crowd:
        connection.close()


def send_or_be_closed(connection, data):
    """Whether it is still open."""
    try:
        connection.send(data)
    except ConnectionClosed:
        return False
    return True


def cpu_s(pid):
    """User and system time of all its threads so far."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(') ')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def at_most(descriptors):
    """For a daemon to be started with."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


def fill_with_busy_connections(daemon):
    """Connections with a part of a request each, until it has no descriptor for the last: no idle one can make room."""
    crowd = []

    def is_full():
        return 'cannot accept a connection: Too many open files' in daemon.log()
    while not is_full():
        crowd.append(daemon.connect())
        crowd[-1].send(request()[:-1])
        wait_until('it is read, or cannot be accepted', lambda: crowd[-1].is_taken() or is_full())
    return crowd


def test_a_thousand_connections_that_trickle_keep_nobody_waiting(daemon):
    daemon.configure(max_connections=CROWD + 10, check_deadline='2s')
    daemon.start()
    before = daemon.open_files()
    with daemon.connect() as old:
        assert old.ask() == GREYLISTED
        crowd = [daemon.connect() for _ in range(CROWD)]
        trickling = list(crowd)
        while trickling:
            trickling = [connection for connection in trickling if send_or_be_closed(connection, b'x')]
            assert old.ask(recipient=new_recipient()) == GREYLISTED
            ask_honestly(daemon)
        close_all(crowd)
    daemon.wait_for_log('not complete within check_deadline', count=CROWD)
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


def test_connections_that_trickle_cannot_keep_all_places_beyond_check_deadline(daemon):
    daemon.configure(max_connections=CROWD, check_deadline='1s')
    daemon.start()
    crowd = [daemon.connect() for _ in range(CROWD)]
    for connection in crowd:
        send_or_be_closed(connection, b'request=')
    honest = Postfix(daemon.socket, tries=1)

    def is_answered():
        try:
            return honest.ask(recipient=new_recipient()) == GREYLISTED
        except ConnectionClosed:
            return False
    wait_until('honest mail is answered', is_answered)
    honest.close()
    close_all(crowd)


def test_a_thousand_connections_that_never_read_are_closed_and_keep_nobody_waiting(daemon):
    daemon.configure(max_connections=CROWD + 10)
    daemon.start()
    before = daemon.open_files()
    with daemon.connect() as old:
        assert old.ask() == GREYLISTED
        crowd = [daemon.connect() for _ in range(CROWD)]
        deaf = list(crowd)
        while deaf:
            deaf = [connection for connection in deaf if send_or_be_closed(connection, SHORT_REQUEST * 50)]
            assert old.ask(recipient=new_recipient()) == GREYLISTED
            ask_honestly(daemon)
        close_all(crowd)
    daemon.wait_for_log('the peer does not read its answers; it is closed', count=CROWD)
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


@pytest.mark.parametrize('sent', [request()[:-1], request()[:100], request(), request() * 3],
                         ids=['all but the end', 'a part', 'a request', 'several'])
def test_a_thousand_connections_that_close_in_the_middle_leave_nothing(daemon, sent):
    daemon.start()
    before = daemon.open_files()
    with daemon.connect() as old:
        for number in range(CROWD):
            connection = daemon.connect()
            connection.send(sent)
            connection.close()
            if number % 100 == 0:
                assert old.ask(recipient=new_recipient()) == GREYLISTED
        ask_honestly(daemon)
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


@pytest.mark.parametrize('descriptors', [DESCRIPTORS, FEWER])
def test_without_descriptors_it_waits_without_spinning_and_accepts_again(daemon, descriptors):
    daemon.configure(check_deadline='4s')
    daemon.start(preexec_fn=at_most(descriptors))
    before = daemon.open_files()
    busy = fill_with_busy_connections(daemon)
    waiting = [daemon.connect() for _ in range(10)]
    for connection in waiting:
        connection.send_request(recipient=new_recipient())
    used_s = cpu_s(daemon.pid)
    # For seconds it is full: the first are closed when check_deadline is over, so that others come in.
    assert busy[0].read_to_end() == b''
    used_s = cpu_s(daemon.pid) - used_s
    assert used_s < 0.5, f'{used_s} s of CPU time while there was nothing to do'
    for connection in waiting:
        assert connection.read_answer() == GREYLISTED
    close_all([*busy, *waiting])
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))
    ask_honestly(daemon)


@pytest.mark.parametrize('descriptors', [DESCRIPTORS, FEWER])
def test_a_descriptor_that_becomes_free_serves_one_after_the_other(daemon, descriptors):
    daemon.configure(check_deadline='60s')
    daemon.start(preexec_fn=at_most(descriptors))
    busy = fill_with_busy_connections(daemon)
    waiting = [daemon.connect() for _ in range(3)]
    for connection in waiting:
        connection.send_request(recipient=new_recipient())
    # The last of the busy ones waits to be accepted itself.
    close_all([busy.pop(), busy.pop()])
    for connection in waiting:
        assert connection.read_answer() == GREYLISTED
    close_all([*busy, *waiting])


def test_a_crowd_leaves_descriptors_for_the_store_admins_and_files(daemon):
    daemon.configure(check_deadline='60s')
    daemon.start(preexec_fn=at_most(DESCRIPTORS))
    busy = fill_with_busy_connections(daemon)
    assert daemon.admin.get('/entries')['entries'] == []
    daemon.sender_access.write_text('someone@sender.example REJECT not you\n')
    daemon.reload()
    daemon.database.rename(daemon.folder / 'moved.db')
    daemon.wait_for_log('the database was removed or replaced while it was in use')
    wait_until('a new database is there', daemon.database.exists)
    busy[0].send(request()[-1:])
    assert busy[0].read_answer() == 'REJECT not you'
    assert 'max_connections: of 1000 connections only 32 can have a file descriptor at a time' in daemon.log()
    close_all(busy)
