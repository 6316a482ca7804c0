# SPDX-License-Identifier: BSD-2-Clause
"""Postfix and the daemon together: how they reach each other, and what happens when the daemon ends."""

import socket

import pytest

from daemon import POLICY_SOCKET, SHORT_DELAY
from hosts import MAIL_V4, MAIL_V6
from mailhost import QUEUE
from smtp_client import Session, ask, deliver, deliver_with_patience, greylisted

SENDER = 'someone@sender.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'
CAROL = 'carol@here.example'


def test_chrooted_smtpd_reaches_the_policy_socket(daemon, mailhost):
    service, kind, _, _, chroot, *_ = mailhost.setting('-M', 'smtp/inet').split()
    assert (service, kind, chroot) == ('smtp', 'inet', 'y')
    daemon.start()
    with Session(MAIL_V4) as session:
        assert mailhost.roots() and set(mailhost.roots()) == {str(QUEUE)}
        session.sender(SENDER)
        assert session.recipient(ALICE) == greylisted(ALICE)
    daemon.wait_for_verdict(client_address=MAIL_V4.address, reason='new')


@pytest.mark.daemon_away
@pytest.mark.parametrize('client', [MAIL_V4, MAIL_V6], ids=['ipv4', 'ipv6'])
def test_mail_is_delivered_while_the_daemon_is_down(daemon, mailhost, client):
    reply, token = deliver(client, SENDER, ALICE)
    assert reply.code == 250
    mailhost.wait_for_message(ALICE, token)
    assert not daemon.was_started()


@pytest.mark.daemon_away
def test_sigterm_ends_the_daemon_although_a_session_waits(daemon):
    daemon.start()
    with Session(MAIL_V4) as session:
        session.sender(SENDER)
        assert session.recipient(ALICE) == greylisted(ALICE)
        daemon.stop()
        assert session.recipient(BOB).code == 250
        daemon.start_again()
        assert session.recipient(CAROL) == greylisted(CAROL)


def test_session_does_not_notice_a_restart_of_the_daemon(daemon):
    daemon.start()
    with Session(MAIL_V4) as session:
        session.sender(SENDER)
        assert session.recipient(ALICE) == greylisted(ALICE)
        daemon.stop()
        daemon.start_again()
        assert session.recipient(BOB) == greylisted(BOB)


def words_before_the_end(client):
    try:
        return client.recv(100)
    except ConnectionResetError:  # it ended with part of the request unread
        return b''


def test_sigterm_in_the_middle_of_a_request_hangs_up_without_a_word(daemon):
    daemon.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(POLICY_SOCKET))
        client.sendall(b'request=smtpd_access_policy\nprotocol_state=RCPT\nsender=someone@sen')
        daemon.stop()
        assert words_before_the_end(client) == b''


@pytest.mark.parametrize('end', ['stop', 'kill'], ids=['SIGTERM', 'SIGKILL'])
def test_restart_forgets_no_mail_that_was_answered(daemon, end):
    daemon.start()
    assert ask(MAIL_V6, SENDER, ALICE) == greylisted(ALICE)
    daemon.wait_for_verdict(reason='new')  # the log may come after the answer, and with SIGKILL not at all
    getattr(daemon, end)()
    daemon.configure(greylist_delay=SHORT_DELAY)
    daemon.start_again()
    deliver_with_patience(MAIL_V6, SENDER, ALICE)
    daemon.wait_for_verdict(action='pass', reason='triplet found')
    assert len(daemon.verdicts(reason='new')) == 1
