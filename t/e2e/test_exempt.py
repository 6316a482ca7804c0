# SPDX-License-Identifier: BSD-2-Clause
"""Who and what is never greylisted."""

import pytest

from certificates import SELF_SIGNED_CLIENT, VERIFIED_CLIENT
from daemon import RECIPIENT_ACCESS
from hosts import MAIL_V4, MAIL_V6, OFFICE_V4, OFFICE_V6, PROXY
from smtp_client import Session, ask, deliver, greylisted

SENDER = 'someone@sender.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'


@pytest.mark.parametrize('recipient', ['postmaster@here.example', 'abuse@here.example',
                                       'PostMaster@Here.Example'])
def test_postmaster_and_abuse_can_always_be_reached(daemon, mailhost, recipient):
    daemon.start()
    reply, token = deliver(MAIL_V6, SENDER, recipient)
    assert reply.code == 250
    mailhost.wait_for_message(recipient.lower(), token)
    daemon.wait_for_verdict(action='pass', reason='postmaster')


@pytest.mark.parametrize('client', [OFFICE_V4, OFFICE_V6], ids=['ipv4', 'ipv6'])
def test_client_in_mynetworks_is_not_greylisted(daemon, client):
    daemon.start(mynetworks='127.0.0.0/8 203.0.113.192/27 [2001:db8:77::]/48')
    assert ask(client, SENDER, ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='mynetworks')
    assert ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE)


def test_user_who_logged_in_is_not_greylisted(daemon):
    daemon.start()
    with Session(PROXY) as session:
        assert session.command('XCLIENT LOGIN=alice').code == 220
        session.command(f'EHLO {PROXY.helo}')
        session.sender(SENDER)
        assert session.recipient(BOB).code == 250
    daemon.wait_for_verdict(action='pass', reason='sasl_username')
    assert ask(PROXY, SENDER, BOB) == greylisted(BOB)


def test_client_with_a_verified_certificate_is_not_greylisted(daemon):
    daemon.start()
    with Session(MAIL_V4) as session:
        session.start_tls(VERIFIED_CLIENT)
        session.sender(SENDER)
        assert session.recipient(ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='ccert_subject')


def test_client_with_a_certificate_that_nobody_vouches_for_is_greylisted(daemon):
    daemon.start()
    with Session(MAIL_V4) as session:
        session.start_tls(SELF_SIGNED_CLIENT)
        session.sender(SENDER)
        assert session.recipient(ALICE) == greylisted(ALICE)


@pytest.mark.parametrize('recipients', [[BOB, ALICE], [ALICE, BOB]], ids=['listed first', 'listed last'])
def test_listed_recipient_gets_the_message_at_once_and_the_other_does_not(daemon, mailhost, recipients):
    RECIPIENT_ACCESS.write_text(f'{BOB} OK\n')
    daemon.start()
    with Session(MAIL_V4) as session:
        session.sender(SENDER)
        replies = {recipient: session.recipient(recipient) for recipient in recipients}
        accepted, token = session.message()
    assert replies[BOB].code == 250
    assert replies[ALICE] == greylisted(ALICE)
    assert accepted.code == 250
    mailhost.wait_for_message(BOB, token)
    assert mailhost.messages(ALICE, token) == []
    daemon.wait_for_verdict(action='pass', reason='recipient_access (line 1)', recipient=BOB)
    daemon.wait_for_verdict(action='greylist', reason='new', recipient=ALICE)
