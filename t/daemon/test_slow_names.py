# SPDX-License-Identifier: BSD-2-Clause
"""Name servers that are slow or say nothing: every request is answered in time, and nobody waits for another's names."""

import random
import re
import signal

import behaviour
import pytest
from auth_results import parse
from daemon import SHORT_DELAY
from mail import HOST, HOST_V4, mail, named_mail
from policy import GREYLISTED, PASS, request
from poll import wait_until

RECORDS = f'''
{HOST}                    PTR   mail.sender.example
mail.sender.example       AAAA  {HOST}
sender.example            TXT   v=spf1 mx -all
sender.example            MX    10 mail.sender.example
slow.example              TXT   v=spf1 include:_spf.slow.example -all
_spf.slow.example         TXT   v=spf1 ip6:2001:db8::/32 -all
'''

# Which question is out, and of what mail.
STAGES = pytest.mark.parametrize('name, kind, attributes', [
    (HOST, 'PTR', {}),
    ('mail.sender.example', 'AAAA', {}),
    ('sender.example', 'TXT', {}),
    ('sender.example', 'MX', {}),
    ('_spf.slow.example', 'TXT', {'sender': 'x@slow.example'}),
], ids=['PTR', 'forward', 'SPF', 'MX of SPF', 'include of SPF'])


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    return gated


def header_says(answer, iprev, spf):
    _, results = parse(answer)
    return (results['iprev'].result, results['spf'].result) == (iprev, spf)


# The answer comes in time

@STAGES
def test_name_that_is_never_answered_is_a_temporary_failure(gated, names, name, kind, attributes):
    names.behave(behaviour.never, name, kind)
    gated.configure(check_deadline='2s')
    gated.start()
    status = '4.7.25' if kind in ('PTR', 'AAAA') else '4.7.24'
    assert gated.ask(**mail(**attributes)).startswith(f'DEFER_IF_PERMIT {status} ')


def test_dns_timeout_ends_the_wait_for_one_question(gated, names):
    # Long before the deadline: else this is no answer that a test would wait for.
    names.behave(behaviour.never, HOST)
    gated.configure(check_deadline='90s', dns_timeout='1s')
    gated.start()
    assert gated.reason(**mail()) == 'gate (iprev temperror)'


def test_deadline_is_for_all_questions_together(gated, names):
    # Each question is answered well within dns_timeout, but there are too many of them.
    chain = 9
    for number in range(chain):
        names.add(f's{number}.chain.example TXT v=spf1 include:s{number + 1}.chain.example -all')
        names.behave(behaviour.delayed(1), f's{number}.chain.example')
    names.add(f's{chain}.chain.example TXT v=spf1 ip6:2001:db8::/32 -all')
    gated.configure(check_deadline='3s', dns_timeout='30s')
    gated.start()
    assert gated.reason(**named_mail(sender='x@s0.chain.example')) == 'gate (spf temperror)'
    assert len(names.asked(kind='TXT')) < chain


def test_time_that_is_left_is_enough_for_the_store(gated, names):
    names.otherwise = behaviour.never
    gated.configure(check_deadline='8s', on_dns_failure='pass', greylist='enforce')
    gated.start()
    verdict = gated.verdict(**mail())
    assert (verdict['answer'], verdict['reason']) == (GREYLISTED, 'new')
    assert (verdict['iprev'], verdict['spf']) == ('temperror', 'temperror')


def test_silence_lets_pass_when_on_dns_failure_says_so(gated, names):
    names.otherwise = behaviour.never
    gated.configure(check_deadline='1s', on_dns_failure='pass')
    gated.start()
    assert header_says(gated.ask(**mail()), 'temperror', 'temperror')


def test_many_at_once_are_all_answered_although_nothing_is_answered_to_them(gated, names):
    names.otherwise = behaviour.never
    gated.configure(check_deadline='2s')
    gated.start()
    connections = [gated.connect() for _ in range(300)]
    for number, connection in enumerate(connections):
        connection.send_request(**mail(client_address=f'2001:db8:{number:x}::1'))
    for connection in connections:
        assert connection.read_answer().startswith('DEFER_IF_PERMIT 4.7.25 ')
        connection.close()


def test_answer_that_comes_after_the_deadline_is_harmless(gated, names):
    hold = names.hold(HOST, 'PTR')
    gated.configure(check_deadline='1s', dns_timeout='60s')
    gated.start()
    with gated.connect() as connection:
        assert connection.ask(**mail()).startswith('DEFER_IF_PERMIT 4.7.25 ')
        hold.release()
        names.wait_for_question(HOST)
        assert wait_until('the name is known', lambda: connection.ask(**mail()).startswith('PREPEND'))


# Nobody waits for another's names

def test_slow_domain_delays_only_its_own_mail(gated, names):
    hold = names.hold('_spf.slow.example')
    gated.configure(dns_timeout='60s', check_deadline='90s')
    gated.start()
    with gated.connect() as slow, gated.connect() as other:
        slow.send_request(**mail(sender='x@slow.example'))
        hold.wait_for_question()
        for _ in range(20):
            assert header_says(other.ask(**mail()), 'pass', 'pass')
        hold.release()
        assert header_says(slow.read_answer(), 'pass', 'pass')


def test_known_triplet_passes_while_its_names_are_slow(gated, names):
    # IPv4 does not come to the gate; a new triplet would have to prove its domain.
    gated.configure(greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.start()
    known = {'client_address': HOST_V4, 'client_name': 'mail.sender.example', 'sender': 'x@slow.example'}
    wait_until('the triplet passes', lambda: gated.ask(**known) != GREYLISTED)
    hold = names.hold('_spf.slow.example')
    names.behave(hold, 'slow.example')
    names.forget_questions()
    with gated.connect() as connection:
        assert connection.ask(**known) == PASS
    assert names.questions == []
    hold.release()


def test_connection_that_waits_for_names_leaves_the_others_alone(gated, names):
    # All pipelined requests of one connection are answered in their order; another connection is not held up.
    hold = names.hold('_spf.slow.example')
    gated.configure(dns_timeout='60s', check_deadline='90s')
    gated.start()
    with gated.connect() as pipelined, gated.connect() as other:
        pipelined.send_request(**mail(sender='x@slow.example'))
        pipelined.send_request(protocol_state='MAIL')
        hold.wait_for_question()
        assert other.ask(protocol_state='MAIL') == PASS
        hold.release()
        first, second = pipelined.read_answers(2)
        assert header_says(first, 'pass', 'pass') and second == PASS


def test_connection_that_waits_for_names_is_not_idle(gated, names):
    hold = names.hold(HOST, 'PTR')
    gated.configure(dns_timeout='60s', check_deadline='90s', idle_timeout='1s', max_connections=2)
    gated.start()
    with gated.connect() as waiting, gated.connect() as idle:
        waiting.send_request(**mail())
        hold.wait_for_question()
        wait_until('the idle connection is closed', idle.is_closed)
        hold.release()
        assert waiting.read_answer().startswith('PREPEND')


# Whoever asked may be gone when the answer comes

@STAGES
def test_connection_closes_while_a_question_is_out(gated, names, name, kind, attributes):
    hold = names.hold(name, kind)
    gated.configure(dns_timeout='60s')
    gated.start()
    before = gated.open_files()
    connection = gated.connect()
    connection.send_request(**mail(**attributes))
    hold.wait_for_question()
    connection.close()
    wait_until('the daemon closes the connection', lambda: gated.has_closed_all_since(
        {**before, 'sockets': before['sockets'] + 1}))  # the one that goes to the name server
    hold.release()
    # What was asked for nobody is of use to the next.
    assert gated.ask(**mail(**attributes)).startswith('PREPEND')


@STAGES
def test_reload_while_a_question_is_out(gated, names, name, kind, attributes):
    hold = names.hold(name, kind)
    gated.configure(dns_timeout='60s')
    gated.start()
    with gated.connect() as connection:
        connection.send_request(**mail(**attributes))
        hold.wait_for_question()
        gated.configure(dns_timeout='50s', dns_cache_size='1m', gate_profile='microsoft')
        gated.reload()
        hold.release()
        assert connection.read_answer().startswith('PREPEND')
    assert gated.ask(**mail(**attributes)).startswith('PREPEND')


@STAGES
def test_reload_to_other_name_servers_while_a_question_is_out(gated, names, name, kind, attributes):
    hold = names.hold(name, kind)
    gated.configure(dns_timeout='60s')
    gated.start()
    with gated.connect() as connection:
        connection.send_request(**mail(**attributes))
        hold.wait_for_question()
        gated.configure(dns_timeout='60s', dns_servers=names.address6)
        gated.reload()
        hold.release()
        assert connection.read_answer().startswith('PREPEND')
    names.forget_questions()
    assert gated.ask(**mail(sender='x@unheard.example')).startswith('PREPEND')
    assert [question.family for question in names.asked('unheard.example')] == [6]


@STAGES
def test_end_while_a_question_is_out(gated, names, name, kind, attributes):
    hold = names.hold(name, kind)
    gated.configure(check_deadline='2s', dns_timeout='60s')
    gated.start()
    connections = [gated.connect() for _ in range(5)]
    for connection in connections:
        connection.send_request(**mail(**attributes))
    hold.wait_for_question()
    gated.stop()
    for connection in connections:
        assert_one_answer_or_none(connection)
    hold.release()


def test_end_does_not_wait_for_a_long_deadline(gated, names):
    # Less than PATIENCE_S, that is; and nobody gets half an answer.
    hold = names.hold(HOST)
    gated.configure(check_deadline='90s', dns_timeout='60s')
    gated.start()
    connection = gated.connect()
    connection.send_request(**mail())
    hold.wait_for_question()
    gated.stop(signal.SIGINT)
    assert_one_answer_or_none(connection)
    hold.release()


def assert_one_answer_or_none(connection):
    answer = connection.read_to_end()
    connection.close()
    assert answer == b'' or re.fullmatch(rb'action=DEFER_IF_PERMIT 4\.7\.2[^\n]*\n\n', answer), answer


def test_connection_closes_while_all_kinds_of_questions_are_out(gated, names):
    names.add(''.join(f'{HOST} PTR n{number}.sender.example\n' for number in range(9)))
    names.add('wide.example TXT v=spf1 ' + ' '.join(f'include:i{n}.wide.example a:a{n}.wide.example'
                                                    for n in range(5)) + ' -all')
    names.otherwise = behaviour.Hold()
    for name in (HOST, 'wide.example'):
        names.behave(behaviour.answer, name)
    gated.configure(dns_timeout='60s')
    gated.start()
    before = gated.open_files()
    for attributes in (mail(), named_mail(sender='x@wide.example')):
        connection = gated.connect()
        connection.send_request(**attributes)
        names.otherwise.wait_for_question(5)
        connection.close()
        wait_until('the daemon closes the connection', lambda: gated.has_closed_all_since(
            {**before, 'sockets': before['sockets'] + 1}))
    names.otherwise.release()


# Equal questions

def test_equal_questions_are_asked_once(gated, names):
    hold = names.hold(HOST, 'PTR')
    gated.configure(dns_timeout='60s')
    gated.start()
    connections = [gated.connect() for _ in range(50)]
    for connection in connections:
        connection.send_request(**mail())
    hold.wait_for_question()
    gated.ask(protocol_state='MAIL')
    hold.release()
    for connection in connections:
        assert header_says(connection.read_answer(), 'pass', 'pass')
        connection.close()
    assert len(names.asked(HOST)) == 1
    assert len(names.asked('sender.example', 'TXT')) == 1


def test_one_of_those_who_asked_the_same_goes_away(gated, names):
    hold = names.hold(HOST, 'PTR')
    gated.configure(dns_timeout='60s')
    gated.start()
    connections = [gated.connect() for _ in range(3)]
    for connection in connections:
        connection.send_and_wait(request(**mail()))
    hold.wait_for_question()
    gone, *others = connections
    gone.close()
    gated.ask(protocol_state='MAIL')
    hold.release()
    for connection in others:
        assert header_says(connection.read_answer(), 'pass', 'pass')
        connection.close()


# What was answered is kept

def test_answers_are_kept(gated, names):
    gated.start()
    for _ in range(3):
        assert header_says(gated.ask(**mail()), 'pass', 'pass')
    assert sorted((question.kind, question.name) for question in names.questions) == [
        ('AAAA', 'mail.sender.example'), ('MX', 'sender.example'), ('PTR', names.asked(HOST)[0].name),
        ('TXT', 'sender.example')]


def test_negative_answers_are_kept(gated, names):
    gated.configure(gate_profile='observe')
    gated.start()
    for _ in range(3):
        verdict = gated.verdict(**mail(client_address='2001:db8::9', sender='x@nothing.example'))
        assert (verdict['iprev'], verdict['spf']) == ('permerror', 'none')
    assert len(names.asked('2001:db8::9')) == 1
    assert len(names.asked('nothing.example', 'TXT')) == 1


def test_answers_without_a_ttl_are_not_kept(gated, names):
    names.zone.ttl = names.zone.negative_ttl = 0
    names.add('brief.example TXT v=spf1 ip6:2001:db8::/32 -all')
    gated.configure(gate_profile='observe')
    gated.start()
    for _ in range(3):
        gated.ask(**named_mail(sender='x@brief.example'))
        gated.ask(**named_mail(sender='x@nothing.example'))
    assert len(names.asked('brief.example')) == 3
    assert len(names.asked('nothing.example')) == 3


def test_failures_are_kept_for_a_moment(gated, names):
    """So that the recipients of one message do not each wait for the same silent server."""
    names.behave(behaviour.fails('SERVFAIL'), 'sender.example', 'TXT')
    gated.start()
    assert gated.reason(**mail()) == 'gate (spf temperror)'
    asked = len(names.asked('sender.example'))
    assert gated.reason(**mail(recipient='bob@here.example')) == 'gate (spf temperror)'
    assert len(names.asked('sender.example')) == asked
    names.behave(behaviour.answer, 'sender.example', 'TXT')
    wait_until('it is asked again', lambda: gated.reason(**mail()) == 'greylist off')



def test_small_cache_forgets_and_asks_again(gated, names):
    names.zone.ttl = 3600
    for number in range(300):
        names.zone.add_record(f'd{number}.example', 'TXT', f'v=spf1 ip6:2001:db8::/32 -all {"x" * 400}')
    gated.configure(dns_cache_size='64k')
    gated.start()
    with gated.connect() as connection:
        for number in range(300):
            connection.ask(**named_mail(sender=f'x@d{number}.example'))
        # From another client, as what was found out about this one is kept elsewhere.
        for domain in ('d299.example', 'd0.example'):
            connection.ask(**named_mail(sender=f'x@{domain}', client_address='2001:db8:e15e::1'))
    assert len(names.asked('d299.example')) == 1
    assert len(names.asked('d0.example')) == 2


# All at once

def test_storm_of_requests_hang_ups_and_reloads(gated, names):
    # What comes when depends on the machine; that nothing is lost or touched twice, a sanitizer sees.
    dice = random.Random(1)
    names.zone.ttl = names.zone.negative_ttl = 0
    hows = [behaviour.answer, behaviour.answer, behaviour.delayed(0.002), behaviour.delayed(0.02), behaviour.truncated,
            behaviour.fails('SERVFAIL'), behaviour.never, behaviour.garbage, behaviour.formerr_to_edns,
            behaviour.followed_by_answer(behaviour.wrong_id)]
    for number in range(40):
        names.add(f"""
2001:db8:{number:x}::1     PTR   h.n{number}.example
2001:db8:{number:x}::1     PTR   i.n{number}.example
i.n{number}.example        AAAA  2001:db8:{number:x}::1
d{number}.example          TXT   v=spf1 include:d{(number + 1) % 40}.example mx a:i.n{number}.example exists:%{{i}}.n{number}.example ?all
d{number}.example          MX    10 i.n{number}.example
""")
        for name in (f'h.n{number}.example', f'i.n{number}.example', f'd{number}.example', f'2001:db8:{number:x}::1'):
            names.behave(dice.choice(hows), name)
    gated.configure(check_deadline='1s', dns_timeout='1s', greylist='enforce')
    gated.start()
    connections = []  # (connection, requests that it has sent)
    for round_number in range(40):
        for _ in range(10):
            connection, count = gated.connect(), dice.randrange(1, 4)
            for _ in range(count):
                connection.send_request(**mail(client_address=f'2001:db8:{dice.randrange(40):x}::1',
                                               sender=f'x@d{dice.randrange(40)}.example'))
            connections.append((connection, count))
        for gone in dice.sample(connections, len(connections) // 3):
            connections.remove(gone)
            gone[0].close()
        if round_number % 8 == 0:
            gated.configure(check_deadline='1s', dns_timeout='1s', greylist='enforce',
                            dns_servers=dice.choice([names.address, names.address6]))
            gated.signal(signal.SIGHUP)
    for connection, count in connections[::2]:
        connection.read_answers(count)
    gated.stop()
    for connection, _ in connections:
        connection.close()
