# SPDX-License-Identifier: BSD-2-Clause
"""How name servers are spoken to, and what may come back: DNS as it is on the wire."""

import socket

import behaviour
import pytest
from auth_results import parse
from daemon import free_port
from mail import HOST, mail, named_mail
from name_server import NameServer
from poll import wait_until

RECORDS = f'''
{HOST}                    PTR   mail.sender.example
mail.sender.example       AAAA  {HOST}
sender.example            TXT   v=spf1 ip6:2001:db8::/64 -all
'''


@pytest.fixture
def gated(gated, names):
    names.add(RECORDS)
    return gated


def evidence(answer):
    _, results = parse(answer)
    return results['iprev'].result, results['spf'].result


# Transport

def test_questions_go_over_udp_with_edns(gated, names):
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')
    assert {question.transport for question in names.questions} == {'udp'}
    assert {question.edns_bytes for question in names.questions} == {1232}


@pytest.mark.parametrize('name', [HOST, 'mail.sender.example', 'sender.example'])
def test_truncated_answer_is_asked_for_over_tcp(gated, names, name):
    names.behave(behaviour.truncated, name)
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')
    assert [question.transport for question in names.asked(name)] == ['udp', 'tcp']


def test_server_that_does_not_know_edns_is_asked_without(gated, names):
    for name in (HOST, 'mail.sender.example', 'sender.example'):
        names.behave(behaviour.formerr_to_edns, name)
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')


def test_server_is_asked_over_ipv6(gated, names):
    gated.configure(dns_servers=names.address6)
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')
    assert {question.family for question in names.questions} == {6}


def test_second_server_is_asked_when_nobody_is_at_the_first(gated, names):
    gated.configure(dns_servers=f'127.0.0.1:{free_port()}, {names.address}')
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')


def test_second_server_is_asked_when_the_first_is_silent(gated, names):
    with NameServer() as silent:
        silent.otherwise = behaviour.never
        gated.configure(dns_servers=f'{silent.address} {names.address}', dns_timeout='2s')
        gated.start()
        assert evidence(gated.ask(**mail())) == ('pass', 'pass')
        assert silent.questions != []


def test_no_server_at_all_is_a_temporary_failure(gated):
    gated.configure(dns_servers=f'127.0.0.1:{free_port()} [::1]:{free_port(socket.AF_INET6)}')
    gated.start()
    assert gated.reason(**mail()) == 'gate (iprev temperror)'


# Gone, and back

GONE = pytest.mark.parametrize('how', [
    behaviour.never, behaviour.delayed(5), behaviour.fails('SERVFAIL'), behaviour.wrong_id, behaviour.garbage,
], ids=['silent', 'slow', 'SERVFAIL', 'lying', 'garbage'])


@GONE
def test_mail_waits_while_the_server_is_of_no_use_and_passes_when_it_is_again(gated, names, how):
    names.otherwise = how
    gated.configure(dns_timeout='1s')
    gated.start()
    for _ in range(2):
        assert gated.reason(**mail()) == 'gate (iprev temperror)'
    names.otherwise = behaviour.answer
    wait_until('it is asked again', lambda: gated.verdict(**mail())['iprev'] == 'pass')
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')


def test_server_that_was_down_is_asked_when_it_is_up(gated, names):
    port = free_port()
    gated.configure(dns_servers=f'127.0.0.1:{port}')
    gated.start()
    assert gated.reason(**mail()) == 'gate (iprev temperror)'
    with NameServer(port=port) as server:
        server.zone = names.zone
        wait_until('it is asked again', lambda: gated.verdict(**mail())['iprev'] == 'pass')
    # What it said is good as long as it said.
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')


# Answers that are no good

@pytest.mark.parametrize('rcode', ['SERVFAIL', 'REFUSED', 'NOTIMP', 'FORMERR', 6, 11])
@pytest.mark.parametrize('name, reason', [(HOST, 'iprev'), ('mail.sender.example', 'iprev'), ('sender.example', 'spf')])
def test_rcodes_that_mean_could_not_tell(gated, names, rcode, name, reason):
    names.behave(behaviour.fails(rcode), name)
    gated.start()
    assert gated.reason(**mail()) == f'gate ({reason} temperror)'


WRONG = pytest.mark.parametrize('how', [behaviour.wrong_id, behaviour.wrong_question, behaviour.garbage],
                                ids=lambda how: how.__name__)


@WRONG
@pytest.mark.parametrize('name', [HOST, 'sender.example'])
def test_wrong_messages_before_the_right_one_are_ignored(gated, names, how, name):
    names.behave(behaviour.followed_by_answer(how), name)
    gated.start()
    assert evidence(gated.ask(**mail())) == ('pass', 'pass')


@WRONG
def test_wrong_messages_alone_are_no_answer(gated, names, how):
    names.behave(how, 'sender.example')
    gated.configure(dns_timeout='1s')
    gated.start()
    assert gated.reason(**mail()) == 'gate (spf temperror)'


def test_message_that_is_cut_off_is_no_answer(gated, names):
    names.behave(behaviour.cut_off, 'sender.example')
    gated.configure(dns_timeout='1s')
    gated.start()
    assert gated.reason(**mail()) == 'gate (spf temperror)'


# CNAMEs

def test_cnames_are_followed(gated, names):
    address = '2001:db8::2'
    names.add(f'''
{address}                 CNAME 2.sub.rev.example
2.sub.rev.example         PTR   www.sender.example
www.sender.example        CNAME web.sender.example
web.sender.example        AAAA  {address}
alias.example             CNAME sender.example
''')
    gated.start()
    assert evidence(gated.ask(**mail(client_address=address, sender='x@alias.example'))) == ('pass', 'pass')


@pytest.mark.parametrize('how', [behaviour.answer, behaviour.cnames_only], ids=['SERVFAIL', 'as it is'])
@pytest.mark.parametrize('length', [1, 2, 20])
def test_cname_loops_end(gated, names, how, length):
    names.add(f'2001:db8::2 PTR l0.loop.example\nloop.example CNAME l0.loop.example')
    for number in range(length):
        names.add(f'l{number}.loop.example CNAME l{(number + 1) % length}.loop.example')
    names.otherwise = how
    gated.configure(gate_profile='observe')
    gated.start()
    iprev, spf = evidence(gated.ask(**mail(client_address='2001:db8::2', sender='x@loop.example')))
    assert iprev in ('fail', 'temperror') and spf in ('none', 'temperror')
    assert how is behaviour.cnames_only or (iprev, spf) == ('temperror', 'temperror')


def test_cname_to_nowhere_is_no_such_name(gated, names):
    names.add('dangling.example CNAME nowhere.example')
    gated.start()
    assert gated.verdict(**mail(sender='x@dangling.example'))['spf'] == 'none'


# Much of it

def test_text_of_60_kilobytes(gated, names):
    names.zone.add_record('huge.example', 'TXT', 'v=spf1 ' + 'ip4:192.0.2.1 ' * 4284 + '-all')
    names.zone.add_record('words.example', 'TXT', 'x' * 60_000)
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@huge.example')))[1] in ('fail', 'permerror')
    assert evidence(gated.ask(**mail(sender='x@words.example'))) == ('pass', 'none')
    assert [question.transport for question in names.asked('huge.example')] == ['udp', 'tcp']


def test_two_thousand_texts_on_one_name(gated, names):
    for number in range(2000):
        names.zone.add_record('many.example', 'TXT', f'site={number}')
    names.zone.add_record('many.example', 'TXT', 'v=spf1 ip6:2001:db8::/64 -all')
    for number in range(2000):
        names.zone.add_record('spf.many.example', 'TXT', f'v=spf1 x={number}')
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@many.example'))) == ('pass', 'pass')
    assert evidence(gated.ask(**mail(sender='x@spf.many.example'))) == ('pass', 'permerror')


def test_thousand_names_and_addresses_of_a_host(gated, names):
    address = '2001:db8::2'
    for number in range(1000):
        names.zone.add_record(address, 'PTR', f'n{number}.many.example')
        names.zone.add_record('n0.many.example', 'AAAA', f'2001:db8::1:{number:x}')
    gated.start()
    assert gated.reason(**mail(client_address=address)) == 'gate (iprev temperror)'
    assert len({question.name for question in names.asked(kind='AAAA')}) == 10


# Names that strangers chose

LONG_LABEL = 'a' * 64
HOSTILE = {
    'empty label': 'a..example.org',
    'dot at the front': '.example.org',
    'only dots': '...',
    'label of 64': f'{LONG_LABEL}.example.org',
    'longer than 253': '.'.join(['a' * 50] * 6),
    'endless': 'a.' * 2000 + 'example',
    'backslash': 'a\\.example.org',
    'escape': 'a\\046b.example.org',
    'backslash at the end': 'example.org\\',
    'blank': 'a b.example.org',
    'control': 'a\x01b.example.org',
    'not ASCII': 'exämple.org',
    'not UTF-8': b'ex\xe4mple.org',
    'percent': '%{d}.%{i}.%',
    'quote and semicolon': 'a";b.example.org',
    'address': '[192.0.2.1]',
    'address of IPv6': '[IPv6:2001:db8::1]',
    'number': '12345',
    'onion': 'a.onion',
}
hostile_names = pytest.mark.parametrize('name', HOSTILE.values(), ids=HOSTILE.keys())


def at(name):
    return b'x@' + (name if isinstance(name, bytes) else name.encode())


@hostile_names
def test_hostile_sender(gated, names, name):
    gated.start()
    verdict = gated.verdict(**mail(sender=at(name)))
    assert (verdict['iprev'], verdict['spf']) == ('pass', 'none')
    assert evidence(verdict['answer']) == ('pass', 'none')
    assert names.questions[-1].kind in ('TXT', 'AAAA')


@hostile_names
def test_hostile_helo_of_a_null_sender(gated, name):
    gated.start()
    verdict = gated.verdict(**mail(sender='', helo_name=name))
    assert (verdict['iprev'], verdict['spf']) == ('pass', 'none')
    assert evidence(verdict['answer']) == ('pass', 'none')


@hostile_names
def test_hostile_helo_in_a_macro(gated, names, name):
    names.add('macro.example TXT v=spf1 exists:%{h}.x.example exists:%{l}.y.example ip6:2001:db8::/64 -all')
    gated.start()
    local = b'"a b\\"' + (name if isinstance(name, bytes) else name.encode()) + b'"'
    verdict = gated.verdict(**mail(sender=local + b'@macro.example', helo_name=name))
    assert (verdict['iprev'], verdict['spf']) == ('pass', 'pass')


@hostile_names
def test_hostile_client_name(gated, name):
    # Only a broken resolver of the mail host could bring it there.
    gated.start()
    assert gated.ask(**mail(client_name=name)).startswith('PREPEND ')


WIRE_NAMES = {
    'backslash and dot within labels': [b'a\\b', b'c.d', b'example'],
    'every byte': [bytes(range(0, 60)), bytes(range(128, 190)), b'example'],
    'NUL': [b'a\x00b', b'example'],
    'the root': [],
    'longest': [b'a' * 63, b'b' * 63, b'c' * 63, b'd' * 61],
    '127 labels': [b'a'] * 127,
    'new line': [b'a\r\nX-Header: b', b'example'],
}


@pytest.mark.parametrize('labels', WIRE_NAMES.values(), ids=WIRE_NAMES.keys())
def test_hostile_name_of_a_host(gated, names, labels):
    address = '2001:db8::2'
    names.zone.add_wire(address, 'PTR', labels)
    gated.start()
    assert gated.ask(**mail(client_address=address)).startswith('550 5.7.25 ')


def test_host_of_hostile_names_and_a_good_one(gated, names):
    address = '2001:db8::2'
    for labels in WIRE_NAMES.values():
        names.zone.add_wire(address, 'PTR', labels)
    names.add(f'{address} PTR good.sender.example\ngood.sender.example AAAA {address}')
    gated.start()
    assert evidence(gated.ask(**mail(client_address=address))) == ('pass', 'pass')


@pytest.mark.parametrize('labels', WIRE_NAMES.values(), ids=WIRE_NAMES.keys())
def test_hostile_name_of_a_mail_exchanger(gated, names, labels):
    names.zone.add_wire('mx.example', 'MX', labels, prefix=b'\x00\x0a')
    names.add('mx.example TXT v=spf1 mx ip6:2001:db8::/64 -all')
    gated.start()
    assert evidence(gated.ask(**named_mail(sender='x@mx.example'))) == ('pass', 'pass')


@pytest.mark.parametrize('text', [b'v=spf1 \x00 all', b'v=spf1 ' + bytes(range(1, 256)) + b' +all',
                                  b'v=spf1 include:\xff\xff.example +all', b'v=spf1 a:\\000.example +all',
                                  b'v=spf1 +all' + b' ' * 60000 + b'!', b'v=spf1 exp=' + b'%{d}' * 127 + b'0123456789',
                                  b'v=spf1 x=' + b'y' * 4000, b'v=spf1 redirect=' + b'%{d}' * 200,
                                  b'v=spf1 exists:' + b'%{d}' * 127 + b'0123456789' * 400 + b' -all'],
                         ids=['NUL', 'every byte', 'name of bytes', 'escape', 'much space', 'long explanation',
                              'long modifier', 'name that grows', 'long macro'])
def test_hostile_record(gated, names, text):
    names.zone.add_record('hostile.example', 'TXT', text)
    names.zone.add_record('explanation.example', 'TXT', text)
    names.add('exp.example TXT v=spf1 -all exp=explanation.example')
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@hostile.example')))[1] in (
        'permerror', 'fail', 'neutral', 'pass')
    assert evidence(gated.ask(**mail(sender='x@exp.example')))[1] == 'fail'
    assert names.asked('explanation.example') == []


def test_spf_bomb_of_includes_ends_soon(gated, names):
    # Ten includes of ten includes of ...: a billion lookups for who counts them per record.
    for depth in range(10):
        names.zone.add_record(f'{depth}.bomb.example', 'TXT', 'v=spf1 ' + ' '.join(
            f'include:{depth + 1}.bomb.example' for _ in range(10)) + ' -all')
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@0.bomb.example'))) == ('pass', 'permerror')
    assert len(names.asked(kind='TXT')) <= 12


@pytest.mark.parametrize('record', ['v=spf1 include:loop.example -all', 'v=spf1 redirect=loop.example',
                                    'v=spf1 redirect=%{d}%{d}%{d}.example'])
def test_spf_loop_ends(gated, names, record):
    names.zone.add_record('loop.example', 'TXT', record)
    names.zone.add_record('loop.exampleloop.exampleloop.example.example', 'TXT', record)
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@loop.example'))) == ('pass', 'permerror')


def test_limits_of_spf_can_be_set(gated, names):
    names.add('''
many.example   TXT v=spf1 a:a.m.example a:b.m.example a:c.m.example ip6:2001:db8::/64 -all
''')
    gated.configure(gate_profile='observe')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@many.example')))[1] == 'permerror', 'three void lookups'
    gated.configure(gate_profile='observe', spf_max_void_lookups=3)
    gated.reload()
    assert evidence(gated.ask(**mail(sender='x@many.example')))[1] == 'pass'
    gated.configure(gate_profile='observe', spf_max_void_lookups=3, spf_max_lookups=2)
    gated.reload()
    assert evidence(gated.ask(**mail(sender='x@many.example')))[1] == 'permerror', 'three lookups'


def test_long_records_are_read_to_their_end(gated, names):
    for count, kind, other in ((200, 'ip4', '192.0.2.{}'), (40, 'ip6', '2001:db8:1:1:1:1:1:{:x}')):
        terms = ' '.join(f'{kind}:{other.format(number)}' for number in range(count))
        names.zone.add_record(f'{kind}-last.example', 'TXT', f'v=spf1 {terms} ip6:2001:db8::/64 -all')
        names.zone.add_record(f'{kind}-none.example', 'TXT', f'v=spf1 {terms} -all')
    gated.configure(gate_profile='observe')
    gated.start()
    for kind in ('ip4', 'ip6'):
        assert evidence(gated.ask(**mail(sender=f'x@{kind}-last.example')))[1] == 'pass'
        assert evidence(gated.ask(**mail(sender=f'x@{kind}-none.example')))[1] == 'fail'


def test_ten_includes_of_long_names(gated, names):
    label = 'l' * 60
    names.zone.add_record('wide.example', 'TXT', 'v=spf1 ' + ' '.join(
        f'include:{label}.i{number}.example' for number in range(10)) + ' -all')
    for number in range(9):
        names.zone.add_record(f'{label}.i{number}.example', 'TXT', 'v=spf1 ip6:2001:db8:1::/64 -all')
    names.zone.add_record(f'{label}.i9.example', 'TXT', 'v=spf1 ip6:2001:db8::/64 -all')
    gated.start()
    assert evidence(gated.ask(**mail(sender='x@wide.example'))) == ('pass', 'pass')


@pytest.mark.parametrize('macro, name', [
    ('%{d2}', 'macro.example'), ('%{d1}', 'example'), ('%{d9}', 'macro.example'), ('%{dr}', 'example.macro'),
    ('%{l-}', 'first.second/third,fourth'), ('%{lr/}', 'third,fourth.first-second'),
    ('%{l,/}', 'first-second.third.fourth'), ('%{i}', '.'.join('20010db8000000000000000000000001')),
    ('%{v}', 'ip6'), ('%{h}', 'mail.sender.example'),
])
def test_macros_are_expanded_rightly(gated, names, macro, name):
    names.zone.add_record('macro.example', 'TXT', f'v=spf1 exists:{macro}.m.example -all')
    names.zone.add_record(f'{name}.m.example', 'A', '127.0.0.2')
    gated.start()
    assert evidence(gated.ask(**mail(sender='first-second/third,fourth@macro.example'))) == ('pass', 'pass')
