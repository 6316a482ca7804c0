# SPDX-License-Identifier: BSD-2-Clause
"""What systemd and the daemon do for each other: sockets, readiness, reloads, the watchdog."""

import signal
import socket
import subprocess
import time

import pytest

from daemon import environment
from manager import Manager, passed
from policy import GREYLISTED, Connection


@pytest.fixture
def manager(folder):
    manager = Manager(folder / 'notify')
    yield manager
    manager.close()


def test_passed_unix_socket_is_used_and_left_where_it_is(daemon):
    passed_path = daemon.folder / 'passed'
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(passed_path))
        listening.listen()
        with passed([listening], daemon.command('-v')) as options:
            daemon.start(address=passed_path, **options)
        with Connection(passed_path) as connection:
            assert connection.ask() == GREYLISTED
        assert not daemon.socket.exists(), 'policy_listen was opened too'
        daemon.stop()
    assert passed_path.is_socket(), 'systemd\'s socket was removed'


def test_several_sockets_are_passed(daemon):
    path = daemon.folder / 'passed'
    with socket.socket(socket.AF_UNIX) as first, socket.create_server(('127.0.0.1', 0)) as second:
        first.bind(str(path))
        first.listen()
        with passed([first, second], daemon.command('-v')) as options:
            daemon.start(address=path, **options)
        for address in (path, second.getsockname()):
            with Connection(address) as connection:
                assert connection.ask() == GREYLISTED


def test_connections_wait_in_a_passed_socket_until_the_daemon_is_there(daemon):
    path = daemon.folder / 'passed'
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        early = Connection(path)
        with passed([listening], daemon.command('-v')) as options:
            daemon.start(address=path, **options)
        assert early.ask() == GREYLISTED
        early.finish()


def test_passed_socket_that_does_not_listen_is_refused(daemon):
    with socket.socket(socket.AF_UNIX) as not_listening:
        with passed([not_listening], daemon.command('-v')) as options:
            done = subprocess.run(options.pop('command'), **options, capture_output=True, text=True, timeout=60,
                                  env=environment(), check=False)
    assert done.returncode == 1
    assert 'LISTEN_FDS: descriptor 3, passed by systemd, is no listening stream socket' in done.stderr
    assert not daemon.database.exists()


def test_sockets_meant_for_another_process_are_not_taken(daemon):
    daemon.start(env={'LISTEN_PID': '1', 'LISTEN_FDS': '1'})
    assert daemon.ask() == GREYLISTED


def test_life_is_told_to_the_service_manager(daemon, manager):
    daemon.start(env=manager.environment())
    assert manager.hear() == {'READY': '1'}
    before_us = time.monotonic_ns() // 1000
    daemon.reload()
    reloading = manager.hear()
    assert reloading['RELOADING'] == '1'
    # In whole milliseconds.
    assert before_us - 1000 <= int(reloading['MONOTONIC_USEC']) <= time.monotonic_ns() // 1000
    assert manager.hear() == {'READY': '1'}
    daemon.stop()
    assert manager.hear() == {'STOPPING': '1'}


def test_reload_that_fails_ends_with_ready_too(daemon, manager):
    daemon.start(env=manager.environment())
    assert manager.hear() == {'READY': '1'}
    daemon.configure(greylist_delay='soon')
    daemon.reload()
    assert manager.hear()['RELOADING'] == '1'
    assert manager.hear() == {'READY': '1'}


def test_start_that_fails_never_says_ready(daemon, manager):
    daemon.configure(store=f'sqlite:{daemon.folder}/nowhere/sixgate.db')
    done = subprocess.run(daemon.command('-v'), env=environment(manager.environment()), capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 1
    manager._socket.settimeout(0)
    with pytest.raises(BlockingIOError):
        manager.hear()


def test_watchdog_is_fed_as_long_as_the_daemon_lives(daemon, manager):
    daemon.start(env=manager.environment(WATCHDOG_USEC='200000'))
    assert manager.hear() == {'READY': '1'}
    for _ in range(5):
        assert manager.hear() == {'WATCHDOG': '1'}
    daemon.signal(signal.SIGHUP)
    manager.hear_until('RELOADING')
    manager.hear_until('READY')
    assert manager.hear() == {'WATCHDOG': '1'}


def test_without_watchdog_nothing_is_said(daemon, manager):
    daemon.start(env=manager.environment())
    assert manager.hear() == {'READY': '1'}
    daemon.ask()
    daemon.stop()
    assert manager.hear() == {'STOPPING': '1'}
