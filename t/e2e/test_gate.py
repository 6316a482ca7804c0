# SPDX-License-Identifier: BSD-2-Clause
"""The gate as senders see it: what a host over IPv6 has to bring along, and what it is told when it does not."""

import pytest
from hosts import (BROKEN_NAME, BROKEN_PTR, FORWARDER, MAIL_V4, MAIL_V6, NAME_WITHOUT_ADDRESS, NAMELESS, NAMELESS_V4,
                   OTHERS_NAME, OTHERS_NAME_V4, PROXY, SECOND_NAME)
from smtp_client import Session, ask, deliver, greylisted, is_refused

ALICE = 'alice@here.example'
POSTMASTER = 'postmaster@here.example'
SENDER = 'someone@sender.example'

PROFILES = pytest.mark.parametrize('profile', ['google', 'microsoft', 'observe'])


def start(daemon, **settings):
    """Without greylisting, so that what the gate lets pass is accepted at once."""
    daemon.start(greylist='off', **settings)


# By profile: reply code and enhanced status; None accepts.
NO_NAME = {'google': (550, '5.7.25'), 'microsoft': (450, '4.7.25'), 'observe': None}
MAYBE_A_NAME = {'google': (450, '4.7.25'), 'microsoft': (450, '4.7.25'), 'observe': None}
A_NAME = {'google': None, 'microsoft': None, 'observe': None}


@PROFILES
@pytest.mark.parametrize('client, iprev, replies', [
    (NAMELESS, 'permerror', NO_NAME),
    (OTHERS_NAME, 'fail', NO_NAME),
    (NAME_WITHOUT_ADDRESS, 'fail', NO_NAME),
    (BROKEN_PTR, 'temperror', MAYBE_A_NAME),
    (BROKEN_NAME, 'temperror', MAYBE_A_NAME),
    (SECOND_NAME, 'pass', A_NAME),
    (MAIL_V6, 'pass', A_NAME),
], ids=['no PTR', 'PTR of another host', 'name without address', 'PTR SERVFAIL', 'forward SERVFAIL',
        'second name confirms', 'confirmed'])
def test_name_of_the_host(daemon, profile, client, iprev, replies):
    # Of a trusted forwarder, so that the name alone decides.
    start(daemon, gate_profile=profile, trusted_forwarders='[2001:db8::]/32')
    reply = ask(client, SENDER, ALICE)
    if replies[profile]:
        assert is_refused(reply, *replies[profile], ALICE, client.address)
        verdict = daemon.wait_for_verdict(reason=f'gate (iprev {iprev})')
        assert verdict['action'] == ('reject' if replies[profile][0] == 550 else 'defer')
    else:
        assert reply.code == 250
        verdict = daemon.wait_for_verdict(action='pass')
    assert verdict['iprev'] == iprev
    if client is not MAIL_V6:
        assert verdict['client_name'] == 'unknown', 'smtpd knows the name, so that the daemon had nothing to find'


UNDECIDED = {'google': None, 'microsoft': (450, '4.7.26'), 'observe': None}


@PROFILES
@pytest.mark.parametrize('result, replies', [
    ('none', UNDECIDED),
    ('neutral', UNDECIDED),
    ('pass', {'google': None, 'microsoft': None, 'observe': None}),
    ('fail', {'google': (550, '5.7.23'), 'microsoft': (450, '4.7.23'), 'observe': None}),
    ('softfail', UNDECIDED),
    ('temperror', {'google': (450, '4.7.24'), 'microsoft': (450, '4.7.24'), 'observe': None}),
    ('permerror', UNDECIDED),
])
def test_spf_of_the_sender(daemon, profile, result, replies):
    start(daemon, gate_profile=profile)
    reply = ask(MAIL_V6, f'someone@{result}.example', ALICE)
    if replies[profile]:
        assert is_refused(reply, *replies[profile], ALICE, MAIL_V6.address, f'{result}.example')
        verdict = daemon.wait_for_verdict(reason=f'gate (spf {result})')
    else:
        assert reply.code == 250
        verdict = daemon.wait_for_verdict(action='pass')
    assert (verdict['iprev'], verdict['spf']) == ('pass', result)


@PROFILES
@pytest.mark.parametrize('helo, result, replies', [
    ('pass.example', 'pass', {'google': None, 'microsoft': None, 'observe': None}),
    ('fail.example', 'fail', {'google': (550, '5.7.23'), 'microsoft': (450, '4.7.23'), 'observe': None}),
    ('mail.sender.example', 'none', {'google': None, 'microsoft': None, 'observe': None}),
], ids=['pass', 'fail', 'none'])
def test_bounces_are_judged_by_helo(daemon, profile, helo, result, replies):
    start(daemon, gate_profile=profile)
    reply = ask(MAIL_V6, '', ALICE, helo=helo)
    if replies[profile]:
        assert is_refused(reply, *replies[profile], ALICE, helo)
    else:
        assert reply.code == 250
    assert daemon.wait_for_verdict(sender='')['spf'] == result


def test_user_who_logged_in_has_no_gate(daemon):
    start(daemon)
    with Session(PROXY) as session:
        assert session.command(f'XCLIENT ADDR=IPV6:{NAMELESS.address} NAME=[UNAVAILABLE]').code == 220
        session.command(f'EHLO {NAMELESS.helo}')
        session.sender(SENDER)
        assert is_refused(session.recipient(ALICE), 550, '5.7.25', ALICE, NAMELESS.address)
    with Session(PROXY) as session:
        assert session.command(f'XCLIENT ADDR=IPV6:{NAMELESS.address} NAME=[UNAVAILABLE] LOGIN=alice').code == 220
        session.command(f'EHLO {NAMELESS.helo}')
        session.sender('someone@fail.example')
        assert session.recipient(ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='sasl_username')


def test_client_in_mynetworks_has_no_gate(daemon):
    start(daemon, mynetworks='127.0.0.0/8 [2001:db8:90::]/64')
    assert ask(NAMELESS, 'someone@fail.example', ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='mynetworks')


def test_postmaster_can_be_reached_by_a_host_that_is_refused(daemon, mailhost):
    start(daemon)
    assert is_refused(ask(NAMELESS, SENDER, ALICE), 550, '5.7.25', ALICE)
    reply, token = deliver(NAMELESS, SENDER, POSTMASTER)
    assert reply.code == 250
    mailhost.wait_for_message(POSTMASTER, token)


@pytest.mark.parametrize('forwarders, is_trusted', [
    ('.forwarder.example', True), ('[2001:db8:91::]/48', True), ('.elsewhere.example', False)])
def test_spf_of_forwarded_mail_is_not_judged(daemon, forwarders, is_trusted):
    start(daemon, trusted_forwarders=forwarders)
    reply = ask(FORWARDER, 'someone@fail.example', ALICE)
    if is_trusted:
        assert reply.code == 250
        assert daemon.wait_for_verdict(action='pass')['spf'] == 'fail'
    else:
        assert is_refused(reply, 550, '5.7.23', ALICE, FORWARDER.address, 'fail.example')


def test_ipv4_is_left_alone_by_default(daemon):
    start(daemon)
    assert ask(NAMELESS_V4, SENDER, ALICE).code == 250
    assert ask(MAIL_V4, 'someone@fail.example', ALICE).code == 250


@PROFILES
def test_ipv4_comes_to_the_gate_when_it_is_told_to(daemon, profile):
    start(daemon, gate_families='ipv6 ipv4', gate_profile=profile)
    for reply, codes, words in (
            (ask(NAMELESS_V4, SENDER, ALICE), NO_NAME[profile], [NAMELESS_V4.address]),
            (ask(OTHERS_NAME_V4, SENDER, ALICE), NO_NAME[profile], [OTHERS_NAME_V4.address]),
            (ask(MAIL_V4, 'someone@fail.example', ALICE),
             {'google': (550, '5.7.23'), 'microsoft': (450, '4.7.23'), 'observe': None}[profile],
             [MAIL_V4.address, 'fail.example']),
            (ask(MAIL_V4, 'someone@pass.example', ALICE), None, [])):
        assert is_refused(reply, *codes, ALICE, *words) if codes else reply.code == 250


def test_dry_gate_refuses_nobody_and_says_in_the_log_whom_it_would(daemon):
    start(daemon, gate='dry')
    assert ask(NAMELESS, SENDER, ALICE).code == 250
    assert list(daemon.wait_for_verdict(action='pass').items())[-1] == ('gate', 'dry (550 5.7.25)')


def test_mail_that_passes_the_gate_is_greylisted_all_the_same(daemon):
    daemon.start()
    assert ask(MAIL_V6, 'someone@pass.example', ALICE) == greylisted(ALICE)
    assert is_refused(ask(NAMELESS, 'someone@pass.example', ALICE), 550, '5.7.25', ALICE)


def test_dns_failure_lets_pass_when_it_is_told_to(daemon):
    start(daemon, on_dns_failure='pass')
    for client, sender in ((BROKEN_PTR, SENDER), (BROKEN_NAME, SENDER), (MAIL_V6, 'someone@temperror.example')):
        assert ask(client, sender, ALICE).code == 250
