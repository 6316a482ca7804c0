# SPDX-License-Identifier: BSD-2-Clause
"""Greylisting as a sender sees it."""

import re
import time

import pytest

from daemon import SHORT_DELAY
from hosts import (MAIL_V4, MAIL_V4_OTHER_24, MAIL_V4_SAME_24, MAIL_V6, MAIL_V6_OTHER_64, MAIL_V6_SAME_64)
from poll import wait_until
from smtp_client import Session, ask, deliver, deliver_with_patience, greylisted

SENDER = 'someone@sender.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'

either_family = pytest.mark.parametrize('client', [MAIL_V4, MAIL_V6], ids=['ipv4', 'ipv6'])


@either_family
def test_new_sender_is_deferred(daemon, client):
    daemon.start()
    assert ask(client, SENDER, ALICE) == greylisted(ALICE)
    daemon.wait_for_verdict(action='greylist', reason='new')


@either_family
def test_early_retry_is_deferred(daemon, client):
    daemon.start()
    ask(client, SENDER, ALICE)
    assert ask(client, SENDER, ALICE) == greylisted(ALICE)
    verdict = wait_until('the early retry in the log', lambda: daemon.verdicts(action='greylist')[1:])[0]
    assert re.fullmatch(r'early-retry \(\d+s missing\)', verdict['reason'])


@either_family
def test_retry_after_the_delay_is_delivered(daemon, mailhost, client):
    daemon.start(greylist_delay=SHORT_DELAY)
    assert ask(client, SENDER, ALICE) == greylisted(ALICE)
    token = deliver_with_patience(client, SENDER, ALICE)
    message = mailhost.wait_for_message(ALICE, token)
    assert f'Return-Path: <{SENDER}>' in message
    verdict = daemon.wait_for_verdict(action='pass', reason='triplet found')
    assert int(verdict['delay']) >= 1


def test_retry_never_passes_before_the_delay(daemon):
    delay_s = 3
    daemon.start(greylist_delay=f'{delay_s}s')
    before_first_try = time.monotonic()
    ask(MAIL_V4, SENDER, ALICE)
    deliver_with_patience(MAIL_V4, SENDER, ALICE)
    # Never less than what lay between the verdicts.  The daemon's times are whole seconds: the first try may
    # have come at the very end of the second that it is noted for.
    assert time.monotonic() - before_first_try >= delay_s - 1


def test_sender_that_passed_once_is_not_deferred_again(daemon):
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(MAIL_V4, SENDER, ALICE)
    assert ask(MAIL_V4, SENDER, ALICE).code == 250


@pytest.mark.parametrize('first, neighbour, network', [
    (MAIL_V4, MAIL_V4_SAME_24, '192.0.2.0/24'),
    (MAIL_V6, MAIL_V6_SAME_64, '2001:db8:10:1::/64'),
], ids=['same /24', 'same /64'])
def test_retry_from_the_same_network_passes(daemon, first, neighbour, network):
    daemon.start(greylist_delay=SHORT_DELAY)
    assert ask(first, SENDER, ALICE) == greylisted(ALICE)
    deliver_with_patience(neighbour, SENDER, ALICE)
    assert daemon.wait_for_verdict(reason='new')['client_address'] == first.address
    passed = daemon.wait_for_verdict(action='pass')
    assert passed['client_address'] == neighbour.address
    assert passed['key'] == network
    assert len(daemon.verdicts(reason='new')) == 1


@pytest.mark.parametrize('first, other, network', [
    (MAIL_V4, MAIL_V4_OTHER_24, '198.51.100.0/24'),
    (MAIL_V6, MAIL_V6_OTHER_64, '2001:db8:10:2::/64'),
], ids=['other /24', 'other /64'])
def test_another_network_is_new(daemon, first, other, network):
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(first, SENDER, ALICE)
    assert ask(other, SENDER, ALICE) == greylisted(ALICE)
    assert daemon.wait_for_verdict(client_address=other.address, reason='new')['key'] == network


def test_another_recipient_is_new(daemon):
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(MAIL_V4, SENDER, ALICE)
    assert ask(MAIL_V4, SENDER, BOB) == greylisted(BOB)


def test_null_sender_is_greylisted_and_later_delivered(daemon, mailhost):
    daemon.start(greylist_delay=SHORT_DELAY)
    assert ask(MAIL_V4, '', ALICE) == greylisted(ALICE)
    token = deliver_with_patience(MAIL_V4, '', ALICE)
    assert 'Return-Path: <>' in mailhost.wait_for_message(ALICE, token)


def test_known_client_is_not_greylisted_for_its_other_senders(daemon):
    daemon.start(greylist_delay=SHORT_DELAY, greylist_known_after=1)
    deliver_with_patience(MAIL_V4, SENDER, ALICE)
    assert ask(MAIL_V4, 'colleague@sender.example', BOB).code == 250
    daemon.wait_for_verdict(action='pass', reason='greylist_known_after')


def test_text_says_how_many_seconds_are_left(daemon):
    daemon.start(greylist_text='Come back in %s seconds')
    reply = ask(MAIL_V4, SENDER, ALICE)
    seconds = re.search(r'rejected: Come back in (\d+) seconds$', reply.text)
    assert seconds, reply
    assert 0 < int(seconds[1]) <= 3600


def test_dry_mode_delivers_at_once_and_logs_what_would_have_been_done(daemon, mailhost):
    daemon.start(greylist='dry')
    reply, token = deliver(MAIL_V4, SENDER, ALICE)
    assert reply.code == 250
    mailhost.wait_for_message(ALICE, token)
    verdict = daemon.wait_for_verdict(action='greylist', reason='new')
    assert list(verdict.items())[-1] == ('greylist', 'dry')


def test_greylist_off_delivers_at_once(daemon, mailhost):
    daemon.start(greylist='off')
    reply, token = deliver(MAIL_V4, SENDER, ALICE)
    assert reply.code == 250
    mailhost.wait_for_message(ALICE, token)


def test_log_line_has_the_fields_in_their_order(daemon):
    daemon.start()
    ask(MAIL_V6, SENDER, ALICE)
    verdict = daemon.wait_for_verdict(reason='new')
    fields = ['action', 'reason', 'client_name', 'client_address', 'sender', 'recipient', 'key', 'delay']
    assert [field for field in verdict if field in fields] == fields
    assert {field: verdict[field] for field in fields} == {
        'action': 'greylist',
        'reason': 'new',
        'client_name': MAIL_V6.name,
        'client_address': MAIL_V6.address,
        'sender': SENDER,
        'recipient': ALICE,
        'key': '2001:db8:10:1::/64',
        'delay': '0',
    }


def test_recipient_that_does_not_exist_is_refused_without_asking_the_daemon(daemon):
    daemon.start()
    with Session(MAIL_V4) as session:
        session.sender(SENDER)
        assert session.recipient('nobody@here.example').code == 550
        assert 'Relay access denied' in session.recipient('someone@elsewhere.example').text
        assert session.recipient(ALICE) == greylisted(ALICE)
    daemon.wait_for_verdict(recipient=ALICE)
    assert len(daemon.verdicts()) == 1
