# SPDX-License-Identifier: BSD-2-Clause
"""What is wrong at the start: one clear line, exit status 1, and nothing half-started."""

import getpass
import os
import re
import shutil
import socket
import sqlite3
from contextlib import closing

import pytest

import database
from daemon import PROGRAM, free_port
from policy import GREYLISTED
from user import IS_ROOT, NOBODY, as_nobody


def refused(daemon, *arguments, **options):
    """Start a daemon that must not start; the one line it says."""
    lines = all_refused(daemon, *arguments, **options)
    assert len(lines) == 1, lines
    return lines[0]


def all_refused(daemon, *arguments, **options):
    before = sorted(daemon.folder.rglob('*'))
    done = daemon.run('-v', *arguments, **options)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ''
    assert sorted(daemon.folder.rglob('*')) == before, 'something is left behind'
    lines = []
    for line in done.stderr.splitlines():
        if 'running as root' not in line:
            assert line.startswith('sixgated: error: '), line
            lines.append(line.removeprefix('sixgated: error: '))
    return lines


def test_wrong_setting(daemon):
    daemon.config.write_text(daemon.config.read_text() + 'greylist_known_after = many\n')
    number = daemon.config.read_text().count('\n')
    assert refused(daemon).startswith(f'{daemon.config}:{number}: greylist_known_after: "many": expected ')


def test_wrong_line_in_a_table(daemon):
    daemon.sender_access.write_text('\nspam.example DISCARD\n')
    line = refused(daemon)
    assert line.startswith(f'{daemon.sender_access}:2: ') and 'DISCARD' in line


def test_configuration_file_is_missing(daemon):
    daemon.config.unlink()
    assert refused(daemon) == f'{daemon.config}: no such file'


@pytest.fixture
def daemon_of_nobody(daemon):
    """Started by somebody without rights, from a place that such a one may read."""
    daemon.program = daemon.folder / 'sixgated'
    shutil.copy(PROGRAM, daemon.program)
    if IS_ROOT:
        os.chown(daemon.folder, NOBODY, NOBODY)
    return daemon


@pytest.mark.parametrize('name', ['config', 'sender_access', 'farms'])
def test_file_that_may_not_be_read(daemon_of_nobody, name):
    path = getattr(daemon_of_nobody, name)
    path.chmod(0)
    assert refused(daemon_of_nobody, **as_nobody()) == f'{path}: cannot open: Permission denied'


def test_store_that_may_not_be_written(daemon_of_nobody):
    folder = daemon_of_nobody.folder / 'store'
    folder.mkdir(mode=0o555)
    daemon_of_nobody.configure(store=f'sqlite:{folder}/sixgate.db')
    line = refused(daemon_of_nobody, **as_nobody())
    assert line.startswith(f'store: {folder}/sixgate.db: unable to open')


def test_database_that_may_only_be_read(daemon_of_nobody):
    if IS_ROOT:
        os.chown(daemon_of_nobody.log_file, NOBODY, NOBODY)
    daemon_of_nobody.start(**as_nobody())
    daemon_of_nobody.stop()
    daemon_of_nobody.database.chmod(0o444)
    # SQLite leaves an empty log beside it.
    done = daemon_of_nobody.run('-v', **as_nobody())
    assert (done.returncode, done.stderr) == (
        1, f'sixgated: error: store: {daemon_of_nobody.database}: the database cannot be written to\n')
    daemon_of_nobody.database.chmod(0o644)
    daemon_of_nobody.start(**as_nobody())


def test_socket_where_nothing_may_be_made(daemon_of_nobody):
    folder = daemon_of_nobody.folder / 'sockets'
    folder.mkdir(mode=0o555)
    daemon_of_nobody.configure(policy_listen=f'unix:{folder}/policy')
    assert refused(daemon_of_nobody, **as_nobody()) == f'policy_listen: unix:{folder}/policy: Permission denied'


def test_user_that_does_not_exist(daemon):
    daemon.configure(user='no-such-user')
    assert refused(daemon).startswith('user: no-such-user: there is no such user')


def test_only_root_can_become_another_user(daemon_of_nobody):
    other = 'root' if IS_ROOT or getpass.getuser() != 'root' else 'nobody'
    daemon_of_nobody.configure(user=other)
    assert refused(daemon_of_nobody, **as_nobody()) == f'user: {other}: only root can become another user'


def test_directory_of_the_socket_is_missing(daemon):
    daemon.configure(policy_listen=f'unix:{daemon.folder}/nowhere/policy')
    assert refused(daemon) == (f'policy_listen: unix:{daemon.folder}/nowhere/policy: No such file or directory; '
                               'the directory is missing')


def test_port_is_taken_and_the_other_socket_goes_again(daemon):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        daemon.configure(policy_listen=f'unix:{daemon.socket} inet:127.0.0.1:{port}')
        assert refused(daemon) == f'policy_listen: inet:127.0.0.1:{port}: Address already in use'


def test_all_listeners_that_are_wrong_are_named(daemon):
    (daemon.folder / 'file').touch()
    port = free_port()
    daemon.configure(policy_listen=f'unix:{daemon.folder}/nowhere/policy, inet:127.0.0.1:{port}, '
                                   f'unix:{daemon.folder}/file')
    lines = all_refused(daemon)
    assert len(lines) == 2
    assert 'nowhere' in lines[0] and lines[1].startswith(f'policy_listen: unix:{daemon.folder}/file: ')
    socket.create_server(('127.0.0.1', port)).close()


def test_socket_path_is_a_regular_file(daemon):
    daemon.socket.write_text('precious')
    assert refused(daemon) == (f'policy_listen: unix:{daemon.socket}: there is a file of that name, '
                               'and it is no socket')
    assert daemon.socket.read_text() == 'precious'


def test_live_socket_of_another_daemon_names_its_process(daemon):
    daemon.start()
    name = daemon.program.name[:15]
    daemon.configure(store=f'sqlite:{daemon.folder}/other.db')
    assert refused(daemon) == f'policy_listen: unix:{daemon.socket}: is in use by process {daemon.pid} ({name})'
    assert daemon.ask() == GREYLISTED, 'the first daemon was disturbed'


def test_stale_socket_is_replaced(daemon):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(daemon.socket))
    daemon.start()
    daemon.kill()
    assert daemon.socket.is_socket()
    daemon.start()
    assert daemon.ask() == GREYLISTED


def test_directory_of_the_store_is_missing(daemon):
    daemon.configure(store=f'sqlite:{daemon.folder}/nowhere/sixgate.db')
    assert refused(daemon).startswith(f'store: {daemon.folder}/nowhere/sixgate.db: unable to open database file')


def test_database_of_another_program_is_refused_and_not_changed(daemon):
    with closing(database.connect(daemon.database)) as other:
        other.execute('CREATE TABLE precious (text)')
        other.execute("INSERT INTO precious VALUES ('mine')")
    before = daemon.database.read_bytes()
    assert refused(daemon) == f'store: {daemon.database}: is a database of some other program'
    assert daemon.database.read_bytes() == before, 'the other program\'s database was changed'


def test_database_of_a_newer_sixgate_is_refused_and_not_changed(daemon):
    daemon.start()
    daemon.stop()
    with closing(sqlite3.connect(daemon.database)) as newer:
        newer.execute('PRAGMA user_version = 1000')
    before = daemon.database.read_bytes()
    line = refused(daemon)
    assert line.startswith(f'store: {daemon.database}: has schema version 1000, and this sixgated knows only ')
    assert daemon.database.read_bytes() == before


def test_privacy_key_that_is_none(daemon):
    key = daemon.folder / 'privacy.key'
    key.write_text('a poem\n')
    daemon.configure(privacy='yes')
    assert re.match(rf'{re.escape(str(key))}:1: privacy_key: expected 64 hexadecimal digits', refused(daemon))
    assert key.read_text() == 'a poem\n'


def test_store_that_others_have_locked_does_not_start_half(daemon):
    daemon.start()
    daemon.stop()
    with closing(database.connect(daemon.database)) as other:
        other.execute('PRAGMA locking_mode = EXCLUSIVE')
        other.execute('BEGIN EXCLUSIVE')
        assert 'locked' in refused(daemon)
