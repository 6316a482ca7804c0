# SPDX-License-Identifier: BSD-2-Clause
"""Greylisting as a sender sees it, through the policy socket."""

import re

import database
from daemon import SHORT_DELAY
from policy import GREYLISTED, PASS
from poll import wait_until

FARMS = """
google   ptr:.google.com     ptr:mail.example.net
isp      cidr:192.0.2.0/25   cidr:[2001:db8:51::]/48
partner  ptr:.partner.example cidr:203.0.113.0/24  pass
"""


def ask_until_it_passes(daemon, **attributes):
    """Ask again and again; the verdicts."""
    verdicts = [daemon.verdict(**attributes)]

    def passes():
        verdicts.append(daemon.verdict(**attributes))
        return verdicts[-1]['action'] == 'pass'
    wait_until('a retry passes', passes)
    return verdicts


def test_new_sender_has_to_come_back_later(daemon):
    daemon.start()
    first = daemon.verdict()
    assert (first['answer'], first['action'], first['reason']) == (GREYLISTED, 'greylist', 'new')
    assert first['delay'] == '0'
    second = daemon.verdict()
    assert (second['answer'], second['action']) == (GREYLISTED, 'greylist')
    assert re.fullmatch(r'early-retry \(\d+s missing\)', second['reason'])


def test_retry_after_the_delay_passes_and_goes_on_passing(daemon):
    daemon.configure(greylist_delay=SHORT_DELAY)
    daemon.start()
    first, *between, last = ask_until_it_passes(daemon)
    assert first['reason'] == 'new'
    assert all(verdict['reason'].startswith('early-retry') for verdict in between)
    assert (last['action'], last['reason']) == ('pass', 'triplet found')
    assert int(last['delay']) >= 1
    again = daemon.verdict()
    assert (again['answer'], again['reason'], again['delay']) == (PASS, 'triplet found', '0')


def test_early_retries_keep_the_first_time(daemon):
    daemon.configure(greylist_delay='2s')
    daemon.start()
    verdicts = ask_until_it_passes(daemon)
    missing = [int(match[1]) for match in (re.search(r'\((\d+)s missing', each['reason']) for each in verdicts) if match]
    assert missing == sorted(missing, reverse=True)
    rows = database.rows(daemon.database, 'SELECT last_seen - first_seen FROM entry')
    assert len(rows) == 1 and rows[0][0] >= 2


def test_what_has_passed_is_remembered_over_a_restart(daemon):
    daemon.configure(greylist_delay=SHORT_DELAY)
    daemon.start()
    ask_until_it_passes(daemon)
    daemon.stop()
    daemon.configure()
    daemon.start()
    assert daemon.ask() == PASS
    assert daemon.ask(sender='other@sender.example') == GREYLISTED


def test_other_sender_or_recipient_is_new(daemon):
    daemon.start()
    assert daemon.reason() == 'new'
    assert daemon.reason(sender='other@sender.example') == 'new'
    assert daemon.reason(recipient='bob@here.example') == 'new'
    assert daemon.reason(sender='') == 'new'
    assert daemon.reason(sender='SomeOne+tag@SENDER.example', recipient='Alice@HERE.example').startswith('early-retry')


def test_clients_within_a_64_are_one_client(daemon):
    daemon.start()
    assert daemon.verdict(client_address='2001:db8:1:2::25')['key'] == '2001:db8:1:2::/64'
    assert daemon.reason(client_address='2001:db8:1:2:ffff:ffff:ffff:ffff').startswith('early-retry')
    assert daemon.reason(client_address='2001:db8:1:3::25') == 'new'


def test_clients_within_a_24_are_one_client(daemon):
    daemon.start()
    assert daemon.verdict(client_address='198.51.100.1')['key'] == '198.51.100.0/24'
    assert daemon.reason(client_address='198.51.100.254').startswith('early-retry')
    assert daemon.reason(client_address='::ffff:198.51.100.7').startswith('early-retry')
    assert daemon.reason(client_address='2002:c633:6408::1').startswith('early-retry')  # 6to4
    assert daemon.reason(client_address='198.51.101.1') == 'new'


def test_prefixes_can_be_set(daemon):
    daemon.configure(greylist_ipv4_prefix=32, greylist_ipv6_prefix=48)
    daemon.start()
    assert daemon.verdict(client_address='198.51.100.1')['key'] == '198.51.100.1/32'
    assert daemon.reason(client_address='198.51.100.2') == 'new'
    assert daemon.verdict(client_address='2001:db8:1:2::1')['key'] == '2001:db8:1::/48'
    assert daemon.reason(client_address='2001:db8:1:3::1').startswith('early-retry')


def test_dry_mode_decides_and_learns_and_lets_all_pass(daemon):
    daemon.configure(greylist='dry')
    daemon.start()
    first, second = daemon.verdict(), daemon.verdict()
    assert (first['answer'], first['action'], first['reason'], first['greylist']) == (PASS, 'greylist', 'new', 'dry')
    assert second['answer'] == PASS and second['reason'].startswith('early-retry')
    daemon.configure()
    daemon.reload()
    assert daemon.reason().startswith('early-retry'), 'dry mode has not learned'


def test_off_lets_all_pass_and_learns_nothing(daemon):
    daemon.configure(greylist='off')
    daemon.start()
    verdict = daemon.verdict()
    assert (verdict['answer'], verdict['action'], verdict['reason']) == (PASS, 'pass', 'greylist off')
    assert database.entries(daemon.database) == []


def test_text_tells_the_seconds_that_are_left(daemon):
    daemon.configure(greylist_text='Wait %s seconds, grüße: 100%')
    daemon.start()
    assert daemon.ask() == 'DEFER_IF_PERMIT 4.7.1 Wait 3600 seconds, grüße: 100%'
    left = re.fullmatch('DEFER_IF_PERMIT 4.7.1 Wait ([0-9]+) seconds, grüße: 100%', daemon.ask())[1]
    assert 3000 < int(left) <= 3600


def test_farm_is_one_client_over_both_families_and_by_name_and_network(daemon):
    daemon.farms.write_text(FARMS)
    daemon.start()
    assert daemon.verdict(client_name='a.google.com', client_address='198.51.100.1')['key'] == 'farm:google'
    assert daemon.reason(client_name='b.c.Google.COM', client_address='2001:db8:9::1').startswith('early-retry')
    assert daemon.reason(client_name='mail.example.net', client_address='203.0.112.9').startswith('early-retry')
    assert daemon.verdict(sender='x@isp.example', client_address='192.0.2.1', client_name='unknown')['key'] == 'farm:isp'
    assert daemon.reason(sender='x@isp.example', client_address='2001:db8:51:7::1',
                         client_name='unknown').startswith('early-retry')


def test_host_that_only_looks_like_a_farm_is_none(daemon):
    daemon.farms.write_text(FARMS)
    daemon.start()
    assert daemon.verdict(client_name='a.google.com', client_address='198.51.100.1')['key'] == 'farm:google'
    for name in ('evilgoogle.com', 'google.com', 'google.com.evil.example', 'sub.mail.example.net', 'unknown', ''):
        verdict = daemon.verdict(client_name=name, reverse_client_name='a.google.com', client_address='203.0.112.9')
        assert verdict['key'] == '203.0.112.0/24', name
        assert verdict['answer'] == GREYLISTED, name
    assert daemon.verdict(client_address='192.0.2.129')['key'] == '192.0.2.0/24'


def test_retry_from_the_same_network_while_the_name_is_unknown_is_recognised(daemon):
    daemon.farms.write_text(FARMS)
    daemon.start()
    assert daemon.reason(client_name='a.google.com', client_address='198.51.100.1') == 'new'
    assert daemon.reason(client_name='unknown', client_address='198.51.100.2').startswith('early-retry')


def test_farm_with_pass_is_never_greylisted(daemon):
    daemon.farms.write_text(FARMS)
    daemon.start()
    for attributes in ({'client_name': 'mx.partner.example'}, {'client_address': '203.0.113.5'}):
        verdict = daemon.verdict(**attributes)
        assert (verdict['answer'], verdict['reason'], verdict['key']) == (PASS, 'farms', 'farm:partner')
    assert database.entries(daemon.database) == []


def test_client_that_has_passed_often_enough_is_known(daemon):
    daemon.configure(greylist_delay=SHORT_DELAY, greylist_known_after=1)
    daemon.start()
    ask_until_it_passes(daemon)
    known = daemon.verdict(sender='new@elsewhere.example', client_address='192.0.2.200')
    assert (known['answer'], known['reason']) == (PASS, 'greylist_known_after')
    assert daemon.reason(sender='new@elsewhere.example', client_address='192.0.3.200') == 'new'


def test_client_of_a_farm_is_known_only_with_its_own_domain(daemon):
    daemon.farms.write_text(FARMS)
    daemon.configure(greylist_delay=SHORT_DELAY, greylist_known_after=1)
    daemon.start()
    ask_until_it_passes(daemon, client_name='a.google.com')
    assert daemon.reason(client_name='b.google.com', sender='else@sender.example') == 'greylist_known_after'
    assert daemon.reason(client_name='b.google.com', sender='else@elsewhere.example') == 'new'
    assert daemon.reason(client_name='unknown', sender='else@elsewhere.example').startswith('early-retry')


def test_nobody_becomes_known_when_greylist_known_after_is_0(daemon):
    daemon.configure(greylist_delay=SHORT_DELAY, greylist_known_after=0)
    daemon.start()
    ask_until_it_passes(daemon)
    assert daemon.reason(sender='new@elsewhere.example') == 'new'


def test_exempt_clients_and_recipients_are_not_greylisted(daemon):
    daemon.recipient_access.write_text('helpdesk@ OK\nclosed@here.example 550 5.1.1 Closed\n')
    daemon.sender_access.write_text('partner.example OK\nspam.example REJECT Go away\n')
    daemon.configure(mynetworks='198.51.100.0/24, ![2001:db8::7], [2001:db8::]/32')
    daemon.start()
    for attributes, reason in (
            ({'client_address': '198.51.100.9'}, 'mynetworks'),
            ({'client_address': '2001:db8::8'}, 'mynetworks'),
            ({'sasl_username': 'alice'}, 'sasl_username'),
            ({'ccert_subject': 'mail.example'}, 'ccert_subject'),
            ({'recipient': 'postmaster@here.example'}, 'postmaster'),
            ({'recipient': 'Abuse@here.example'}, 'postmaster'),
            ({'recipient': 'helpdesk@here.example'}, 'recipient_access (line 1)'),
            ({'sender': 'x@sub.partner.example'}, 'sender_access (line 1)')):
        verdict = daemon.verdict(**attributes)
        assert (verdict['answer'], verdict['reason']) == (PASS, reason)
    assert daemon.ask(recipient='closed@here.example') == '550 5.1.1 Closed'
    assert daemon.ask(sender='x@spam.example') == 'REJECT Go away'
    assert daemon.ask(client_address='2001:db8::7') == GREYLISTED
    assert daemon.ask(ccert_fingerprint='AA:BB') == GREYLISTED
