# SPDX-License-Identifier: BSD-2-Clause
"""The Authentication-Results header as it stands in the delivered message."""

import email.policy
import re

from auth_results import parse
from daemon import RECIPIENT_ACCESS, SHORT_DELAY
from hosts import BROKEN_PTR, MAIL_V4, MAIL_V6, SECOND_NAME
from smtp_client import Session, deliver, deliver_with_patience

ALICE = 'alice@here.example'
BOB = 'bob@here.example'
CAROL = 'carol@here.example'


def headers(message):
    """The Authentication-Results headers of a delivered message."""
    fields = email.message_from_string(message, policy=email.policy.compat32)
    return [f'Authentication-Results: {value}' for value in fields.get_all('Authentication-Results', [])]


def results(mailhost, recipient, token):
    """What the one header of a message says."""
    header, = headers(mailhost.wait_for_message(recipient, token))
    return parse(header)


def test_header_tells_what_was_found(daemon, mailhost):
    daemon.start(greylist='off', authserv_id='mx.here.example')
    _, token = deliver(MAIL_V6, 'someone@pass.example', ALICE)
    header, = headers(mailhost.wait_for_message(ALICE, token))
    assert header == (f'Authentication-Results: mx.here.example; iprev=pass policy.iprev="{MAIL_V6.address}"; '
                      'spf=pass smtp.mailfrom=pass.example')


def test_header_of_a_bounce_tells_the_helo_name(daemon, mailhost):
    daemon.start(greylist='off')
    _, token = deliver(MAIL_V6, '', ALICE, helo='pass.example')
    _, found = results(mailhost, ALICE, token)
    assert found['spf'] == ('pass', {'smtp.helo': 'pass.example'}, '')


def test_observed_mail_is_delivered_with_what_was_found(daemon, mailhost):
    daemon.start(greylist='off', gate_profile='observe', gate_families='ipv6 ipv4')
    for client, sender, iprev, spf in (
            (SECOND_NAME, 'fail.example', 'pass', 'fail'),
            (BROKEN_PTR, 'softfail.example', 'temperror', 'softfail'),
            (MAIL_V4, 'permerror.example', 'pass', 'permerror'),
            (MAIL_V4, 'none.example', 'pass', 'none')):
        _, token = deliver(client, f'someone@{sender}', ALICE)
        _, found = results(mailhost, ALICE, token)
        assert found['iprev'] == (iprev, {'policy.iprev': client.address}, '')
        assert found['spf'] == (spf, {'smtp.mailfrom': sender}, '')


def test_delayed_message_is_told_to_have_been(daemon, mailhost):
    daemon.start(greylist_delay=SHORT_DELAY)
    token = deliver_with_patience(MAIL_V6, 'someone@pass.example', ALICE)
    _, found = results(mailhost, ALICE, token)
    assert found['x-greylist'].result == 'pass'
    assert re.fullmatch(r'delayed [1-9]\d* s', found['x-greylist'].comment)
    assert found['spf'].result == 'pass'


def test_delayed_message_over_ipv4_is_told_that_alone(daemon, mailhost):
    daemon.start(greylist_delay=SHORT_DELAY)
    token = deliver_with_patience(MAIL_V4, 'someone@pass.example', ALICE)
    _, found = results(mailhost, ALICE, token)
    assert list(found) == ['x-greylist']
    _, token = deliver(MAIL_V4, 'someone@pass.example', ALICE)
    assert headers(mailhost.wait_for_message(ALICE, token)) == []


def test_message_to_several_recipients_has_one_header(daemon, mailhost):
    daemon.start(greylist='off')
    with Session(MAIL_V6) as session:
        session.sender('someone@pass.example')
        for recipient in (ALICE, BOB, CAROL):
            assert session.recipient(recipient).code == 250
        _, token = session.message()
        # The next message of the same session has its own.
        session.sender('someone@neutral.example')
        assert session.recipient(ALICE).code == 250
        _, second_token = session.message()
    for recipient in (ALICE, BOB, CAROL):
        _, found = results(mailhost, recipient, token)
        assert found['spf'].result == 'pass'
    _, found = results(mailhost, ALICE, second_token)
    assert found['spf'].result == 'neutral'


def test_message_has_one_header_although_its_recipients_get_different_answers(daemon, mailhost):
    RECIPIENT_ACCESS.write_text(f'{CAROL} 550 5.1.1 Closed\n')
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(MAIL_V6, 'someone@pass.example', ALICE)
    with Session(MAIL_V6) as session:
        session.sender('someone@pass.example')
        replies = [session.recipient(recipient).code for recipient in (CAROL, BOB, 'postmaster@here.example', ALICE)]
        assert replies == [550, 450, 250, 250]
        _, token = session.message()
    for recipient in (ALICE, 'postmaster@here.example'):
        _, found = results(mailhost, recipient, token)
        assert found['spf'].result == 'pass'
