# SPDX-License-Identifier: BSD-2-Clause
"""Senders with many addresses whom SPF makes one client: farms listed by their record, and domains that nobody listed."""

import itertools

import pytest
from daemon import FARMS, SHORT_DELAY
from hosts import BIG_1, BIG_2, BIG_3, BIG_4, ISP_1, MAIL_V4, MAIL_V4_OTHER_24, MAIL_V6_OTHER_64, NOT_BIG
from poll import wait_until
from smtp_client import ask, deliver, deliver_with_patience, greylisted

SENDER = 'someone@customer.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'


def start_with_the_farm(daemon):
    """Return when it knows the farm's networks."""
    FARMS.write_text('big spf:_spf.big.example\n')
    daemon.start(greylist_delay=SHORT_DELAY)
    numbers = itertools.count()

    def is_known():
        sender = f'probe-{chr(97 + next(numbers))}@probe.example'
        ask(BIG_1, sender, BOB)
        return daemon.wait_for_verdict(sender=sender)['key'] == 'farm:big'
    wait_until('the farm is known', is_known)


@pytest.mark.parametrize('first, elsewhere', [
    (BIG_1, BIG_2), (BIG_1, BIG_3), (BIG_1, BIG_4), (BIG_4, BIG_1), (BIG_3, BIG_4),
], ids=['other network', 'by a mechanism', 'other include and family', 'from IPv6 to IPv4', 'from a mechanism'])
def test_retry_from_elsewhere_in_the_farm_passes(daemon, mailhost, first, elsewhere):
    start_with_the_farm(daemon)
    assert ask(first, SENDER, ALICE) == greylisted(ALICE)
    token = deliver_with_patience(elsewhere, SENDER, ALICE)
    mailhost.wait_for_message(ALICE, token)
    passed = daemon.wait_for_verdict(action='pass', client_address=elsewhere.address)
    assert (passed['reason'], passed['key']) == ('triplet found', 'farm:big')
    assert len(daemon.verdicts(reason='new', sender=SENDER)) == 1


def test_client_outside_the_record_is_not_the_farm(daemon):
    # Its neighbour, and of the provider's name: but the table asks for an address in the record.
    start_with_the_farm(daemon)
    assert ask(BIG_4, SENDER, ALICE) == greylisted(ALICE)
    deliver_with_patience(BIG_2, SENDER, ALICE)
    assert ask(NOT_BIG, SENDER, ALICE) == greylisted(ALICE)
    verdict = daemon.wait_for_verdict(client_address=NOT_BIG.address)
    assert (verdict['reason'], verdict['key']) == ('new', '192.0.2.0/24')


@pytest.mark.parametrize('elsewhere', [MAIL_V4_OTHER_24, MAIL_V6_OTHER_64], ids=['other network', 'other family'])
def test_domain_that_nobody_listed_is_one_client(daemon, mailhost, elsewhere):
    daemon.start(greylist_delay=SHORT_DELAY)
    sender = 'someone@roaming.example'
    assert ask(MAIL_V4, sender, ALICE) == greylisted(ALICE)
    # When this one, asked about later, has waited long enough, the first has too: it needs no early retry, which
    # would be kept under the network that it came from.
    deliver_with_patience(ISP_1, SENDER, BOB)
    reply, token = deliver(elsewhere, sender, ALICE)
    assert reply.code == 250
    mailhost.wait_for_message(ALICE, token)
    passed = daemon.wait_for_verdict(action='pass', sender=sender)
    assert (passed['reason'], passed['key']) == ('triplet found', 'domain:roaming.example')
    assert len(daemon.verdicts(reason='new', sender=sender)) == 1


@pytest.mark.parametrize('domain', ['open.example', 'neutral.example', 'softfail.example', 'sender.example'])
def test_domain_that_does_not_say_whose_its_hosts_are_is_none(daemon, domain):
    daemon.start(greylist_delay=SHORT_DELAY)
    sender = f'someone@{domain}'
    deliver_with_patience(MAIL_V4, sender, ALICE)
    assert ask(MAIL_V4_OTHER_24, sender, ALICE) == greylisted(ALICE)
    assert daemon.wait_for_verdict(client_address=MAIL_V4_OTHER_24.address)['reason'] == 'new'
