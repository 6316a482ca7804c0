# SPDX-License-Identifier: BSD-2-Clause
"""The admin socket: who may ask, what is refused, and what a bad client can do to the others."""

import json
import os
import pwd
import signal
import socket
import subprocess
import threading

import pytest

from admin import UnixConnection
from daemon import environment
from manager import passed
from policy import GREYLISTED, new_recipient
from poll import wait_until
from user import IS_ROOT

CONNECTIONS_MAX = 32


@pytest.fixture
def admin(daemon):
    daemon.start()
    return daemon.admin


def curl(daemon, *arguments, **options):
    """curl(1) itself, as an admin would; status and answer."""
    done = subprocess.run(
        ['curl', '--silent', '--show-error', '--unix-socket', str(daemon.admin_socket),
         '--write-out', '\n%{http_code}', *arguments], capture_output=True, text=True, timeout=60,
        cwd='/', check=False, **options)
    text, _, status = done.stdout.rpartition('\n')
    return done.returncode, int(status or 0), text


# What it says

def test_curl_is_client_enough(daemon, admin):
    code, status, text = curl(daemon, 'http://localhost/config')
    assert (code, status) == (0, 200)
    assert json.loads(text)['settings'][0]['name'] == 'policy_listen'


def test_config_tells_what_is_in_force(daemon, admin):
    settings = {setting['name']: setting for setting in admin.get('/config')['settings']}
    assert settings['greylist_delay']['value'] == '1h'
    assert not settings['greylist_delay']['is_default']
    assert settings['greylist_delay']['default'] == '5m'
    assert settings['greylist_lifetime']['value'] == '35d' and settings['greylist_lifetime']['is_default']


def test_config_after_a_reload_tells_the_new_values_and_what_waits_for_a_restart(daemon, admin):
    daemon.configure(greylist_delay='2h', store_sync='normal')
    daemon.reload()
    settings = {setting['name']: setting for setting in admin.get('/config')['settings']}
    assert settings['greylist_delay']['value'] == '2h'
    assert settings['store_sync']['value'] == 'full' and settings['store_sync']['waits_for_restart']


def test_reload_answers_when_it_is_done(daemon, admin):
    daemon.configure(greylist_delay='2h')
    assert admin.post('/reload') == {'reloaded': True, 'messages': []}
    settings = {setting['name']: setting['value'] for setting in admin.get('/config')['settings']}
    assert settings['greylist_delay'] == '2h', 'the answer comes when the new settings are in force'


def test_reload_that_changes_nothing_says_all_that_is_wrong(daemon, admin):
    daemon.configure(greylist_delay='soon', gate='perhaps')
    status, answer = admin.request('POST', '/reload')
    assert status == 422 and answer['error'].startswith('nothing was changed')
    assert len(answer['messages']) == 2
    assert all(message.startswith(f'{daemon.config}:') for message in answer['messages'])
    assert 'greylist_delay: "soon": expected' in ''.join(answer['messages'])
    daemon.wait_for_log('reload: nothing was changed')
    assert daemon.is_running()


def test_reload_warns_of_what_takes_a_restart(daemon, admin):
    daemon.configure(store_sync='normal')
    messages = admin.post('/reload')['messages']
    assert messages == ['warning: store_sync: the new value takes effect when sixgated is started again']


def test_many_reloads_at_once_are_all_answered(daemon, admin):
    connections = [UnixConnection(daemon.admin_socket) for _ in range(10)]
    for connection in connections:
        connection.request('POST', '/reload')
    daemon.signal(signal.SIGHUP)
    for connection in connections:
        assert connection.getresponse().status == 200
        connection.close()


# What it refuses

@pytest.mark.parametrize('method, path, status, error', [
    ('GET', '/nothing', 404, '/nothing: there is nothing of that name'),
    ('GET', '/', 404, '/: there is nothing of that name'),
    ('DELETE', '/config', 405, '/config: takes GET, and not DELETE'),
    ('GET', '/reload', 405, '/reload: takes POST, and not GET'),
    ('PUT', '/config', 405, '/config: takes GET, and not another method'),
    ('GET', '/config?colour=red', 400, 'colour: there is no such parameter'),
    ('GET', '/entries?state=new&sender', 400, 'the query cannot be read: expected NAME=VALUE'),
])
def test_what_cannot_be_asked_is_refused_in_json(admin, method, path, status, error):
    got, message = admin.refused(method, path)
    assert got == status
    assert message.startswith(error)


def test_garbage_costs_that_connection_only(daemon, admin):
    for garbage in (b'\0' * 100, b'GET\r\n\r\n', b'\x16\x03\x01', b'GET /config HTTP/9.9\r\n\r\n',
                    b'GET /config HTTP/1.1\r\n' + b'x: y\r\n' * 10000, b'POST /reload HTTP/1.1\r\n'
                    b'Content-Length: 99999999999999999999\r\n\r\n',
                    b'POST /reload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n'):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(daemon.admin_socket))
            try:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert admin.get('/config')
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED


# Who may

@pytest.mark.skipif(not IS_ROOT, reason='it takes root to be three users')
class TestUsers:
    """root; somebody in the group of the socket; a stranger."""

    MEMBER, STRANGER, GROUP = 61001, 61002, 61003

    @pytest.fixture
    def open_socket(self, daemon):
        """A socket as systemd would pass it, which everybody may connect to."""
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(daemon.admin_socket))
            os.chown(daemon.admin_socket, 0, self.GROUP)
            os.chmod(daemon.admin_socket, 0o666)
            listening.listen()
            policy = socket.socket(socket.AF_UNIX)
            policy.bind(str(daemon.socket))
            policy.listen()
            with policy, passed([policy, listening], daemon.command('-v'), names='policy:admin') as options:
                daemon.start(**options)
            yield

    def test_root_may_do_all(self, daemon, open_socket):
        assert curl(daemon, 'http://l/config')[:2] == (0, 200)
        assert curl(daemon, '-X', 'POST', 'http://l/reload')[:2] == (0, 200)

    def test_member_of_the_group_may_read(self, daemon, open_socket):
        for who in ({'user': self.MEMBER, 'group': self.GROUP, 'extra_groups': []},
                    {'user': self.MEMBER, 'group': self.MEMBER, 'extra_groups': [5, self.GROUP, 7]}):
            assert curl(daemon, 'http://l/config', **who)[:2] == (0, 200)
            code, status, text = curl(daemon, '-X', 'POST', 'http://l/reload', **who)
            assert (code, status) == (0, 403)
            assert json.loads(text)['error'] == 'only root and the user of sixgated may change anything'

    def test_stranger_may_nothing(self, daemon, open_socket):
        who = {'user': self.STRANGER, 'group': self.STRANGER, 'extra_groups': [5, 7]}
        for arguments in (['http://l/config'], ['-X', 'POST', 'http://l/reload'], ['http://l/nothing']):
            code, status, text = curl(daemon, *arguments, **who)
            assert (code, status) == (0, 403)
            assert json.loads(text)['error'].startswith('only root, the user of sixgated and members')

    def test_stranger_does_not_even_reach_a_socket_of_ours(self, daemon):
        nobody = pwd.getpwnam('nobody')
        os.chown(daemon.folder, nobody.pw_uid, nobody.pw_gid)
        daemon.configure(user='nobody', admin_group='mail')
        daemon.start()
        about = daemon.admin_socket.stat()
        assert (about.st_mode & 0o777, about.st_uid) == (0o660, nobody.pw_uid)
        mail = about.st_gid
        stranger = {'user': self.STRANGER, 'group': self.STRANGER, 'extra_groups': []}
        assert curl(daemon, 'http://l/config', **stranger)[0] == 7, 'curl: cannot connect'
        member = {'user': self.MEMBER, 'group': self.MEMBER, 'extra_groups': [mail]}
        assert curl(daemon, 'http://l/config', **member)[:2] == (0, 200)
        owner = {'user': nobody.pw_uid, 'group': self.STRANGER, 'extra_groups': []}
        assert curl(daemon, '-X', 'POST', 'http://l/reload', **owner)[:2] == (0, 200)


# The socket

def test_default_socket_that_cannot_be_had_is_done_without(daemon):
    daemon.configure(admin_listen=None)
    taken = socket.socket(socket.AF_UNIX)
    daemon.start('-o', 'policy_socket_mode=0600')
    taken.close()
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED


def test_named_socket_that_cannot_be_had_is_an_error(daemon):
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(daemon.admin_socket))
        taken.listen()
        done = daemon.run('-v')
    assert done.returncode == 1
    assert f'admin_listen: unix:{daemon.admin_socket}: is in use by process {os.getpid()}' in done.stderr


def test_empty_admin_listen_is_no_socket(daemon):
    daemon.configure(admin_listen='')
    daemon.start()
    assert not daemon.admin_socket.exists()


def test_missing_directory_is_made(daemon):
    path = daemon.folder / 'run' / 'admin'
    daemon.configure(admin_listen=f'unix:{path}')
    daemon.start()
    assert path.is_socket()
    daemon.stop()
    assert not path.exists()


def test_group_that_is_not_there_is_an_error(daemon):
    daemon.configure(admin_group='no-such-group')
    done = daemon.run('-t')
    assert done.returncode == 1
    assert 'admin_group: no-such-group: there is no such group' in done.stderr


# What a bad client can do

def hang(daemon, count):
    clients = [socket.socket(socket.AF_UNIX) for _ in range(count)]
    for client in clients:
        client.connect(str(daemon.admin_socket))
        client.sendall(b'GET /config HTTP/1.1\r\n')
    return clients


def test_clients_that_never_finish_keep_nobody_out(daemon, admin):
    clients = hang(daemon, 3 * CONNECTIONS_MAX)
    assert admin.get('/config'), 'the idlest makes room'
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED
    assert daemon.open_files()['sockets'] < 3 * CONNECTIONS_MAX, 'they are bounded'
    for client in clients:
        client.close()


def test_connections_that_are_gone_are_let_go_of(daemon, admin):
    before = daemon.open_files()
    for _ in range(3):
        for client in hang(daemon, CONNECTIONS_MAX - 2):
            client.close()
        admin.get('/config')
    wait_until('all is closed', lambda: daemon.has_closed_all_since(before))


def test_client_that_does_not_read_keeps_nobody_out(daemon, admin):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(daemon.admin_socket))
        client.settimeout(1)
        try:
            for _ in range(2000):
                client.sendall(b'GET /config HTTP/1.1\r\nHost: l\r\n\r\n')
        except (TimeoutError, BrokenPipeError):
            pass  # it reads no more
        assert admin.get('/config')
        assert daemon.ask(recipient=new_recipient()) == GREYLISTED


def test_clients_that_never_pause_keep_nobody_out(daemon, admin):
    stop = threading.Event()

    def ask_without_a_pause():
        connection = UnixConnection(daemon.admin_socket)
        while not stop.is_set():
            connection.request('GET', '/nothing')
            connection.getresponse().read()
        connection.close()

    clients = [threading.Thread(target=ask_without_a_pause, daemon=True) for _ in range(CONNECTIONS_MAX + 8)]
    for client in clients:
        client.start()
    try:
        wait_until('all connections are taken', lambda: daemon.open_files()['sockets'] >= CONNECTIONS_MAX)
        assert admin.get('/config')
    finally:
        stop.set()
        for client in clients:
            client.join()


def test_one_connection_can_ask_many_times(daemon, admin):
    connection = UnixConnection(daemon.admin_socket)
    for _ in range(100):
        connection.request('GET', '/config')
        assert json.loads(connection.getresponse().read())['settings']
    connection.close()


def test_head_has_no_body(daemon, admin):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(daemon.admin_socket))
        client.sendall(b'HEAD /config HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n')
        answer = b''
        while piece := client.recv(4096):
            answer += piece
    head, _, rest = answer.partition(b'\r\n\r\n')
    assert head.startswith(b'HTTP/1.1 405') and rest.startswith(b'HTTP/1.1 404'), answer


def test_half_closed_client_gets_its_answer(daemon, admin):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(daemon.admin_socket))
        client.sendall(b'POST /reload HTTP/1.0\r\nContent-Length: 0\r\n\r\n')
        client.shutdown(socket.SHUT_WR)
        answer = b''
        while piece := client.recv(4096):
            answer += piece
    assert answer.startswith(b'HTTP/1.0 200 OK') and b'"reloaded": true' in answer


def test_end_with_clients_that_wait_is_clean(daemon, admin):
    clients = hang(daemon, 5)
    connection = UnixConnection(daemon.admin_socket)
    connection.request('POST', '/reload')
    daemon.stop()
    for client in clients:
        client.close()
    connection.close()
