# SPDX-License-Identifier: BSD-2-Clause
"""Big providers, which retry from another address, often in another network and the other IP family."""

import pytest

from daemon import FARMS, SHORT_DELAY
from hosts import (CONTRADICTED, GOOGLE_1, GOOGLE_2, GOOGLE_3, ISP_1, ISP_2, ISP_3, LOOKALIKE, NOT_ISP,
                   UNCONFIRMED)
from smtp_client import ask, deliver_with_patience, greylisted

SENDER = 'someone@sender.example'
ALICE = 'alice@here.example'

FARM_TABLE = '''
# name  ways to recognise it
google  ptr:.google.example
isp     cidr:192.0.2.48/28  cidr:198.51.100.48/28
        cidr:[2001:db8:51::]/48
'''


@pytest.mark.parametrize('first, elsewhere, other_family, farm', [
    (GOOGLE_1, GOOGLE_2, GOOGLE_3, 'farm:google'),
    (ISP_1, ISP_2, ISP_3, 'farm:isp'),
    (GOOGLE_3, GOOGLE_1, GOOGLE_2, 'farm:google'),
], ids=['by name', 'by network', 'by name, IPv6 first'])
def test_retry_from_elsewhere_in_the_farm_passes(daemon, mailhost, first, elsewhere, other_family, farm):
    FARMS.write_text(FARM_TABLE)
    daemon.start(greylist_delay=SHORT_DELAY)
    assert ask(first, SENDER, ALICE) == greylisted(ALICE)
    token = deliver_with_patience(elsewhere, SENDER, ALICE)
    mailhost.wait_for_message(ALICE, token)
    assert ask(other_family, SENDER, ALICE).code == 250

    assert daemon.wait_for_verdict(reason='new')['client_address'] == first.address
    for client in (elsewhere, other_family):
        passed = daemon.wait_for_verdict(action='pass', client_address=client.address)
        assert passed['reason'] == 'triplet found'
        assert passed['key'] == farm
    assert len(daemon.verdicts(reason='new')) == 1


@pytest.mark.parametrize('stranger, client_name', [
    (LOOKALIKE, LOOKALIKE.name),
    (UNCONFIRMED, 'unknown'),
    (CONTRADICTED, 'unknown'),
], ids=['look-alike name', 'name without address', 'name of another address'])
def test_client_whose_name_is_not_the_farms_is_not_the_farm(daemon, stranger, client_name):
    FARMS.write_text(FARM_TABLE)
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(GOOGLE_1, SENDER, ALICE)
    assert ask(stranger, SENDER, ALICE) == greylisted(ALICE)
    verdict = daemon.wait_for_verdict(client_address=stranger.address)
    assert verdict['reason'] == 'new'
    assert verdict['client_name'] == client_name
    assert verdict['key'] == '203.0.113.0/24'


def test_client_outside_the_farms_networks_is_not_the_farm(daemon):
    FARMS.write_text(FARM_TABLE)
    daemon.start(greylist_delay=SHORT_DELAY)
    deliver_with_patience(ISP_3, SENDER, ALICE)
    assert ask(NOT_ISP, SENDER, ALICE) == greylisted(ALICE)
    assert daemon.wait_for_verdict(client_address=NOT_ISP.address)['key'] == '2001:db8:52:1::/64'


@pytest.mark.parametrize('client', [GOOGLE_1, GOOGLE_3, ISP_2], ids=['by name', 'by name, IPv6', 'by network'])
def test_farm_with_pass_is_never_greylisted(daemon, client):
    FARMS.write_text('google ptr:.google.example pass\nisp cidr:198.51.100.48/28 pass\n')
    daemon.start()
    assert ask(client, SENDER, ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='farms')
    assert ask(LOOKALIKE, SENDER, ALICE) == greylisted(ALICE)
