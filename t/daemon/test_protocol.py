# SPDX-License-Identifier: BSD-2-Clause
"""Requests in every form that Postfix, or what takes itself for it, may send them."""

import random

import pytest

import database
from daemon import free_port
from policy import ATTRIBUTES, GREYLISTED, PASS, Connection, ConnectionClosed, encode, new_recipient, request
from poll import wait_until

NOT_JUDGED = ['CONNECT', 'EHLO', 'HELO', 'MAIL', 'DATA', 'END-OF-MESSAGE', 'VRFY', 'ETRN', '', 'nonsense']

# Each with the words in which the log says so.
BROKEN = {
    'no request': (request(request=None), 'no request=smtpd_access_policy'),
    'another request': (request(request='junk_access_policy'), 'no request=smtpd_access_policy'),
    'nothing but its end': (b'\n', 'no request=smtpd_access_policy'),
    'a line without the sign': (request()[:-1] + b'nonsense\n\n', 'a line without "="'),
    'a NUL byte in a value': (request(sender=b'some\0one@sender.example'), 'a NUL byte'),
    'a NUL byte in a name': (request()[:-1] + b'na\0me=value\n\n', 'a NUL byte'),
    'too long': (request(helo_name='x' * 17000), 'longer than max_request_size'),
    'too long without an end': (request()[:-1] + b'x=' + b'y' * 20000, 'longer than max_request_size'),
    'a line that never ends': (b'z' * 20000, 'longer than max_request_size'),
}


def test_request_as_smtpd_sends_it(daemon):
    daemon.start()
    with daemon.connect() as connection:
        assert connection.ask() == GREYLISTED
        assert connection.ask() == GREYLISTED
        assert connection.ask(protocol_state='MAIL') == PASS


def test_request_in_two_pieces_split_at_every_byte(daemon):
    daemon.start()
    whole = request()
    with daemon.connect() as connection:
        for at in range(1, len(whole)):
            connection.send_and_wait(whole[:at])
            connection.send(whole[at:])
            assert connection.read_answer() == GREYLISTED, f'split behind byte {at}'


def test_request_that_comes_one_byte_at_a_time(daemon):
    daemon.start()
    with daemon.connect() as connection:
        for byte in request():
            connection.send_and_wait(bytes([byte]))
        assert connection.read_answer() == GREYLISTED


def test_attributes_in_any_order(daemon):
    daemon.start()
    order = random.Random(1)
    pairs = list(ATTRIBUTES.items())
    with daemon.connect() as connection:
        for _ in range(50):
            order.shuffle(pairs)
            connection.send(encode(pairs))
            assert connection.read_answer() == GREYLISTED, pairs


def test_attributes_that_nobody_knows(daemon):
    daemon.start()
    unknown = {'tls_sni': 'here.example', 'mail_version': '3.12', 'sender ': 'x', '': '', 'SENDER': 'x', 'x' * 300: '=',
               'p\xe4': '\xff'}
    verdict = daemon.verdict(**unknown)
    assert (verdict['answer'], verdict['sender']) == (GREYLISTED, ATTRIBUTES['sender'])


@pytest.mark.parametrize('value', [None, ''], ids=['missing', 'empty'])
def test_attribute_missing_or_empty_is_harmless(daemon, value):
    daemon.start()
    passes = {'protocol_state', 'client_address'}
    if value is None:
        passes |= {'sender', 'recipient'}
    with daemon.connect() as connection:
        for name in set(ATTRIBUTES) - {'request'}:
            assert connection.ask(**{name: value}) == (PASS if name in passes else GREYLISTED), name
            assert connection.ask() == GREYLISTED, f'the request behind the one without {name} suffers'


def test_attribute_repeated_is_harmless(daemon):
    daemon.start()
    pairs = list(ATTRIBUTES.items())
    with daemon.connect() as connection:
        connection.send(encode(pairs + pairs))
        assert connection.read_answer() == GREYLISTED
        connection.send(encode(pairs + [('client_address', '192.0.2.77'), ('sender', 'x@y.example')]))
        assert connection.read_answer() == GREYLISTED


@pytest.mark.parametrize('address', ['unknown', '192.0.2', '192.0.2.256', '[192.0.2.1]', '2001:db8::g', 'mail.example',
                                     '1' * 400])
def test_client_address_that_is_none_passes(daemon, address):
    daemon.start()
    verdict = daemon.verdict(client_address=address)
    assert verdict['answer'] == PASS
    assert verdict['reason'] == 'missing attribute'


@pytest.mark.parametrize('state', NOT_JUDGED)
def test_other_states_than_rcpt_pass_at_once(daemon, state):
    daemon.start()
    assert daemon.ask(protocol_state=state) == PASS
    assert database.entries(daemon.database) == []


def test_two_requests_in_one_write_are_answered_in_turn(daemon):
    daemon.start()
    with daemon.connect() as connection:
        connection.send(request() + request(protocol_state='MAIL'))
        assert connection.read_answers(2) == [GREYLISTED, PASS]
        connection.send(request(protocol_state='MAIL') + request())
        assert connection.read_answers(2) == [PASS, GREYLISTED]


def test_hundred_requests_in_one_write(daemon):
    daemon.start()
    with daemon.connect() as connection:
        connection.send(b''.join(request(protocol_state='MAIL') + request(recipient=new_recipient())
                                 for _ in range(50)))
        assert connection.read_answers(100) == [PASS, GREYLISTED] * 50


def test_peer_that_sends_no_more_still_gets_its_answer(daemon):
    daemon.start()
    for _ in range(20):
        with daemon.connect() as connection:
            connection.send(request(recipient=new_recipient()))
            connection.half_close()
            assert connection.read_to_end() == f'action={GREYLISTED}\n\n'.encode()


def test_peer_that_sends_two_requests_and_no_more_gets_two_answers(daemon):
    daemon.start()
    for _ in range(20):
        with daemon.connect() as connection:
            connection.send(request(recipient=new_recipient()) + request(protocol_state='MAIL'))
            connection.half_close()
            assert connection.read_to_end() == f'action={GREYLISTED}\n\naction={PASS}\n\n'.encode()


@pytest.mark.parametrize('how', BROKEN)
def test_broken_request_closes_its_connection_unanswered(daemon, how):
    data, why = BROKEN[how]
    daemon.start()
    with daemon.connect() as bystander, daemon.connect() as broken:
        assert bystander.ask() == GREYLISTED
        try:
            broken.send(data)
        except ConnectionClosed:
            pass  # the daemon was quicker
        assert broken.read_to_end() == b''
        assert bystander.ask() == GREYLISTED
    daemon.wait_for_log(f'warning: policy request: {why}; the connection is closed')


def test_broken_request_behind_a_good_one_takes_nothing_back(daemon):
    daemon.start()
    with daemon.connect() as connection:
        connection.send(request() + b'nonsense\n\n')
        assert connection.read_to_end() == f'action={GREYLISTED}\n\n'.encode()


def test_request_as_long_as_max_request_size_is_answered_and_not_one_byte_more(daemon):
    daemon.configure(max_request_size='2048')
    daemon.start()
    room = 2048 - len(request(x=''))
    with daemon.connect() as connection:
        assert connection.ask(x='y' * room) == GREYLISTED
        assert connection.ask() == GREYLISTED
        connection.send(request(x='y' * (room + 1)))
        assert connection.read_to_end() == b''


def test_long_request_behind_another_one_is_answered(daemon):
    daemon.start()
    with daemon.connect() as connection:
        connection.send(request() + request(x='y' * 15000) + request(protocol_state='MAIL'))
        assert connection.read_answers(3) == [GREYLISTED, GREYLISTED, PASS]


def test_peer_that_hangs_up_within_a_request_harms_nobody(daemon):
    daemon.start()
    before = daemon.open_files()
    whole = request()
    with daemon.connect() as bystander:
        for at in range(0, len(whole), 7):
            connection = daemon.connect()
            connection.send(whole[:at])
            connection.close()
        assert bystander.ask() == GREYLISTED
    wait_until('all connections are closed', lambda: daemon.has_closed_all_since(before))


@pytest.mark.parametrize('kind', ['unix', 'inet'])
def test_peer_that_hangs_up_during_its_check_is_forgotten(daemon, kind):
    port = free_port()
    daemon.configure(policy_listen=f'unix:{daemon.socket} inet:127.0.0.1:{port}')
    daemon.start()
    assert daemon.ask() == GREYLISTED
    before = daemon.open_files()
    # A check that was cancelled leaves no verdict.  On a slow machine it may end before its peer does.
    for _ in range(20):
        hasty = new_recipient()
        with database.locked(daemon.database):
            connection = Connection(daemon.socket if kind == 'unix' else ('127.0.0.1', port))
            connection.send_and_wait(request(recipient=hasty))
            connection.close()
            wait_until('the connection is closed', lambda: daemon.has_closed_all_since(before))
        patient = new_recipient()
        daemon.verdict(recipient=patient)
        asked = [verdict['recipient'] for verdict in daemon.verdicts()]
        assert patient in asked
        if hasty not in asked:
            return
    raise AssertionError('every check went on to its end without its peer')


def test_answer_is_clean_whatever_the_sender_contains(daemon):
    # read_answer() takes nothing but one line of UTF-8 without control characters.
    daemon.start()
    with daemon.connect() as connection:
        for byte in set(range(1, 256)) - {ord('\n')}:
            nasty = b'a' + bytes([byte]) * 3 + b'\r\x1b[0m@sender.example'
            assert connection.ask(sender=nasty, recipient=nasty, helo_name=nasty, client_name=nasty) == GREYLISTED, byte
