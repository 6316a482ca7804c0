# SPDX-License-Identifier: BSD-2-Clause
"""Greylist entries and known clients over the admin socket: what is shown, what is removed, what is refused."""

import sqlite3
from contextlib import closing

import pytest

import database
from policy import GREYLISTED, PASS, new_recipient
from poll import wait_until


@pytest.fixture
def admin(daemon):
    daemon.start()
    return daemon.admin


def senders(answer):
    return [entry['sender'] for entry in answer['entries']]


def test_entries_are_listed_newest_first(daemon, admin):
    for name in ('a', 'b', 'c'):
        daemon.ask(sender=f'{name}@sender.example')
    answer = admin.get('/entries')
    assert senders(answer) == ['c@sender.example', 'b@sender.example', 'a@sender.example']
    assert answer['next'] is None
    entry = answer['entries'][0]
    assert (entry['key'], entry['recipient'], entry['state'], entry['passes']) == (
        '192.0.2.0/24', 'alice@here.example', 'waiting', 0)
    assert entry['first_seen'] == entry['last_seen'] < entry['expires']


def test_pages_have_each_entry_once(daemon, admin):
    for number in range(7):
        daemon.ask(recipient=f'{chr(97 + number)}@here.example')
    seen, cursor = [], {}
    while True:
        answer = admin.get('/entries', limit=3, **cursor)
        seen += [entry['recipient'][0] for entry in answer['entries']]
        daemon.ask(recipient=new_recipient())
        if answer['next'] is None:
            break
        cursor = {'cursor': answer['next']}
    assert seen == list('gfedcba')


@pytest.mark.parametrize('condition, found', [
    ({'client': '2001:db8:1::99'}, ['x@one.example']),
    ({'client': '2001:db8::/32'}, ['y@mail.one.example', 'x@one.example']),
    ({'client': '2001:db8:1::/64'}, ['x@one.example']),
    ({'sender': 'one.example'}, ['y@mail.one.example', 'x@one.example']),
    ({'sender': '.one.example'}, ['y@mail.one.example']),
    ({'sender': 'X@One.example'}, ['x@one.example']),
    ({'sender': 'z@'}, ['z@two.example']),
    ({'sender': '<>'}, []),
    ({'sender': '*.example', 'client': '192.0.2.1'}, ['z@two.example']),
    ({'recipient': 'here.example', 'state': 'waiting'},
     ['z@two.example', 'y@mail.one.example', 'x@one.example']),
    ({'state': 'passed'}, []),
])
def test_conditions(daemon, admin, condition, found):
    daemon.ask(client_address='2001:db8:1::1', sender='x@one.example')
    daemon.ask(client_address='2001:db8:2::1', sender='y@mail.one.example')
    daemon.ask(client_address='192.0.2.1', sender='z@two.example')
    assert senders(admin.get('/entries', **condition)) == found
    status, answer = admin.request('DELETE', '/entries', **condition)
    assert (status, answer.get('removed', 0)) == ((200, len(found)) if found else (404, 0))
    assert len(admin.get('/entries')['entries']) == 3 - len(found)


def test_sender_is_found_as_it_was_written(daemon, admin):
    daemon.ask(sender='prvs=0123456789=bounce+17@list.example')
    assert len(admin.get('/entries', sender='bounce+99@list.example')['entries']) == 1


def test_forgotten_entry_is_new_again(daemon, admin):
    assert daemon.reason() == 'new'
    assert daemon.reason().startswith('early-retry')
    assert admin.delete('/entries', sender='sender.example') == {'removed': 1}
    assert daemon.reason() == 'new'


@pytest.mark.parametrize('method, path, parameters, error', [
    ('DELETE', '/entries', {}, 'which ones? Name at least one condition, or say all=yes'),
    ('DELETE', '/entries', {'all': 'no'}, 'all: "no": expected yes'),
    ('GET', '/entries', {'client': 'mail.example'}, 'client: "mail.example": expected an address'),
    ('GET', '/entries', {'state': 'new'}, 'state: "new": expected waiting or passed'),
    ('GET', '/entries', {'limit': 0}, 'limit: "0": expected a number from 1 to 1000'),
    ('GET', '/entries', {'limit': 'many'}, 'limit: "many": expected a number'),
    ('GET', '/entries', {'cursor': '-1'}, 'cursor: "-1": expected a number'),
    ('GET', '/entries', {'sender': ''}, 'sender: "": expected user@domain'),
    ('DELETE', '/entries', {'sender': '*\0x'}, 'a parameter has a NUL in it'),
    ('GET', '/clients', {'state': 'waiting'}, 'state: "waiting": expected known or learning'),
    ('DELETE', '/clients', {}, 'which ones?'),
])
def test_what_cannot_be_meant(admin, method, path, parameters, error):
    status, message = admin.refused(method, path, **parameters)
    assert status == 400 and message.startswith(error)


def test_everything_goes_when_that_is_said(daemon, admin):
    for _ in range(5):
        daemon.ask(recipient=new_recipient())
    assert admin.delete('/entries', all='yes') == {'removed': 5}
    assert database.entries(daemon.database) == []


def test_client_is_allowed_and_forgotten(daemon, admin):
    assert daemon.ask(client_address='2001:db8:7::1', recipient=new_recipient()) == GREYLISTED
    assert admin.post('/clients', {'client': '2001:db8:7::25'}) == {'client': '2001:db8:7::/64', 'state': 'known'}
    assert daemon.ask(client_address='2001:db8:7::1', recipient=new_recipient()) == PASS
    told = admin.post('/explain', {'client_address': '2001:db8:7::1', 'sender': 'a@b.example',
                                   'recipient': 'c@d.example'})
    [greylist] = [step for step in told['steps'] if step['step'] == 'greylist']
    assert greylist['result'] == 'known'
    assert any('2001:db8:7::/64: an admin has allowed it' in line for line in greylist['details'])
    [client] = admin.get('/clients', state='known')['clients']
    assert (client['client'], client['state'], client['by']) == ('2001:db8:7::/64', 'known', 'allow')
    assert admin.get('/clients', state='learning')['clients'] == []
    assert admin.delete('/clients', client='2001:db8:7::/64') == {'removed': 1}
    assert daemon.ask(client_address='2001:db8:7::1', recipient=new_recipient()) == GREYLISTED
    assert admin.refused('DELETE', '/clients', client='2001:db8:7::/64')[0] == 404


def test_clients_become_known_by_themselves(daemon):
    daemon.configure(greylist_delay='1s', greylist_known_after=1)
    daemon.start()
    daemon.ask()
    wait_until('it passes', lambda: daemon.ask() == PASS)
    [client] = daemon.admin.get('/clients')['clients']
    assert (client['client'], client['state'], client['by'], client['passes']) == ('192.0.2.0/24', 'known', 'passes', 1)


def test_clients_come_in_pages(daemon, admin):
    for number in range(5):
        admin.post('/clients', {'client': f'198.51.{100 + number}.1'})
    first = admin.get('/clients', limit=3)
    rest = admin.get('/clients', limit=3, cursor=first['next'])
    assert [client['client'] for client in first['clients'] + rest['clients']] == [
        f'198.51.{100 + number}.0/24' for number in range(5)]
    assert rest['next'] is None


@pytest.mark.parametrize('body, status, error', [
    ({'client': 'somebody'}, 400, 'client: "somebody": expected an address'),
    ({'client': '2001:db8::/32'}, 400, 'client: "2001:db8::/32": expected one client'),
    ({'client': '*'}, 400, 'client: "*": expected one client'),
    ({'client': 'farm:google'}, 400, 'client: "farm:google": of a farm'),
    ({'client': 'farm:gogle/b.example'}, 400, 'client: "farm:gogle/b.example": there is no farm of this name'),
    ({}, 400, 'expected {"client": "ADDRESS"}'),
    ({'client': '192.0.2.1', 'name': 'x'}, 400, 'expected {"client": "ADDRESS"}'),
])
def test_who_cannot_be_allowed(admin, body, status, error):
    got, message = admin.refused('POST', '/clients', body)
    assert got == status and message.startswith(error)


def test_nobody_is_allowed_while_nobody_becomes_known(daemon):
    daemon.configure(greylist_known_after=0)
    daemon.start()
    status, message = daemon.admin.refused('POST', '/clients', {'client': '192.0.2.1'})
    assert (status, message) == (409, 'greylist_known_after = 0: no client becomes known')


def test_with_privacy_whole_addresses_are_found_by_their_hash(daemon):
    daemon.configure(privacy='yes')
    daemon.start()
    daemon.ask()
    [entry] = daemon.admin.get('/entries', sender='someone@sender.example', client='192.0.2.77')['entries']
    assert entry['sender'].startswith('h:') and entry['key'].startswith('h:')
    assert len(daemon.admin.get('/entries', sender=entry['sender'])['entries']) == 1
    status, message = daemon.admin.refused('GET', '/entries', sender='sender.example')
    assert status == 400 and 'privacy = yes' in message
    assert daemon.admin.delete('/entries', client='192.0.2.1') == {'removed': 1}
    daemon.admin.post('/clients', {'client': '192.0.2.1'})
    assert daemon.ask(recipient=new_recipient()) == PASS


def test_store_that_is_read_while_somebody_writes(daemon, admin):
    daemon.ask()
    with database.locked(daemon.database):
        assert len(admin.get('/entries')['entries']) == 1
    assert admin.delete('/entries', all='yes') == {'removed': 1}


def test_bytes_in_the_database_stay_text(daemon, admin):
    with closing(sqlite3.connect(daemon.database)) as handle:
        handle.execute("INSERT INTO entry VALUES (NULL, 1, '192.0.2.0/24', CAST(x'1b5b31ff0a' AS TEXT), 'x', "
                       "1, 1, 0, 9999999999)")
        handle.commit()
    assert senders(admin.get('/entries')) == ['\\x1b[1\\xff\\x0a']
