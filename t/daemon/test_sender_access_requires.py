# SPDX-License-Identifier: BSD-2-Clause
"""When an OK in sender_access counts: anybody can write a sender's name on the envelope."""

import behaviour
import pytest
from mail import HOST_V4, mail
from policy import GREYLISTED, PASS

COUNTS = 'sender_access (line 1)'

RECORDS = f'''
pass.example        TXT  v=spf1 ip4:{HOST_V4} -all
neutral.example     TXT  v=spf1 ?all
softfail.example    TXT  v=spf1 ~all
fail.example        TXT  v=spf1 -all
permerror.example   TXT  v=spf1 !
{HOST_V4}           PTR  mail.none.example
mail.none.example   A    {HOST_V4}
'''

DISOWNED = ['fail', 'softfail']
UNDECIDED = ['none', 'neutral', 'permerror', 'temperror']


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    names.behave(behaviour.fails('SERVFAIL'), 'temperror.example')
    gated.defaults['greylist'] = 'enforce'
    gated.configure()
    gated.sender_access.write_text('friend@ OK\n')
    return gated


def listed(result, **attributes):
    """Mail over IPv4, where the gate has no say, from a listed sender of whom SPF says result."""
    return mail(**{'client_address': HOST_V4, 'sender': f'friend@{result}.example', **attributes})


@pytest.mark.parametrize('requires', [None, 'not-disowned'], ids=['by default', 'not-disowned'])
@pytest.mark.parametrize('result', ['pass', *UNDECIDED, *DISOWNED])
def test_not_disowned(gated, requires, result):
    gated.configure(sender_access_requires=requires)
    gated.start()
    verdict = gated.verdict(**listed(result))
    expected = (GREYLISTED, 'new') if result in DISOWNED else (PASS, COUNTS)
    assert (verdict['answer'], verdict['reason'], verdict['spf']) == (*expected, result)


@pytest.mark.parametrize('result', ['pass', *UNDECIDED, *DISOWNED])
def test_authenticated_by_spf(gated, result):
    gated.configure(sender_access_requires='authenticated')
    gated.start()
    verdict = gated.verdict(**listed(result, client_name='mail.elsewhere.example'))
    assert verdict['reason'] == (COUNTS if result == 'pass' else 'new')


@pytest.mark.parametrize('client_name, counts', [
    ('mail.none.example', True),
    ('none.example', True),
    ('MAIL.None.Example', True),
    ('mail.evilnone.example', False),
    ('none.example.elsewhere.example', False),
    ('example', False),
    ('unknown', True),  # we find mail.none.example ourselves
])
def test_authenticated_by_the_name_of_the_host(gated, client_name, counts):
    gated.configure(sender_access_requires='authenticated')
    gated.start()
    assert gated.reason(**listed('none', client_name=client_name)) == (COUNTS if counts else 'new')


def test_name_that_is_not_confirmed_authenticates_nobody(gated, names):
    names.add('192.0.2.9 PTR mail.none.example')
    gated.configure(sender_access_requires='authenticated')
    gated.start()
    assert gated.reason(**listed('none', client_address='192.0.2.9',
                                 reverse_client_name='mail.none.example')) == 'new'


@pytest.mark.parametrize('result', DISOWNED)
def test_any_asks_nothing(gated, names, result):
    gated.configure(sender_access_requires='any')
    gated.start()
    verdict = gated.verdict(**listed(result))
    assert (verdict['answer'], verdict['reason']) == (PASS, COUNTS)
    assert names.questions == []


@pytest.mark.parametrize('requires', ['any', 'not-disowned', 'authenticated'])
def test_refusal_counts_always(gated, names, requires):
    gated.sender_access.write_text('friend@ REJECT Go away\n')
    gated.configure(sender_access_requires=requires)
    gated.start()
    for result in ('pass', 'fail'):
        assert gated.ask(**listed(result)) == 'REJECT Go away'
    assert names.questions == []


def test_sender_who_is_not_listed_is_no_reason_to_ask(gated, names):
    gated.configure(sender_access_requires='authenticated', greylist='off')
    gated.start()
    assert gated.ask(**listed('fail', sender='stranger@fail.example')) == PASS
    assert names.questions == []


def test_ok_that_counts_spares_the_gate(gated, names):
    gated.start()
    assert gated.reason(**mail(sender='friend@none.example')) == COUNTS
    assert names.asked(kind='PTR') == []


def test_ok_that_does_not_count_leaves_the_gate_to_decide(gated, names):
    names.add('2001:db8::1 PTR mail.fail.example\nmail.fail.example AAAA 2001:db8::1')
    gated.start()
    assert gated.reason(**mail(sender='friend@fail.example')) == 'gate (spf fail)'


def test_null_sender_is_listed_as_such_and_judged_by_helo(gated):
    gated.sender_access.write_text('<> OK\n')
    gated.start()
    assert gated.reason(**listed('none', sender='', helo_name='none.example')) == COUNTS
    assert gated.reason(**listed('none', sender='', helo_name='fail.example')) == 'new'


def test_reload_takes_another_requirement(gated):
    gated.start()
    assert gated.reason(**listed('fail')) == 'new'
    gated.configure(sender_access_requires='any')
    gated.reload()
    assert gated.reason(**listed('fail')) == COUNTS
