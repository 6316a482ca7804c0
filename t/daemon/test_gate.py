# SPDX-License-Identifier: BSD-2-Clause
"""The gate: what it asks for, and what it says to whom, with real DNS packets."""

import behaviour
import pytest
from auth_results import parse
from mail import HOST, HOST_V4, mail, named_mail
from policy import GREYLISTED, PASS

PROFILES = ['google', 'microsoft', 'observe']

# What there is to know about hosts, by their address ...
NO_PTR = '2001:db8::100'
CONFIRMED = '2001:db8::101'
OTHERS_NAME = '2001:db8::102'
NAME_WITHOUT_ADDRESS = '2001:db8::103'
NAME_OF_THE_OTHER_FAMILY = '2001:db8::104'
SECOND_NAME_CONFIRMS = '2001:db8::105'
PTR_SERVFAIL = '2001:db8::106'
FORWARD_SERVFAIL = '2001:db8::107'
ONE_CONTRADICTS_ONE_SERVFAIL = '2001:db8::108'
ONE_CONFIRMS_ONE_SERVFAIL = '2001:db8::109'

# ... and about domains, by their name.
RECORDS = f'''
{CONFIRMED}                     PTR   mail.confirmed.example
mail.confirmed.example          AAAA  {CONFIRMED}
{OTHERS_NAME}                   PTR   mail.confirmed.example
{NAME_WITHOUT_ADDRESS}          PTR   nowhere.confirmed.example
{NAME_OF_THE_OTHER_FAMILY}      PTR   four.confirmed.example
four.confirmed.example          A     192.0.2.104
{SECOND_NAME_CONFIRMS}          PTR   mail.confirmed.example
{SECOND_NAME_CONFIRMS}          PTR   second.confirmed.example
second.confirmed.example        AAAA  {SECOND_NAME_CONFIRMS}
{FORWARD_SERVFAIL}              PTR   broken.confirmed.example
{ONE_CONTRADICTS_ONE_SERVFAIL}  PTR   broken.confirmed.example
{ONE_CONTRADICTS_ONE_SERVFAIL}  PTR   mail.confirmed.example
{ONE_CONFIRMS_ONE_SERVFAIL}     PTR   broken.confirmed.example
{ONE_CONFIRMS_ONE_SERVFAIL}     PTR   third.confirmed.example
third.confirmed.example         AAAA  {ONE_CONFIRMS_ONE_SERVFAIL}

neutral.example                 TXT   v=spf1 ?all
pass.example                    TXT   v=spf1 ip6:2001:db8::/64 ip4:192.0.2.0/24 -all
fail.example                    TXT   v=spf1 ip6:2001:db8:1::/64 -all
softfail.example                TXT   v=spf1 ip6:2001:db8:1::/64 ~all
permerror.example               TXT   v=spf1 nonsense:2001:db8::/64 -all
none.example                    A     192.0.2.99
'''

SPF_RESULTS = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    names.behave(behaviour.fails('SERVFAIL'), PTR_SERVFAIL)
    names.behave(behaviour.fails('SERVFAIL'), 'broken.confirmed.example')
    names.behave(behaviour.fails('SERVFAIL'), 'temperror.example')
    return gated


def deferred(status):
    return f'DEFER_IF_PERMIT {status} '


# Host: the result of iprev, and the reply that each profile begins with; None lets it pass.
IPREV_ROWS = [
    (NO_PTR, 'permerror', {'google': '550 5.7.25 ', 'microsoft': deferred('4.7.25')}),
    (OTHERS_NAME, 'fail', {'google': '550 5.7.25 ', 'microsoft': deferred('4.7.25')}),
    (NAME_WITHOUT_ADDRESS, 'fail', {'google': '550 5.7.25 ', 'microsoft': deferred('4.7.25')}),
    (NAME_OF_THE_OTHER_FAMILY, 'fail', {'google': '550 5.7.25 ', 'microsoft': deferred('4.7.25')}),
    (PTR_SERVFAIL, 'temperror', {'google': deferred('4.7.25'), 'microsoft': deferred('4.7.25')}),
    (FORWARD_SERVFAIL, 'temperror', {'google': deferred('4.7.25'), 'microsoft': deferred('4.7.25')}),
    (ONE_CONTRADICTS_ONE_SERVFAIL, 'temperror', {'google': deferred('4.7.25'), 'microsoft': deferred('4.7.25')}),
    (CONFIRMED, 'pass', {}),
    (SECOND_NAME_CONFIRMS, 'pass', {}),
    (ONE_CONFIRMS_ONE_SERVFAIL, 'pass', {}),
]
IPREV_IDS = ['no PTR', 'name of another host', 'name without address', 'name of the other family', 'PTR SERVFAIL',
             'forward SERVFAIL', 'one contradicts and one SERVFAIL', 'confirmed', 'second name confirms',
             'one confirms and one SERVFAIL']

SPF_ROWS = {
    'none': {'microsoft': deferred('4.7.26')},
    'neutral': {'microsoft': deferred('4.7.26')},
    'pass': {},
    'fail': {'google': '550 5.7.23 ', 'microsoft': deferred('4.7.23')},
    'softfail': {'microsoft': deferred('4.7.26')},
    'temperror': {'google': deferred('4.7.24'), 'microsoft': deferred('4.7.24')},
    'permerror': {'microsoft': deferred('4.7.26')},
}


def check(verdict, reply, evidence):
    """The answer begins with reply, or lets the mail pass when that is None; evidence decided."""
    if reply is None:
        assert (verdict['action'], verdict['reason']) == ('pass', 'greylist off')
        return
    assert verdict['answer'].startswith(reply)
    assert verdict['action'] == ('reject' if reply.startswith('5') else 'defer')
    assert verdict['reason'] == f'gate ({evidence})'
    assert verdict['client_address'] in verdict['answer'], 'the sender is not told which address is meant'


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('host, result, replies', IPREV_ROWS, ids=IPREV_IDS)
def test_reverse_dns(gated, names, profile, host, result, replies):
    gated.configure(gate_profile=profile)
    gated.start()
    verdict = gated.verdict(**mail(client_address=host, sender='someone@pass.example'))
    check(verdict, replies.get(profile), f'iprev {result}')
    assert verdict['iprev'] == result
    if profile in replies:
        assert names.asked('pass.example') == [], 'SPF was asked although iprev had decided'
        assert 'spf' not in verdict
    else:
        _, results = parse(verdict['answer'])
        assert results['iprev'] == (result, {'policy.iprev': host}, '')
        assert results['spf'] == ('pass', {'smtp.mailfrom': 'pass.example'}, '')


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('result', SPF_RESULTS)
def test_spf(gated, profile, result):
    gated.configure(gate_profile=profile)
    gated.start()
    verdict = gated.verdict(**named_mail(sender=f'someone@{result}.example'))
    reply = SPF_ROWS[result].get(profile)
    check(verdict, reply, f'spf {result}')
    assert (verdict['iprev'], verdict['spf']) == ('pass', result)
    if reply is None:
        _, results = parse(verdict['answer'])
        assert results['spf'] == (result, {'smtp.mailfrom': f'{result}.example'}, '')
    else:
        assert f'{result}.example' in verdict['answer'], 'the sender is not told which domain is meant'


def test_name_that_smtpd_confirmed_is_believed_without_a_question(gated, names):
    gated.start()
    assert gated.verdict(**mail(client_address=NO_PTR, client_name='mail.elsewhere.example',
                                sender='someone@pass.example'))['iprev'] == 'pass'
    assert names.asked(kind='PTR') == [] and names.asked(kind='AAAA') == []


def test_host_decides_before_the_domain(gated):
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR, sender='someone@fail.example')).startswith('550 5.7.25 ')


def test_no_more_than_ten_names_of_a_host_are_looked_at(gated, names):
    for number in range(30):
        names.add(f'{HOST} PTR n{number}.many.example')
    gated.start()
    # One of the others might lead back: which ten come first is chance.
    assert gated.reason(**mail()) == 'gate (iprev temperror)'
    assert len(names.asked(kind='AAAA')) == 10


def test_names_of_a_host_are_asked_all_at_once(gated, names):
    names.add(''.join(f'{HOST} PTR n{number}.many.example\n' for number in range(10)))
    holds = [names.hold(f'n{number}.many.example') for number in range(10)]
    gated.start()
    with gated.connect() as connection:
        connection.send_request(**mail())
        for hold in holds:
            hold.wait_for_question()
        for hold in holds:
            hold.release()
        assert connection.read_answer().startswith('550 5.7.25 ')


def test_dry_gate_lets_pass_and_logs_what_it_would_have_said(gated):
    gated.configure(gate='dry')
    gated.start()
    for attributes, evidence, reply in (
            ({'client_address': NO_PTR}, ('permerror', 'pass'), '550 5.7.25'),
            ({'client_address': CONFIRMED, 'sender': 'someone@fail.example'}, ('pass', 'fail'), '550 5.7.23'),
            ({'client_address': PTR_SERVFAIL}, ('temperror', 'pass'), '450 4.7.25')):
        start = gated.log_size()
        verdict = gated.verdict(**mail(**{'sender': 'someone@pass.example', **attributes}))
        assert (verdict['action'], verdict['reason']) == ('pass', 'greylist off')
        assert verdict['gate'] == f'dry ({reply})'
        assert f', gate=dry ({reply})\n' in gated.log(start), 'gate=dry is not at the end of the line'
        _, results = parse(verdict['answer'])
        assert (results['iprev'].result, results['spf'].result) == evidence


def test_dry_gate_says_nothing_of_mail_that_it_would_let_pass(gated):
    gated.configure(gate='dry')
    gated.start()
    assert 'gate' not in gated.verdict(**mail(client_address=CONFIRMED, sender='someone@pass.example'))


def test_dry_gate_leaves_greylisting_in_force(gated):
    gated.configure(gate='dry', greylist='enforce')
    gated.start()
    verdict = gated.verdict(**mail(client_address=NO_PTR))
    assert (verdict['answer'], verdict['reason'], verdict['gate']) == (GREYLISTED, 'new', 'dry (550 5.7.25)')


def test_gate_that_is_off_asks_nothing(gated, names):
    gated.configure(gate='off')
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR, sender='someone@fail.example')) == PASS
    assert names.questions == []


@pytest.mark.parametrize('families, gated_hosts, other_hosts', [
    (None, [NO_PTR], [HOST_V4]),
    ('ipv6', [NO_PTR], [HOST_V4]),
    ('ipv6 ipv4', [NO_PTR, HOST_V4], []),
    ('ipv4', [HOST_V4], [NO_PTR]),
], ids=str)
def test_only_gate_families_come_to_the_gate(gated, names, families, gated_hosts, other_hosts):
    gated.configure(gate_families=families)
    gated.start()
    for host in other_hosts:
        assert gated.ask(**mail(client_address=host, sender='someone@fail.example')) == PASS
    assert names.questions == [], 'DNS was asked about mail that the gate has nothing to do with'
    for host in gated_hosts:
        assert gated.ask(**mail(client_address=host)).startswith('550 5.7.25 ')


def test_mapped_address_is_ipv4(gated, names):
    gated.start()
    assert gated.ask(**mail(client_address=f'::ffff:{HOST_V4}')) == PASS
    assert names.questions == []
    gated.configure(gate_families='ipv6 ipv4')
    gated.reload()
    names.add(f'{HOST_V4} PTR four.sender.example\nfour.sender.example A {HOST_V4}')
    verdict = gated.verdict(**mail(client_address=f'::ffff:{HOST_V4}', sender='someone@pass.example'))
    _, results = parse(verdict['answer'])
    assert results['iprev'] == ('pass', {'policy.iprev': HOST_V4}, '')
    assert results['spf'].result == 'pass'


@pytest.mark.parametrize('forwarders, attributes, is_trusted', [
    ('[2001:db8::]/64', {'client_address': CONFIRMED}, True),
    ('[2001:db8:1::]/64', {'client_address': CONFIRMED}, False),
    ('.confirmed.example', {'client_address': CONFIRMED}, True),
    ('.confirmed.example', {'client_address': HOST, 'client_name': 'MX.Confirmed.Example'}, True),
    ('.confirmed.example', {'client_address': HOST, 'client_name': 'mx.evilconfirmed.example'}, False),
    ('.other.example [2001:db8:2::]/48', {'client_address': CONFIRMED}, False),
], ids=['network', 'other network', 'name found by us', 'name found by smtpd', 'look-alike', 'another'])
def test_spf_is_not_judged_for_trusted_forwarders(gated, forwarders, attributes, is_trusted):
    gated.configure(trusted_forwarders=forwarders)
    gated.start()
    verdict = gated.verdict(**mail(sender='someone@fail.example', **attributes))
    check(verdict, None if is_trusted else '550 5.7.23 ', 'spf fail')


def test_name_that_is_not_confirmed_trusts_nobody(gated):
    gated.configure(trusted_forwarders='.confirmed.example', gate_profile='microsoft')
    gated.start()
    assert gated.reason(**mail(client_address=OTHERS_NAME, reverse_client_name='mail.confirmed.example',
                               sender='someone@fail.example')) == 'gate (iprev fail)'


def test_trusted_forwarder_still_needs_reverse_dns(gated):
    gated.configure(trusted_forwarders='[2001:db8::]/64')
    gated.start()
    assert gated.reason(**mail(client_address=NO_PTR)) == 'gate (iprev permerror)'


@pytest.mark.parametrize('attributes, settings', [
    ({'recipient': 'postmaster@here.example'}, {}),
    ({'recipient': 'Abuse@here.example'}, {}),
    ({'sasl_username': 'alice'}, {}),
    ({'ccert_subject': 'mail.example'}, {}),
    ({}, {'mynetworks': '[2001:db8::]/32'}),
], ids=['postmaster', 'abuse', 'SASL', 'certificate', 'mynetworks'])
def test_exempt_mail_is_not_asked_about(gated, names, attributes, settings):
    gated.configure(**settings)
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR, sender='someone@fail.example', **attributes)) == PASS
    assert names.questions == []


def test_recipient_who_is_listed_has_no_gate(gated, names):
    gated.recipient_access.write_text('alice@here.example OK\n')
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR, recipient='alice@here.example')) == PASS
    assert names.questions == []


def test_listed_refusal_comes_before_the_gate(gated, names):
    gated.sender_access.write_text('spam.example REJECT Go away\n')
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR, sender='x@spam.example')) == 'REJECT Go away'
    assert names.questions == []


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('helo, result, replies', [
    ('pass.example', 'pass', {}),
    ('fail.example', 'fail', {'google': '550 5.7.23 ', 'microsoft': deferred('4.7.23')}),
    ('temperror.example', 'temperror', {'google': deferred('4.7.24'), 'microsoft': deferred('4.7.24')}),
    # A bounce has no second chance with DKIM, and the HELO names of most hosts have no SPF record.
    ('none.example', 'none', {}),
    ('neutral.example', 'neutral', {}),
    ('softfail.example', 'softfail', {}),
], ids=['pass', 'fail', 'temperror', 'none', 'neutral', 'softfail'])
def test_null_sender_is_judged_by_helo(gated, profile, helo, result, replies):
    gated.configure(gate_profile=profile)
    gated.start()
    verdict = gated.verdict(**named_mail(sender='', helo_name=helo))
    check(verdict, replies.get(profile), f'spf {result}')
    assert verdict['spf'] == result
    if profile not in replies:
        _, results = parse(verdict['answer'])
        assert results['spf'] == (result, {'smtp.helo': helo}, '')


@pytest.mark.parametrize('helo', ['[IPv6:2001:db8::1]', '[192.0.2.1]', 'localhost', ''])
def test_null_sender_with_a_helo_that_is_no_domain_goes_on(gated, names, helo):
    gated.start()
    verdict = gated.verdict(**named_mail(sender='', helo_name=helo))
    assert (verdict['spf'], verdict['reason']) == ('none', 'greylist off')
    assert names.questions == []


def test_permanent_refusal_never_rests_on_what_is_temporary(gated, names):
    names.otherwise = behaviour.fails('SERVFAIL')
    names.behave(behaviour.fails('REFUSED'), HOST)
    for profile in ('google', 'microsoft'):
        gated.configure(gate_profile=profile)
        gated.reload() if gated.was_started() else gated.start()
        for attributes in (mail(), named_mail(sender='x@servfail.example'), named_mail(sender='')):
            answer = gated.ask(**attributes)
            assert answer.startswith('DEFER_IF_PERMIT 4.7.2'), answer


@pytest.mark.parametrize('greylist, answer', [('off', None), ('enforce', GREYLISTED)])
def test_dns_failure_lets_pass_when_it_is_told_to(gated, greylist, answer):
    gated.configure(on_dns_failure='pass', greylist=greylist)
    gated.start()
    for attributes, evidence in (
            (mail(client_address=PTR_SERVFAIL, sender='x@pass.example'), ('temperror', 'pass')),
            (mail(client_address=FORWARD_SERVFAIL, sender='x@pass.example'), ('temperror', 'pass')),
            (mail(client_address=CONFIRMED, sender='x@temperror.example'), ('pass', 'temperror'))):
        verdict = gated.verdict(**attributes)
        assert (verdict['iprev'], verdict['spf']) == evidence
        if answer is None:
            _, results = parse(verdict['answer'])
            assert (results['iprev'].result, results['spf'].result) == evidence
        else:
            assert verdict['answer'] == answer


def test_dns_failure_that_passes_refuses_all_the_same_what_is_certain(gated):
    gated.configure(on_dns_failure='pass')
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR)).startswith('550 5.7.25 ')
    assert gated.ask(**mail(client_address=PTR_SERVFAIL, sender='x@fail.example')).startswith('550 5.7.23 ')


def test_mail_that_passes_the_gate_is_greylisted(gated):
    gated.configure(greylist='enforce')
    gated.start()
    verdict = gated.verdict(**mail(client_address=CONFIRMED, sender='x@none.example'))
    assert (verdict['answer'], verdict['reason']) == (GREYLISTED, 'new')
    assert (verdict['key'], verdict['iprev'], verdict['spf']) == ('2001:db8::/64', 'pass', 'none')


def test_log_has_its_fields_in_their_order(gated):
    gated.start()
    start = gated.log_size()
    gated.ask(**mail(client_address=NO_PTR, sender='x@pass.example', recipient='alice@here.example'))
    gated.wait_for_log('reason=gate', start)
    assert (f'action=reject, reason=gate (iprev permerror), client_name=unknown, client_address={NO_PTR}, '
            'sender=x@pass.example, recipient=alice@here.example, iprev=permerror, delay=0\n') in gated.log(start)


def test_reload_takes_another_profile(gated):
    gated.start()
    assert gated.ask(**mail(client_address=NO_PTR)).startswith('550 5.7.25 ')
    gated.configure(gate_profile='microsoft')
    gated.reload()
    assert gated.ask(**mail(client_address=NO_PTR)).startswith('DEFER_IF_PERMIT 4.7.25 ')
    gated.configure(gate='off')
    gated.reload()
    assert gated.ask(**mail(client_address=NO_PTR)) == PASS
