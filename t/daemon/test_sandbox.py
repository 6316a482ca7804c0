# SPDX-License-Identifier: BSD-2-Clause
"""All that the daemon does, with no more rights than its unit leaves it.

A real systemd starts it, from the unit of the build.  A system call that the unit's filter forbids ends it here."""

import grp
import os
import re
import signal
import stat
from pathlib import Path

import pytest

import behaviour
import database
from machine import Machine, installed_program, needs_systemd
from poll import wait_until
from policy import GREYLISTED, PASS, new_recipient
from service import Service
from turns import needs_turns, turns_of

HOST = '2001:db8::101'


@pytest.fixture(scope='module')
def machine():
    needs_systemd()
    machine = Machine()
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()


@pytest.fixture
def service(machine):
    """One that waits for start(); what still runs at the end of the test must be what was started, and end well."""
    service = Service(machine)
    yield service
    try:
        if service.show('ActiveState') != 'inactive':
            assert service.show('NRestarts') == '0', service.state_of_affairs()
            service.stop()
    finally:
        service.end()


def ids(service):
    """The user and the group of the service."""
    passwd = service.machine.path('/etc/passwd').read_text()
    return tuple(int(number) for number in re.search(r'^sixgate:[^:]*:(\d+):(\d+):', passwd, re.MULTILINE).groups())


# What it may

def test_it_is_its_user_without_any_capability(service):
    service.start()
    status = dict(line.split(':', 1) for line in Path(f'/proc/{service.pid}/status').read_text().splitlines())
    uid, gid = ids(service)
    assert status['Uid'].split() == [str(uid)] * 4
    assert status['Gid'].split() == [str(gid)] * 4
    for kind in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
        assert int(status[kind], 16) == 0, kind
    assert status['NoNewPrivs'].strip() == '1'
    assert status['Seccomp'].strip() == '2'


def mounts(service):
    """What the daemon sees mounted: the flags by the path; of several on one path, the uppermost."""
    lines = Path(f'/proc/{service.pid}/mountinfo').read_text().splitlines()
    return {line.split()[4]: set(line.split()[5].split(',')) for line in lines}


def test_it_can_write_only_its_own_directories(service):
    service.start()
    kernels = ('/proc', '/sys', '/dev')  # no files that anybody could keep something in, but for this one
    assert {path for path, flags in mounts(service).items()
            if 'rw' in flags and (path == '/dev/shm' or not path.startswith(kernels))} == {
        '/tmp', '/var/tmp', '/dev/shm', '/var/lib/sixgate', '/run/sixgate'}
    root = Path(f'/proc/{service.pid}/root')
    assert os.listdir(root / 'tmp') == [], 'a directory of its own'
    for path in ('home', 'root', 'var/spool', 'var/mail'):
        assert stat.S_IMODE((root / path).stat().st_mode) == 0, path


def test_it_can_start_no_program_but_itself_and_kill(service):
    service.start()
    executable = {path for path, flags in mounts(service).items()
                  if 'noexec' not in flags and not path.startswith('/sys')}
    # Not on every machine, and systemd's own, which is empty.
    executable -= {'/usr/lib64', '/usr/local/lib', '/run/systemd/incoming'}
    assert executable == {installed_program(), '/usr/bin/kill', '/usr/lib'}


def test_files_and_sockets_are_as_the_manual_says(service):
    service.start(privacy='yes')
    uid, gid = ids(service)
    postfix = int(re.search(r'^postfix:[^:]*:(\d+):', service.machine.path('/etc/group').read_text(),
                            re.MULTILINE).group(1))
    assert service.ask() == GREYLISTED
    for path, mode, group in ((service.state, 0o750, gid), (service.database, 0o640, gid),
                              (service.state / 'privacy.key', 0o600, gid), (service.admin_socket.parent, 0o755, gid),
                              (service.admin_socket, 0o660, gid), (service.policy_socket, 0o660, postfix)):
        about = path.stat()
        assert (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid) == (mode, uid, group), path


# What it does

def test_verdicts_are_answered_logged_and_kept(service):
    service.start()
    recipient = new_recipient()
    assert service.ask(recipient=recipient) == GREYLISTED
    assert service.ask(recipient=recipient) == GREYLISTED
    service.wait_for_log('reason=early-retry')
    assert re.search(r'sixgated(\[\d+\])?: action=greylist, reason=new, ', service.log())
    service.stop()
    assert len(service.rows('SELECT * FROM entry')) == 1


def test_settings_and_tables_are_read_again(service):
    service.start()
    assert service.ask(recipient=new_recipient()) == GREYLISTED
    table = service.etc / 'sender_access'
    table.write_text('sender.example OK\n')
    wait_until('the table is in force', lambda: service.ask(recipient=new_recipient()) != GREYLISTED)
    table.write_text('')
    service.configure(greylist_text='Please wait')
    service.reload()
    assert service.ask(recipient=new_recipient()) == 'DEFER_IF_PERMIT 4.7.1 Please wait'


def test_admins_are_answered(service):
    service.start()
    service.ask(recipient=new_recipient())
    assert service.admin.get('/health')['healthy']
    assert len(service.admin.get('/entries')['entries']) == 1
    assert 'sixgate_requests_total' in service.admin.get('/metrics')
    question = {'client_address': '192.0.2.1', 'sender': 'a@b.example', 'recipient': 'alice@here.example'}
    assert service.admin.post('/explain', question)['verdict']['reason'] == 'new'
    service.admin.post('/clients', {'client': '192.0.2.1'})
    assert service.ask(recipient=new_recipient()) != GREYLISTED
    service.admin.delete('/entries', all='yes')
    assert service.admin.get('/entries')['entries'] == []
    service.configure(greylist_text='Please wait')
    service.admin.post('/reload')
    assert service.admin.get('/config')


def test_admin_socket_is_given_to_admin_group(service):
    group = int(re.search(r'^mail:[^:]*:(\d+):', service.machine.path('/etc/group').read_text(),
                          re.MULTILINE).group(1))
    service.start('SupplementaryGroups=mail\n', admin_group='mail')
    assert service.admin_socket.stat().st_gid == group


@pytest.mark.parametrize('transport', ['udp', 'tcp'])
def test_dns_is_asked_by_gate_and_spf(service, names, transport):
    names.add(f'{HOST}  PTR   mail.confirmed.example\nmail.confirmed.example  AAAA  {HOST}\n'
              f'fail.example  TXT  v=spf1 ip6:2001:db8:1::/64 -all\n')
    if transport == 'tcp':
        names.otherwise = behaviour.truncated
    service.start(gate='enforce', dns_servers=names.address)
    asked = {'client_address': HOST, 'client_name': 'unknown', 'recipient': new_recipient()}
    assert service.ask(sender='a@fail.example', **asked).startswith('550 5.7.23 ')
    assert service.ask(sender='a@none.example', **asked) == GREYLISTED
    assert service.ask(**{**asked, 'client_address': '2001:db8::666'}).startswith('550 5.7.25 ')
    assert transport in {question.transport for question in names.questions}


def test_database_that_is_damaged_is_begun_anew(service):
    service.start()
    assert service.ask() == GREYLISTED
    service.stop()
    database.DAMAGES['header'](service.database)
    service.start_again()
    assert service.ask() == GREYLISTED
    service.wait_for_log('the database is damaged')
    assert len([path for path in service.state.iterdir() if '.damaged-' in path.name]) == 1
    service.stop()
    assert service.rows('PRAGMA integrity_check') == [('ok',)]


def test_end_is_clean_and_what_was_learned_is_there_again(service):
    service.start()
    recipient = new_recipient()
    assert service.ask(recipient=recipient) == GREYLISTED
    service.stop()
    assert sorted(path.name for path in service.state.iterdir()) == ['sixgate.db']
    assert service.policy_socket.is_socket(), 'requests wait there'
    service.start_again()
    assert service.ask(recipient=recipient) == GREYLISTED
    service.wait_for_log('reason=early-retry')


def test_a_connection_starts_it(service):
    service.start()
    service.stop()
    assert service.ask(recipient=new_recipient()) == GREYLISTED
    assert service.show('ActiveState') == 'active'


@needs_turns
def test_its_loop_has_short_turns(service):
    service.start()
    assert turns_of(service.pid).length_ns < turns_of(0).length_ns


def test_watchdog_is_answered(service):
    service.start('WatchdogSec=1s\n')
    heard = service.show('WatchdogTimestampMonotonic')
    wait_until('it answers', lambda: service.show('WatchdogTimestampMonotonic') != heard)


def test_who_is_killed_is_started_again(service):
    service.start('RestartSec=0\n')
    recipient = new_recipient()
    assert service.ask(recipient=recipient) == GREYLISTED
    os.kill(service.pid, signal.SIGKILL)
    wait_until('systemd has noticed', lambda: service.show('NRestarts') == '1')
    assert service.ask(recipient=recipient) == GREYLISTED
    service.wait_for_log('reason=early-retry')
    service.stop()


def test_who_is_killed_again_and_again_is_started_again(service):
    """systemd would give up after five starts in ten seconds, and close the socket with it."""
    service.start('RestartSec=0\n')
    recipient = new_recipient()
    for restarts in range(1, 9):
        assert service.ask(recipient=recipient) == GREYLISTED
        os.kill(service.pid, signal.SIGKILL)
        wait_until('systemd has noticed', lambda: service.show('NRestarts') == str(restarts))
    assert service.ask(recipient=recipient) == GREYLISTED
    service.stop()
