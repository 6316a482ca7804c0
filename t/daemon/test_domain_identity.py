# SPDX-License-Identifier: BSD-2-Clause
"""A sender's domain is one client, from whatever address it sends, when SPF says that the address is its own."""

import behaviour
import database
import pytest
from daemon import SHORT_DELAY
from mail import mail, new_instance
from policy import GREYLISTED
from poll import wait_until

# Two networks of one sender, and its hosts over IPv6.
FIRST = '192.0.2.1'
ELSEWHERE = '198.51.100.1'
OTHER_FAMILY = '2001:db8:77::1'
STRANGER = '203.0.113.1'
UNRELATED = '100.64.0.1'

RECORDS = f'''
sender.example       TXT  v=spf1 ip4:{FIRST} ip4:198.51.100.0/24 ip6:2001:db8:77::/48 -all
include.example      TXT  v=spf1 include:sender.example ~all
redirect.example     TXT  v=spf1 redirect=sender.example
mx.example           TXT  v=spf1 mx a:a.mx.example -all
mx.example           MX   10 mail.mx.example
mail.mx.example      A    {FIRST}
a.mx.example         A    {ELSEWHERE}
slash9.example       TXT  v=spf1 ip4:192.0.0.0/9 ip4:198.0.0.0/9 -all

all.example          TXT  v=spf1 +all
bare.example         TXT  v=spf1 ip4:203.0.113.0/24 all
half.example         TXT  v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all
zero.example         TXT  v=spf1 ip4:0.0.0.0/0 -all
slash7.example       TXT  v=spf1 ip4:192.0.0.0/7 ip4:198.0.0.0/7 -all
open.example         TXT  v=spf1 include:all.example -all
everything.example   TXT  v=spf1 redirect=all.example
wide.example         TXT  v=spf1 a/4 -all
wide.example         A    {FIRST}
wide.example         A    {ELSEWHERE}

softfail.example     TXT  v=spf1 ~all
neutral.example      TXT  v=spf1 ?ip4:{FIRST} ?ip4:{ELSEWHERE} -all
'''


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    gated.defaults.update(greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.configure()
    return gated


def message(domain, **attributes):
    return mail(client_address=FIRST, client_name='mail.elsewhere.example', sender=f'x@{domain}', **attributes)


def retry(daemon, message, **attributes):
    return daemon.verdict(**{**message, 'instance': new_instance(), **attributes})


def wait_for_delay(daemon):
    """Return when what was asked about before has waited long enough.

    Something else is asked about meanwhile: an early retry would be kept under whatever network it came from.
    """
    other = mail(client_address=UNRELATED, client_name='mail.unrelated.example', sender='x@unrelated.example')
    wait_until('a retry passes', lambda: retry(daemon, other)['action'] == 'pass')


@pytest.mark.parametrize('domain', ['sender.example', 'include.example', 'redirect.example', 'mx.example',
                                    'Sender.EXAMPLE', 'slash9.example'])
def test_retry_from_another_address_of_the_domain_passes(gated, domain):
    gated.start()
    first = message(domain)
    verdict = gated.verdict(**first)
    assert (verdict['answer'], verdict['reason'], verdict['spf']) == (GREYLISTED, 'new', 'pass')
    assert verdict['key'] == f'domain:{domain.lower()}'
    wait_for_delay(gated)
    passed = retry(gated, first, client_address=ELSEWHERE)
    assert (passed['reason'], passed['key']) == ('triplet found', f'domain:{domain.lower()}')


def test_retry_from_the_other_family_passes(gated):
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    wait_for_delay(gated)
    assert retry(gated, first, client_address=OTHER_FAMILY)['reason'] == 'triplet found'


def test_retry_from_an_address_that_is_not_the_domains_is_new(gated):
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    wait_for_delay(gated)
    verdict = retry(gated, first, client_address=STRANGER)
    assert (verdict['answer'], verdict['reason'], verdict['key']) == (GREYLISTED, 'new', '203.0.113.0/24')


@pytest.mark.parametrize('domain', ['all.example', 'bare.example', 'half.example', 'zero.example', 'slash7.example',
                                    'open.example', 'everything.example', 'wide.example', 'softfail.example',
                                    'neutral.example'])
def test_record_that_lets_in_everybody_makes_nobody_a_client(gated, domain):
    gated.start()
    first = message(domain)
    assert gated.verdict(**first)['key'] == '192.0.2.0/24'
    wait_for_delay(gated)
    verdict = retry(gated, first, client_address=ELSEWHERE)
    assert (verdict['answer'], verdict['reason'], verdict['key']) == (GREYLISTED, 'new', '198.51.100.0/24')


def test_ipv6_is_wide_from_16_on(gated, names):
    names.add('''
v15.example  TXT  v=spf1 ip6:2000::/15 -all
v16.example  TXT  v=spf1 ip6:2001::/16 -all
v17.example  TXT  v=spf1 ip6:2001::/17 -all
''')
    gated.configure(gate='off')
    gated.start()
    keys = {domain: gated.verdict(**mail(client_address='2001:db8::1', client_name='mail.example.org',
                                         sender=f'x@{domain}'))['key']
            for domain in ('v15.example', 'v16.example', 'v17.example')}
    assert keys == {'v15.example': '2001:db8::/64', 'v16.example': '2001:db8::/64', 'v17.example': 'domain:v17.example'}


def test_two_domains_of_one_host_are_two_clients(gated):
    gated.configure(greylist_known_after=1)
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    wait_for_delay(gated)
    assert retry(gated, first, client_address=ELSEWHERE)['reason'] == 'triplet found'
    assert gated.reason(**{**message('include.example'), 'client_address': OTHER_FAMILY}) == 'new'
    assert gated.reason(**{**message('sender.example'), 'client_address': OTHER_FAMILY}) == 'greylist_known_after'


def test_passing_triplet_asks_for_no_spf(gated, names):
    names.zone.ttl = 0
    names.add('brief.example TXT v=spf1 ip4:192.0.2.0/24 -all')
    gated.start()
    first = message('brief.example')
    assert gated.ask(**first) == GREYLISTED
    wait_for_delay(gated)
    assert retry(gated, first)['reason'] == 'triplet found'
    names.forget_questions()
    assert retry(gated, first)['reason'] == 'triplet found'
    assert names.questions == []


def test_retry_from_the_same_network_needs_no_dns(gated, names):
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    names.otherwise = behaviour.fails('SERVFAIL')
    wait_for_delay(gated)
    verdict = retry(gated, first, client_address='192.0.2.77')
    assert (verdict['reason'], verdict['key']) == ('triplet found', '192.0.2.0/24')


def test_domain_that_proves_nothing_for_a_moment_is_greylisted_by_its_network(gated, names):
    names.behave(behaviour.fails('SERVFAIL'), 'sender.example')
    gated.start()
    first = message('sender.example')
    verdict = gated.verdict(**first)
    assert (verdict['answer'], verdict['key'], verdict['spf']) == (GREYLISTED, '192.0.2.0/24', 'temperror')
    names.behave(behaviour.answer, 'sender.example')
    wait_for_delay(gated)
    assert retry(gated, first)['reason'] == 'triplet found'


def test_null_sender_is_its_helo_domain(gated):
    gated.start()
    first = {**message('sender.example'), 'sender': '', 'helo_name': 'sender.example'}
    assert gated.verdict(**first)['key'] == 'domain:sender.example'
    wait_for_delay(gated)
    assert retry(gated, first, client_address=ELSEWHERE)['reason'] == 'triplet found'


def test_known_mail_from_ever_more_networks_is_kept_up_to_the_cap(gated):
    gated.configure(max_new_per_client=2)
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    networks = [f'2001:db8:77:{number:x}::1' for number in range(60)]
    for address in networks[:30]:
        retry(gated, first, client_address=address)  # too early, or not, by then
    # Ten times the cap for a /48; and one each for the first network and the domain.
    assert len(database.entries(gated.database)) == 2 * 10 + 2
    wait_for_delay(gated)
    before = len(database.entries(gated.database))
    for address in networks:
        assert retry(gated, first, client_address=address)['reason'] == 'triplet found'
    assert len(database.entries(gated.database)) == before
    # What is there is kept up to date.
    passed = database.rows(gated.database, "SELECT passes FROM entry WHERE identity = 'domain:sender.example'")
    assert passed == [(1,)]


def test_null_sender_with_ever_more_helo_domains_is_kept_up_to_the_cap(gated, names):
    domains = [f'h{number}.evil.example' for number in range(10)]
    names.add('\n'.join(f'{domain} TXT v=spf1 ip4:192.0.2.0/24 -all' for domain in domains))
    gated.configure(max_new_per_client=2)
    gated.start()
    first = {**message('evil.example'), 'sender': ''}
    verdicts = [retry(gated, first, helo_name=domain) for domain in domains]
    assert verdicts[1]['key'] == 'domain:h1.evil.example'
    assert sorted(identity for identity, *_ in database.entries(gated.database)) == [
        '192.0.2.0/24', 'domain:h0.evil.example', 'domain:h1.evil.example']


def test_it_survives_a_restart(gated):
    gated.start()
    first = message('sender.example')
    assert gated.ask(**first) == GREYLISTED
    gated.stop()
    gated.start()
    wait_for_delay(gated)
    assert retry(gated, first, client_address=ELSEWHERE)['reason'] == 'triplet found'
