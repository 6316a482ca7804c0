# SPDX-License-Identifier: BSD-2-Clause
"""POST /explain: the whole way of a request, told without a trace."""

import behaviour
import database
import pytest

from admin import UnixConnection
from policy import GREYLISTED, new_recipient
from poll import wait_until

HOST = '2001:db8:5::25'
RECORDS = f'''
{HOST}                     PTR   first.example
{HOST}                     PTR   mail.corp.example
first.example              AAAA  2001:db8:5::99
mail.corp.example          AAAA  {HOST}
corp.example               TXT   v=spf1 include:_spf.corp.example -all
_spf.corp.example          TXT   v=spf1 ip6:2001:db8:5::/64 -all
disowned.example           TXT   v=spf1 -all
'''


@pytest.fixture
def explain(gated, names):
    """Ask for an explanation; the steps by name, and the verdict."""
    names.add(RECORDS)
    gated.sender_access.write_text('# ours\npartner.example OK\ndisowned.example OK\nshop.example REJECT no\n')
    gated.farms.write_text('google ptr:.google.example\nbig cidr:192.0.2.0/24 pass\n')
    gated.defaults['greylist'] = 'enforce'
    gated.configure()
    gated.start()

    def ask(**attributes):
        body = {'client_address': HOST, 'sender': 'ann@corp.example', 'recipient': 'bob@here.example', **attributes}
        answer = gated.admin.post('/explain', body)
        steps = {step['step']: step for step in answer['steps']}
        assert list(steps) == [step['step'] for step in answer['steps']], 'each once'
        return steps, answer['verdict']
    ask.daemon = gated
    return ask


def test_new_sender(explain):
    steps, verdict = explain()
    assert list(steps) == ['request', 'exempt', 'recipient_access', 'sender_access', 'iprev', 'spf', 'gate', 'farm',
                           'greylist', 'verdict']
    assert steps['exempt']['result'] == 'no'
    assert steps['iprev']['result'] == 'pass' and steps['iprev']['name'] == 'mail.corp.example'
    assert 'first.example has 2001:db8:5::99: does not lead back to the client' in steps['iprev']['details']
    assert f'mail.corp.example has {HOST}: leads back to the client' in steps['iprev']['details']
    assert steps['spf']['result'] == 'pass'
    assert steps['spf']['term'] == 'include:_spf.corp.example ip6:2001:db8:5::/64'
    assert steps['gate']['result'] == 'pass'
    assert [entry['key'] for entry in steps['greylist']['entries']] == ['2001:db8:5::/64', 'domain:corp.example']
    assert steps['greylist']['result'] == 'new'
    assert verdict['answer'] == GREYLISTED and verdict['reason'] == 'new'
    assert verdict['log'].startswith('action=greylist, reason=new, client_name=unknown, ')


def test_nothing_is_left_behind(explain):
    daemon = explain.daemon
    log = daemon.log_size()
    for _ in range(3):
        assert explain()[1]['reason'] == 'new'
    assert database.entries(daemon.database) == []
    assert daemon.verdicts(log) == []
    assert daemon.ask(client_address=HOST, client_name='unknown', sender='ann@corp.example',
                      recipient='bob@here.example') == GREYLISTED
    steps, verdict = explain()
    assert steps['greylist']['result'] == 'early'
    assert all('first_seen' in entry and entry['passes'] == 0 for entry in steps['greylist']['entries'])
    assert verdict['reason'].startswith('early-retry')


def test_header_is_still_to_come_after_it_was_explained(explain):
    daemon = explain.daemon
    daemon.configure(greylist='off')
    daemon.reload()
    attributes = {'client_address': HOST, 'client_name': 'unknown', 'sender': 'ann@corp.example',
                  'recipient': 'bob@here.example', 'instance': '1.2.3.4'}
    told = explain(instance='1.2.3.4')[1]['answer']
    assert told.startswith('PREPEND Authentication-Results: ')
    assert daemon.ask(**attributes) == told


@pytest.mark.parametrize('attributes, text', [
    ({'client_address': '127.0.0.9'}, 'mynetworks has 127.0.0.0/8'),
    ({'sasl_username': 'ann'}, 'sasl_username'),
    ({'ccert_subject': 'ann'}, 'ccert_subject'),
    ({'recipient': 'postmaster@here.example'}, 'everybody may write to postmaster'),
])
def test_exempt_by_what(explain, attributes, text):
    steps, verdict = explain(**attributes)
    assert steps['exempt']['result'] == 'yes' and text in steps['exempt']['text']
    assert list(steps) == ['request', 'exempt', 'verdict']
    assert verdict['answer'] == 'DUNNO'


def test_line_of_a_table(explain):
    steps, verdict = explain(sender='info@sub.shop.example')
    told = steps['sender_access']
    assert (told['result'], told['line'], told['pattern']) == ('reject', 4, 'shop.example')
    assert told['text'] == f'{explain.daemon.sender_access}:4: shop.example REJECT no'
    assert verdict['reason'] == 'sender_access (line 4)'
    assert steps['spf']['result'] == 'not asked'


def test_ok_that_counts_and_one_that_does_not(explain):
    steps, verdict = explain(sender='x@partner.example')
    assert steps['sender_access']['result'] == 'ok'
    assert 'it counts, as SPF does not say' in steps['sender_access']['details'][0]
    assert verdict['reason'] == 'sender_access (line 2)'
    steps, verdict = explain(sender='x@disowned.example')
    assert steps['sender_access']['result'] == 'ok, but'
    assert 'it does not count, as SPF says' in steps['sender_access']['details'][0]
    assert verdict['reason'] == 'gate (spf fail)'


def test_gate_that_refuses(explain):
    steps, verdict = explain(client_address='2001:db8:66::1')
    assert steps['iprev']['result'] == 'permerror' and 'PTR record: no such name' in steps['iprev']['details']
    assert steps['spf']['result'] == 'not asked'
    assert (steps['gate']['result'], steps['gate']['row']) == ('reject', 'iprev permerror')
    assert 'farm' not in steps and 'greylist' not in steps
    assert verdict['answer'].startswith('550 5.7.25 ')


def test_gate_that_is_dry(explain):
    explain.daemon.configure(gate='dry')
    explain.daemon.reload()
    steps, verdict = explain(client_address='2001:db8:66::1')
    assert steps['gate']['result'] == 'dry' and 'gate = dry: told, and not done' in steps['gate']['details']
    assert verdict['answer'] == GREYLISTED and verdict['log'].endswith('gate=dry (550 5.7.25)')


def test_gate_that_does_not_look_at_the_family(explain):
    steps, _ = explain(client_address='198.51.100.1')
    assert steps['gate'] == {'step': 'gate', 'result': 'off', 'details': [],
                             'text': 'gate_families does not have ipv4'}
    assert steps['iprev']['text'] == 'not asked: gate_families does not have ipv4'


def test_dns_that_cannot_tell(explain, names):
    names.behave(behaviour.fails('SERVFAIL'), '2001:db8:77::1')
    steps, verdict = explain(client_address='2001:db8:77::1')
    assert steps['iprev']['result'] == 'temperror'
    assert 'PTR record: DNS could not tell' in steps['iprev']['details']
    assert verdict['answer'].startswith('DEFER_IF_PERMIT 4.7.25 ')


def test_farms(explain):
    steps, _ = explain(client_name='mail-1.google.example', client_address='198.51.100.7')
    assert steps['farm']['farm'] == 'google'
    assert steps['farm']['details'] == ['ptr:.google.example: the confirmed name mail-1.google.example']
    assert 'Postfix has confirmed' in steps['iprev']['text']
    assert 'farm:google' in [entry['key'] for entry in steps['greylist']['entries']]
    steps, verdict = explain(client_address='192.0.2.9')
    assert steps['farm']['details'] == ['cidr:192.0.2.0/24'] and 'never greylisted' in steps['farm']['text']
    assert steps['farm']['text'].startswith(f'{explain.daemon.farms}:2: "big"'), 'file:line, as of access tables'
    assert verdict['reason'] == 'farms'


def test_store_that_does_not_answer(explain):
    daemon = explain.daemon
    daemon.configure(gate='off')
    daemon.reload()
    with database.locked(daemon.database):
        steps, _ = explain(client_address='198.51.100.3')
    # Only writing is locked out, and an explanation reads.
    assert steps['greylist']['result'] == 'new'


def test_client_that_hangs_up_while_dns_is_asked(explain, names):
    names.behave(behaviour.never, '2001:db8:78::1')
    daemon = explain.daemon
    before = daemon.open_files()
    connection = UnixConnection(daemon.admin_socket)
    connection.request('POST', '/explain', body='{"client_address": "2001:db8:78::1", "sender": "", "recipient": "b@c"}')
    connection.close()
    wait_until('it is let go of', lambda: daemon.has_closed_all_since(before))
    assert daemon.ask(recipient=new_recipient(), client_address='127.0.0.1') == 'DUNNO'


@pytest.mark.parametrize('body, error', [
    ('', 'the body is no JSON'),
    ('[]', 'the body is no JSON object'),
    ('{"client_address": "192.0.2.1", "client_address": "192.0.2.2"}', 'the body is no JSON'),
    ({'client_address': '192.0.2.1', 'sender': ''}, 'recipient: is missing'),
    ({'client_address': 'here', 'sender': '', 'recipient': 'a@b'}, 'client_address: "here": expected an IPv4'),
    ({'client_address': '192.0.2.1', 'sender': 'a\nb', 'recipient': 'a@b'}, 'sender: expected a string of one line'),
    ({'client_address': '192.0.2.1', 'sender': 7, 'recipient': 'a@b'}, 'sender: expected a string of one line'),
    ({'client_address': '192.0.2.1', 'sender': '', 'recipient': 'a@b', 'colour': 'x'}, 'colour: is no attribute'),
    ('{"sender": "' + 'x' * 70000 + '"}', 'the body is longer than 65536 bytes'),
])
def test_what_cannot_be_explained(explain, body, error):
    status, message = explain.daemon.admin.refused('POST', '/explain', body)
    assert status in (400, 413) and message.startswith(error)


def test_hostile_bytes_stay_text(explain):
    steps, _ = explain(sender='\x1b[31m"x, action=pass"@corp.example', helo_name='\u202e')
    assert '\\x1b[31m' in steps['request']['text']
