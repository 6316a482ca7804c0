# SPDX-License-Identifier: BSD-2-Clause
"""Many connections, idle ones, slow ones, and the sockets that they come by."""

import resource
import signal
import socket
import stat
import time

import pytest

from daemon import free_port
from policy import GREYLISTED, PASS, Connection, ConnectionClosed, Postfix, new_recipient, request
from poll import wait_until


def has_ipv6():
    try:
        free_port(socket.AF_INET6)
    except OSError:
        return False
    return True


def test_connection_stays_open_between_requests(daemon):
    daemon.configure(check_deadline='1s', idle_timeout='1h')
    daemon.start()
    with daemon.connect() as connection, daemon.connect() as clock:
        assert connection.ask() == GREYLISTED
        # Another connection's deadline tells when more than a second has passed.
        clock.send(b'request=')
        assert clock.read_to_end() == b''
        assert not connection.is_closed()
        assert connection.ask() == GREYLISTED


def test_three_hundred_connections_each_asked_in_turn(daemon):
    daemon.start()
    before = daemon.open_files()
    connections = [daemon.connect() for _ in range(300)]
    for _ in range(3):
        for connection in connections:
            assert connection.ask(recipient=new_recipient()) == GREYLISTED
    for connection in connections:
        connection.send(request(recipient=new_recipient()))
    for connection in connections:
        assert connection.read_answer() == GREYLISTED
    assert daemon.open_files()['sockets'] == before['sockets'] + 300
    for connection in connections:
        connection.finish()
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


def test_request_that_is_not_complete_within_check_deadline_closes_its_connection(daemon):
    daemon.configure(check_deadline='1s')
    daemon.start()
    with daemon.connect() as bystander, daemon.connect() as slow:
        begin = time.monotonic()
        slow.send(request()[:-1])
        assert slow.read_to_end() == b''
        assert time.monotonic() - begin >= 1
        assert bystander.ask() == GREYLISTED
    daemon.wait_for_log('not complete within check_deadline')


def test_slow_request_has_one_deadline_for_all_its_bytes(daemon):
    daemon.configure(check_deadline='1s')
    daemon.start()
    with daemon.connect() as drip:
        def is_closed_after_a_byte():
            try:
                drip.send(b'x')
            except ConnectionClosed:
                return True
            return drip.is_closed()
        wait_until('the connection is closed', is_closed_after_a_byte)
    daemon.wait_for_log('not complete within check_deadline')


def test_idle_timeout_closes_the_idle_and_not_the_busy(daemon):
    daemon.configure(idle_timeout='1s')
    daemon.start()
    busy = Postfix(daemon.socket)
    with daemon.connect() as idle, daemon.connect() as silent:
        begin = time.monotonic()
        assert idle.ask() == GREYLISTED

        def both_are_closed():
            assert busy.ask(recipient=new_recipient()) == GREYLISTED
            return idle.is_closed() and silent.is_closed()
        wait_until('the idle connections are closed', both_are_closed)
        assert time.monotonic() - begin >= 1
    busy.close()


def test_beyond_max_connections_the_idlest_makes_room(daemon):
    daemon.configure(max_connections=5)
    daemon.start()
    connections = [daemon.connect() for _ in range(5)]
    for connection in connections[1:] + connections[:1]:
        assert connection.ask() == GREYLISTED
    with daemon.connect() as newest:
        assert newest.ask() == GREYLISTED
        wait_until('the idlest is closed', connections[1].is_closed)
        assert [connection.is_closed() for connection in connections] == [False, True, False, False, False]
        for connection in (connections[0], *connections[2:]):
            assert connection.ask() == GREYLISTED
    daemon.wait_for_log('max_connections: all 5 connections are taken')
    for connection in connections:
        connection.finish()


def test_beyond_max_connections_a_busy_one_is_never_closed(daemon):
    daemon.configure(max_connections=3)
    daemon.start()
    busy = [daemon.connect() for _ in range(3)]
    whole = request()
    for connection in busy:
        connection.send_and_wait(whole[:100])
    with daemon.connect() as turned_away:
        assert turned_away.read_to_end() == b''
    for connection in busy:
        connection.send(whole[100:])
        assert connection.read_answer() == GREYLISTED
        connection.finish()


def test_beyond_max_connections_one_whose_request_was_not_read_yet_is_not_idle(daemon):
    daemon.configure(max_connections=2)
    daemon.start()
    # It finds them all at once: the first two are accepted, and not read, when it sees the others.
    daemon.signal(signal.SIGSTOP)
    connections = [daemon.connect() for _ in range(4)]
    for connection in connections:
        connection.send_request(recipient=new_recipient())
    daemon.signal(signal.SIGCONT)
    for connection in connections[:2]:
        assert connection.read_answer() == GREYLISTED
        connection.finish()


def test_more_connections_than_descriptors_leave_the_daemon_working(daemon):
    def few_descriptors():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    daemon.start(preexec_fn=few_descriptors)
    before = daemon.open_files()
    crowd = [daemon.connect() for _ in range(200)]
    daemon.wait_for_log('cannot accept a connection: Too many open files')
    for connection in crowd:
        connection.close()
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))
    assert daemon.ask() == GREYLISTED


def test_peer_that_never_reads_its_answers_is_closed(daemon):
    daemon.start()
    before = daemon.open_files()
    with daemon.connect() as bystander:
        deaf = daemon.connect()

        def asks_until_it_is_closed():
            try:
                deaf.send(request(protocol_state='MAIL') * 20)
            except ConnectionClosed:
                return True
            return False
        wait_until('the connection is closed', asks_until_it_is_closed)
        deaf.close()
        assert bystander.ask() == GREYLISTED
    daemon.wait_for_log('the peer does not read its answers; it is closed')
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


@pytest.mark.parametrize('family', [socket.AF_INET, socket.AF_INET6], ids=['127.0.0.1', '[::1]'])
def test_inet_listener(daemon, family):
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip('needs IPv6 on the loopback interface')
    port = free_port(family)
    host = '::1' if family == socket.AF_INET6 else '127.0.0.1'
    daemon.configure(policy_listen=f'inet:{"[::1]" if ":" in host else host}:{port}')
    daemon.start(address=(host, port))
    before = daemon.open_files()
    assert not daemon.socket.exists()
    with Connection((host, port)) as connection:
        assert connection.ask() == GREYLISTED
        assert connection.ask(protocol_state='MAIL') == PASS
    connections = [Connection((host, port)) for _ in range(50)]
    for connection in connections:
        assert connection.ask(recipient=new_recipient()) == GREYLISTED
        connection.close()
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


def test_several_listeners_at_once(daemon):
    port = free_port()
    daemon.configure(policy_listen=f'unix:{daemon.socket}, inet:127.0.0.1:{port} unix:{daemon.folder}/second')
    daemon.start()
    for address in (daemon.socket, ('127.0.0.1', port), daemon.folder / 'second'):
        with Connection(address) as connection:
            assert connection.ask() == GREYLISTED


@pytest.mark.parametrize('mode', ['0666', '0660', '0600', '640'])
def test_socket_has_the_permissions_of_policy_socket_mode(daemon, mode):
    daemon.configure(policy_socket_mode=mode)
    daemon.start()
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == int(mode, 8)
