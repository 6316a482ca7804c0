# SPDX-License-Identifier: BSD-2-Clause
"""Farms known by the networks in their SPF record, which are resolved ahead and never waited for."""

import behaviour
import database
import pytest
from daemon import SHORT_DELAY
from mail import mail, new_instance
from policy import GREYLISTED
from poll import wait_until

# One address of each term of the record.
PLAIN = '192.0.2.1'
INCLUDED = '198.51.100.1'
OF_NAME = '203.0.113.7'
OF_MX = '203.0.113.8'
REDIRECTED = '198.18.0.1'
OVER_IPV6 = '2001:db8:51::1'
OUTSIDE = '100.64.0.1'

RECORDS = '''
_spf.isp.example     TXT   v=spf1 ip4:192.0.2.0/24 include:_two.isp.example a:out.isp.example mx redirect=_last.isp.example
_two.isp.example     TXT   v=spf1 ip4:198.51.100.0/25 ip6:2001:db8:51::/48 -all
out.isp.example      A     203.0.113.7
_spf.isp.example     MX    10 mx.isp.example
mx.isp.example       A     203.0.113.8
_last.isp.example    TXT   v=spf1 ip4:198.18.0.0/15 ~all
'''


@pytest.fixture
def isp(gated, names):
    """A daemon that knows the farm isp by its SPF record; its gate is off."""
    names.add(RECORDS)
    gated.farms.write_text('isp spf:_spf.isp.example\n')
    gated.defaults.update(gate='off', greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.configure()
    return gated


def message(**attributes):
    return mail(client_address=PLAIN, client_name='mail.customer.example', sender='x@customer.example', **attributes)


def key(daemon, address):
    return daemon.verdict(**message() | {'client_address': address})['key']


def wait_until_known(daemon, address=PLAIN, farm='farm:isp'):
    wait_until(f'{address} is {farm}', lambda: key(daemon, address) == farm)


def start_with_what_is_known(daemon):
    """The store is read in the background: requests of the first moment may come before it is."""
    start = daemon.log_size()
    daemon.start()
    daemon.wait_for_log('are known from before', start)


def wait_for_delay(daemon):
    """Return when what was asked about before has waited long enough."""
    other = message() | {'client_address': '100.64.9.1', 'sender': 'x@unrelated.example'}
    wait_until('a retry passes',
               lambda: daemon.verdict(**other | {'instance': new_instance()})['action'] == 'pass')


@pytest.mark.parametrize('address', [PLAIN, INCLUDED, OF_NAME, OF_MX, REDIRECTED, OVER_IPV6],
                         ids=['ip4', 'include', 'a', 'mx', 'redirect', 'ip6'])
def test_every_network_of_the_record_is_the_farm(isp, address):
    isp.start()
    wait_until_known(isp, address)
    assert key(isp, OUTSIDE) == '100.64.0.0/24'
    assert key(isp, '198.51.100.128') == '198.51.100.0/24'


@pytest.mark.parametrize('elsewhere', [INCLUDED, OVER_IPV6, REDIRECTED])
def test_retry_from_elsewhere_in_the_farm_passes(isp, elsewhere):
    isp.start()
    wait_until_known(isp)
    first = message()
    verdict = isp.verdict(**first)
    assert (verdict['answer'], verdict['reason'], verdict['key']) == (GREYLISTED, 'new', 'farm:isp')
    wait_for_delay(isp)
    passed = isp.verdict(**first | {'client_address': elsewhere})
    assert (passed['reason'], passed['key']) == ('triplet found', 'farm:isp')
    assert isp.verdict(**first | {'client_address': OUTSIDE})['reason'] == 'new'


def test_no_request_waits_for_the_record(isp, names):
    hold = names.hold('_spf.isp.example')
    isp.configure(dns_timeout='60s', check_deadline='90s')
    isp.start()
    hold.wait_for_question()
    assert key(isp, PLAIN) == '192.0.2.0/24'
    hold.release()
    wait_until_known(isp)


def test_farm_that_passes_is_never_greylisted(isp):
    isp.farms.write_text('isp spf:_spf.isp.example pass\n')
    isp.start()
    wait_until('the farm passes', lambda: isp.verdict(**message())['reason'] == 'farms')
    assert isp.ask(**message() | {'client_address': OUTSIDE}) == GREYLISTED


def test_start_without_dns_knows_the_networks_from_before(isp, names):
    isp.start()
    wait_until_known(isp, INCLUDED)
    isp.stop()
    names.otherwise = behaviour.never
    isp.configure(dns_timeout='1s')
    start_with_what_is_known(isp)
    assert key(isp, INCLUDED) == 'farm:isp'
    assert key(isp, OUTSIDE) == '100.64.0.0/24'


def expire(daemon):
    """As if the record's TTL had passed while the daemon was down."""
    database.execute(daemon.database, 'UPDATE farm_networks SET resolved = resolved - 90000, fresh_until = 1000')


@pytest.mark.parametrize('broken', [
    'v=spf1 ip4:nonsense -all', 'v=spf1 include:nowhere.example -all', 'not SPF at all', 'v=spf1 -all',
    'v=spf1 +all', 'v=spf1 include:_spf.isp.example -all'],
    ids=['syntax', 'include of nothing', 'none', 'empty', 'everybody', 'loop'])
def test_record_that_is_no_good_does_not_replace_what_was_known(isp, names, broken):
    isp.start()
    wait_until_known(isp, INCLUDED)
    isp.stop()
    expire(isp)
    names.zone.remove('_spf.isp.example', 'TXT')
    names.zone.add_record('_spf.isp.example', 'TXT', broken)
    names.forget_questions()
    start = isp.log_size()
    isp.start()
    isp.wait_for_log(r'farms: spf:_spf\.isp\.example: .*what was known before stays in force', start)
    assert names.asked('_spf.isp.example', 'TXT') != []
    assert key(isp, INCLUDED) == 'farm:isp'
    assert key(isp, OUTSIDE) == '100.64.0.0/24'


def test_record_that_changed_replaces_what_was_known(isp, names):
    isp.start()
    wait_until_known(isp, INCLUDED)
    isp.stop()
    expire(isp)
    names.zone.remove('_spf.isp.example', 'TXT')
    names.add('_spf.isp.example TXT v=spf1 ip4:100.64.0.0/16 -all')
    isp.start()
    wait_until_known(isp, OUTSIDE)
    assert key(isp, INCLUDED) == '198.51.100.0/24'


def test_record_that_is_fresh_is_not_asked_for_at_the_next_start(isp, names):
    isp.start()
    wait_until_known(isp, INCLUDED)
    isp.stop()
    names.forget_questions()
    start_with_what_is_known(isp)
    assert key(isp, INCLUDED) == 'farm:isp'
    isp.stop()
    assert names.asked('_spf.isp.example') == []


def test_what_cannot_be_resolved_ahead_is_told_and_the_rest_is_used(isp, names):
    names.zone.remove('_spf.isp.example', 'TXT')
    names.add('_spf.isp.example TXT v=spf1 ptr:isp.example exists:%{i}.isp.example ip4:192.0.2.0/24 -all')
    isp.start()
    wait_until_known(isp)
    log = isp.log()
    for term in ('ptr:isp.example', 'exists:%{i}.isp.example'):
        assert log.count(term) == 1, f'{term} is not told, or more than once:\n{log}'


def test_farm_added_by_an_edit_is_resolved(isp, names):
    names.add('_other.example TXT v=spf1 ip4:100.64.0.0/16 -all')
    isp.start()
    wait_until_known(isp)
    isp.farms.write_text('isp spf:_spf.isp.example\nother spf:_other.example\n')
    wait_until_known(isp, OUTSIDE, 'farm:other')
    isp.farms.write_text('other spf:_other.example\n')
    wait_until_known(isp, PLAIN, '192.0.2.0/24')
    assert key(isp, OUTSIDE) == 'farm:other'


def test_reload_while_the_record_is_asked_for(isp, names):
    hold = names.hold('_spf.isp.example')
    isp.configure(dns_timeout='60s')
    isp.start()
    hold.wait_for_question()
    isp.farms.write_text('renamed spf:_spf.isp.example\n')
    isp.reload()
    hold.release()
    wait_until_known(isp, INCLUDED, 'farm:renamed')


def test_end_while_the_record_is_asked_for(isp, names):
    hold = names.hold('_spf.isp.example')
    isp.configure(dns_timeout='60s')
    isp.start()
    hold.wait_for_question()
    isp.stop()
    hold.release()


def test_network_of_the_farm_that_could_not_be_found_out_is_told(isp, names):
    names.behave(behaviour.fails('SERVFAIL'), '_two.isp.example')
    isp.start()
    isp.wait_for_log(r'warning: farms: spf:_spf\.isp\.example: .*_two\.isp\.example')
    assert key(isp, PLAIN) == '192.0.2.0/24'
