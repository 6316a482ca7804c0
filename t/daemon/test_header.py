# SPDX-License-Identifier: BSD-2-Clause
"""The Authentication-Results header: what it says, how it is written, and that a message gets one."""

import re

import behaviour
import pytest
from auth_results import parse
from daemon import SHORT_DELAY
from mail import HOST, HOST_V4, mail, named_mail, new_instance
from policy import GREYLISTED, PASS
from poll import wait_until

RECORDS = f'''
{HOST}                    PTR   mail.sender.example
mail.sender.example       AAAA  {HOST}
{HOST_V4}                 PTR   mail.sender.example
mail.sender.example       A     {HOST_V4}
mail.sender.example       TXT   v=spf1 a -all
sender.example            TXT   v=spf1 a:mail.sender.example -all
'''

IPV6 = 'PREPEND Authentication-Results: mx.here.example; iprev=pass policy.iprev="2001:db8::1"; spf=pass '
IPV4 = 'PREPEND Authentication-Results: mx.here.example; iprev=pass policy.iprev=192.0.2.1; spf=pass '
DELAYED = re.compile(r'x-greylist=pass \(delayed [1-9]\d* s\)')


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    gated.defaults['gate_families'] = 'ipv6 ipv4'
    gated.configure()
    return gated


def test_address_of_ipv6_is_quoted_and_one_of_ipv4_is_not(gated):
    gated.start()
    assert gated.ask(**mail()) == IPV6 + 'smtp.mailfrom=sender.example'
    assert gated.ask(**mail(client_address=HOST_V4)) == IPV4 + 'smtp.mailfrom=sender.example'
    assert gated.ask(**mail(client_address=f'::ffff:{HOST_V4}')) == IPV4 + 'smtp.mailfrom=sender.example'


def test_null_sender_is_told_by_helo(gated):
    gated.start()
    assert gated.ask(**mail(sender='')) == IPV6 + 'smtp.helo=mail.sender.example'


def test_domain_is_in_lower_case_and_without_the_local_part(gated):
    gated.start()
    assert gated.ask(**mail(sender='"a; dkim=pass b"@Sender.EXAMPLE')) == IPV6 + 'smtp.mailfrom=sender.example'


def test_authserv_id_is_ours(gated):
    gated.configure(authserv_id='mx2.here.example')
    gated.start()
    name, _ = parse(gated.ask(**mail()))
    assert name == 'mx2.here.example'


def test_authserv_id_is_the_hosts_name_by_default(gated):
    gated.configure(authserv_id=None)
    gated.start()
    name, _ = parse(gated.ask(**mail()))
    assert re.fullmatch(r'[A-Za-z0-9.-]+', name)


@pytest.mark.parametrize('name', ['exämple.org', 'a b.org', 'a;dkim=pass.org', 'a"b.org', 'a\\b.org', 'a(b).org',
                                  'a..org', '[192.0.2.1]', 'x' * 300, '', 'a=b.org', 'a_b.org', 'a/b.org'])
@pytest.mark.parametrize('of_helo', [False, True], ids=['sender', 'HELO'])
def test_no_name_breaks_out_of_the_header(gated, name, of_helo):
    gated.start()
    attributes = {'sender': '', 'helo_name': name} if of_helo else {'sender': f'x@{name}'}
    authserv_id, results = parse(gated.ask(**mail(**attributes)))
    assert authserv_id == 'mx.here.example'
    assert set(results) == {'iprev', 'spf'}
    assert results['spf'].result == 'none'
    assert set(results['spf'].properties) <= {'smtp.helo' if of_helo else 'smtp.mailfrom'}


def test_longest_names_fit(gated, names):
    domain = '.'.join(['d' * 63] * 3 + ['e' * 61])
    names.zone.add_record(domain, 'TXT', 'v=spf1 ip6:2001:db8::/64 -all')
    gated.start()
    _, results = parse(gated.ask(**mail(sender=f'x@{domain}')))
    assert results['spf'] == ('pass', {'smtp.mailfrom': domain}, '')


QUOTES = '.'.join(['"' * 63] * 3 + ['"' * 61])


@pytest.mark.parametrize('of_helo', [False, True], ids=['sender', 'HELO'])
def test_longest_names_that_must_be_escaped_fit(gated, of_helo):
    gated.configure(authserv_id='h' * 253, gate_profile='observe')
    gated.start()
    attributes = {'sender': '', 'helo_name': QUOTES} if of_helo else {'sender': f'x@{QUOTES}'}
    authserv_id, results = parse(gated.ask(**mail(**attributes)))
    assert authserv_id == 'h' * 253
    assert set(results['spf'].properties.values()) <= {QUOTES}


def test_message_gets_one_header(gated):
    gated.start()
    with gated.connect() as connection:
        instance = new_instance()
        assert connection.ask(**mail(instance=instance)).startswith(IPV6)
        for _ in range(3):
            assert connection.ask(**mail(instance=instance)) == PASS
        assert connection.ask(**mail()).startswith(IPV6), 'the next message has none'


def test_message_gets_one_header_whatever_its_other_recipients_are_told(gated):
    gated.recipient_access.write_text('closed@ 550 5.1.1 Closed\nlisted@ OK\n')
    gated.configure(greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.start()
    old = mail(recipient='old@here.example')
    wait_until('a triplet passes', lambda: gated.ask(**{**old, 'instance': new_instance()}) != GREYLISTED)

    instance = new_instance()
    with gated.connect() as connection:
        def ask(recipient):
            return connection.ask(**mail(instance=instance, recipient=f'{recipient}@here.example'))
        assert ask('closed') == '550 5.1.1 Closed'
        assert ask('new') == GREYLISTED
        assert ask('postmaster') == PASS
        assert ask('listed') == PASS
        assert ask('old').startswith(IPV6)
        assert ask('newer') == GREYLISTED
        assert ask('old') == PASS


def test_messages_that_mix_over_two_connections_get_one_header_each(gated):
    gated.start()
    with gated.connect() as one, gated.connect() as two:
        first, second = new_instance(), new_instance()
        assert one.ask(**mail(instance=first)).startswith(IPV6)
        assert two.ask(**mail(instance=second)).startswith(IPV6)
        assert one.ask(**mail(instance=first)) == PASS
        assert two.ask(**mail(instance=second)) == PASS


def test_recipients_asked_about_at_once_get_one_header_between_them(gated, names):
    hold = names.hold('sender.example', 'TXT')
    gated.configure(dns_timeout='60s')
    gated.start()
    instance = new_instance()
    connections = [gated.connect() for _ in range(4)]
    for connection in connections:
        connection.send_request(**mail(instance=instance))
    hold.wait_for_question()
    hold.release()
    answers = [connection.read_answer() for connection in connections]
    for connection in connections:
        connection.close()
    assert sorted(answer.startswith(IPV6) for answer in answers) == [False, False, False, True]
    assert answers.count(PASS) == 3


@pytest.mark.parametrize('instance', ['', None])
def test_message_without_an_instance_gets_a_header_each_time(gated, instance):
    gated.start()
    for _ in range(2):
        assert gated.ask(**mail(instance=instance)).startswith(IPV6)


def test_delayed_mail_is_told_to_have_been(gated):
    gated.configure(greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.start()
    message = mail()
    assert gated.ask(**message) == GREYLISTED
    answer = wait_until('a retry passes', lambda: passed(gated.ask(**{**message, 'instance': new_instance()})))
    assert answer.startswith(IPV6 + 'smtp.mailfrom=sender.example; ')
    assert DELAYED.fullmatch(answer.rpartition('; ')[2])
    again = gated.ask(**{**message, 'instance': new_instance()})
    assert again == IPV6 + 'smtp.mailfrom=sender.example', 'mail that did not wait is told to have waited'


def passed(answer):
    return None if answer == GREYLISTED else answer


def test_delayed_mail_of_another_family_is_told_that_alone(gated):
    gated.configure(gate_families='ipv6', greylist='enforce', greylist_delay=SHORT_DELAY)
    gated.start()
    message = mail(client_address=HOST_V4)
    assert gated.ask(**message) == GREYLISTED
    answer = wait_until('a retry passes', lambda: passed(gated.ask(**{**message, 'instance': new_instance()})))
    _, results = parse(answer)
    assert set(results) == {'x-greylist'} and DELAYED.search(answer)
    assert gated.ask(**{**message, 'instance': new_instance()}) == PASS


def test_greylisting_that_is_dry_leaves_the_header(gated):
    gated.configure(greylist='dry')
    gated.start()
    assert gated.ask(**mail()) == IPV6 + 'smtp.mailfrom=sender.example'


def test_refused_mail_gets_no_header_and_the_next_recipient_does(gated):
    # The gate says the same to all recipients of a message, unless DNS has a better moment meanwhile.
    gated.start()
    instance = new_instance()
    with gated.connect() as connection:
        assert connection.ask(**mail(instance=instance, client_address='2001:db8::9')).startswith('550 5.7.25 ')
        assert connection.ask(**mail(instance=instance)).startswith(IPV6)


@pytest.mark.parametrize('profile', ['google', 'observe'])
def test_every_result_of_iprev_and_spf_can_be_read(gated, names, profile):
    names.behave(behaviour.fails('SERVFAIL'), 'temperror.example')
    names.add('''
neutral.example    TXT  v=spf1 ?all
softfail.example   TXT  v=spf1 ~all
fail.example       TXT  v=spf1 -all
permerror.example  TXT  v=spf1 !
''')
    gated.configure(gate_profile=profile, on_dns_failure='pass')
    gated.start()
    for result in ('none', 'neutral', 'softfail', 'permerror', 'temperror', 'fail'):
        answer = gated.ask(**named_mail(sender=f'x@{result}.example'))
        if (profile, result) == ('google', 'fail'):
            assert answer.startswith('550 5.7.23 ')
        else:
            assert parse(answer)[1]['spf'] == (result, {'smtp.mailfrom': f'{result}.example'}, '')
