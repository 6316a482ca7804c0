# SPDX-License-Identifier: BSD-2-Clause
"""The daemon ends: what is under way is answered, and nothing is left behind."""

import signal
import socket

import pytest

import database
from policy import GREYLISTED, PASS, new_recipient, request

SIGNALS = pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=['SIGTERM', 'SIGINT'])


@SIGNALS
def test_signal_ends_it_and_the_socket_is_removed(daemon, number):
    daemon.start()
    assert daemon.socket.is_socket()
    daemon.stop(number)
    assert not daemon.socket.exists()
    assert f'ending after signal {int(number)}' in daemon.log()


@SIGNALS
def test_idle_connections_are_closed_without_a_byte(daemon, number):
    daemon.start()
    with daemon.connect() as asked, daemon.connect() as silent:
        assert asked.ask() == GREYLISTED
        daemon.signal(number)
        assert asked.read_to_end() == b''
        assert silent.read_to_end() == b''
        daemon.wait_for_end()


@SIGNALS
def test_requests_under_way_are_answered(daemon, number):
    # However the store fails while it is locked, all of them get one whole answer.
    daemon.configure(check_deadline='1s', on_store_failure='pass')
    daemon.start()
    connections = [daemon.connect() for _ in range(20)]
    with database.locked(daemon.database):
        for connection in connections:
            connection.send_and_wait(request(recipient=new_recipient()))
        daemon.signal(number)
        for connection in connections:
            assert connection.read_to_end() in (f'action={PASS}\n\n'.encode(), f'action={GREYLISTED}\n\n'.encode())
    daemon.wait_for_end()


def test_request_that_was_sent_before_the_signal_is_answered(daemon):
    daemon.start()
    for _ in range(20):
        with daemon.connect() as connection:
            assert connection.ask(protocol_state='MAIL') == PASS
            connection.send(request(recipient=new_recipient()))
            daemon.signal(signal.SIGTERM)
            assert connection.read_to_end() == f'action={GREYLISTED}\n\n'.encode()
        daemon.wait_for_end()
        daemon.start()


def test_half_a_request_holds_it_up_no_longer_than_check_deadline(daemon):
    daemon.configure(check_deadline='1s')
    daemon.start()
    with daemon.connect() as connection:
        connection.send_and_wait(request()[:100])
        daemon.stop()
        assert connection.read_to_end() == b''


def test_rest_of_a_request_may_still_come(daemon):
    daemon.start()
    whole = request()
    with daemon.connect() as connection:
        connection.send_and_wait(whole[:100])
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_log('ending after signal')
        connection.send(whole[100:])
        assert connection.read_to_end() == f'action={GREYLISTED}\n\n'.encode()
    daemon.wait_for_end()


def test_second_signal_is_harmless(daemon):
    daemon.configure(check_deadline='1s')
    daemon.start()
    with daemon.connect() as connection:
        connection.send_and_wait(request()[:100])
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGINT)
        daemon.signal(signal.SIGHUP)
        daemon.stop()


def test_what_was_answered_is_in_the_store(daemon):
    daemon.start()
    recipients = [new_recipient() for _ in range(50)]
    with daemon.connect() as connection:
        for recipient in recipients:
            connection.ask(recipient=recipient)
    daemon.stop()
    assert {row[2] for row in database.entries(daemon.database)} == set(recipients)
    assert not (daemon.folder / 'sixgate.db-wal').exists(), 'the log was not copied into the database'


def test_socket_that_somebody_else_put_there_stays(daemon):
    daemon.start()
    daemon.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(daemon.socket))
        daemon.stop()
        assert daemon.socket.is_socket()
