# SPDX-License-Identifier: BSD-2-Clause
"""The name server of the tests does what the tests rely on; asked here by dnspython, a client that is none of ours."""

import socket

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

import behaviour
from name_server import NameServer
from poll import PATIENCE_S
from zone import Zone

RECORDS = '''
mail.example.org          AAAA   2001:db8::1
mail.example.org          A      192.0.2.1
192.0.2.1                 PTR    mail.example.org    # an address is its reverse name
2001:db8::1        30     PTR    mail.example.org
example.org               MX     10 mail.example.org.
example.org               TXT    v=spf1 mx -all
strings.example.org       TXT    "two " "strings"
www.example.org           CNAME  web.example.org.
web.example.org           CNAME  mail.example.org.
dangling.example.org      CNAME  nowhere.example.org.
loop.example.org          CNAME  pool.example.org.
pool.example.org          CNAME  loop.example.org.
a.b.c.example.org         A      192.0.2.2
'''


@pytest.fixture
def server():
    with NameServer(RECORDS) as server:
        yield server


def query(name, kind, edns=1232):
    return dns.message.make_query(name, kind, use_edns=0 if edns else False, payload=edns)


def ask(server, name, kind, edns=1232, how=dns.query.udp, where='127.0.0.1', **options):
    return how(query(name, kind, edns), where, port=server.port, timeout=PATIENCE_S, **options)


def texts(response):
    return [rdata.to_text() for rrset in response.answer for rdata in rrset]


def client_of(server):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(PATIENCE_S)
    client.connect(('127.0.0.1', server.port))
    return client


@pytest.mark.parametrize('how', [dns.query.udp, dns.query.tcp])
@pytest.mark.parametrize('where', ['127.0.0.1', '::1'])
def test_records_are_answered_over_both_transports_and_families(server, how, where):
    response = ask(server, 'Mail.Example.org', 'AAAA', how=how, where=where)
    assert texts(response) == ['2001:db8::1']
    assert response.rcode() == dns.rcode.NOERROR
    assert response.answer[0].ttl == 60
    asked, = server.asked('mail.example.org', 'AAAA')
    assert (asked.transport, asked.family) == (how.__name__, 6 if ':' in where else 4)


@pytest.mark.parametrize('name, kind, answer', [
    ('1.2.0.192.in-addr.arpa', 'PTR', ['mail.example.org.']),
    ('example.org', 'MX', ['10 mail.example.org.']),
    ('example.org', 'TXT', ['"v=spf1 mx -all"']),
    ('strings.example.org', 'TXT', ['"two " "strings"']),
])
def test_types_of_records(server, name, kind, answer):
    assert texts(ask(server, name, kind)) == answer


def test_ttl_is_the_lines(server):
    assert ask(server, '1' + '.0' * 23 + '.8.b.d.0.1.0.0.2.ip6.arpa', 'PTR').answer[0].ttl == 30


@pytest.mark.parametrize('name, kind, rcode', [
    ('nobody.example.org', 'A', 'NXDOMAIN'),
    ('mail.example.org', 'TXT', 'NOERROR'),
    ('c.example.org', 'A', 'NOERROR'),  # there is something below it
    ('dangling.example.org', 'A', 'NXDOMAIN'),
])
def test_negative_answers_have_a_soa(server, name, kind, rcode):
    response = ask(server, name, kind)
    assert dns.rcode.to_text(response.rcode()) == rcode
    soa, = response.authority
    assert (soa.rdtype, soa.ttl, soa[0].minimum) == (dns.rdatatype.SOA, 60, 60)


def test_cnames_are_followed(server):
    assert texts(ask(server, 'www.example.org', 'A')) == ['web.example.org.', 'mail.example.org.', '192.0.2.1']


def test_cname_loop_is_servfail(server):
    assert ask(server, 'loop.example.org', 'A').rcode() == dns.rcode.SERVFAIL
    server.behave(behaviour.cnames_only, 'loop.example.org')
    response = ask(server, 'loop.example.org', 'A')
    assert (response.rcode(), texts(response)) == (dns.rcode.NOERROR, ['pool.example.org.', 'loop.example.org.'])


@pytest.mark.parametrize('rcode', ['SERVFAIL', 'REFUSED', 'NOTIMP', 6])
def test_rcodes(server, rcode):
    server.behave(behaviour.fails(rcode), 'example.org', 'TXT')
    response = ask(server, 'example.org', 'TXT')
    assert rcode in (response.rcode(), dns.rcode.to_text(response.rcode()))
    assert response.answer == []
    assert texts(ask(server, 'example.org', 'MX')) == ['10 mail.example.org.']


def test_otherwise_is_for_all_names_without_a_behaviour(server):
    server.otherwise = behaviour.fails('SERVFAIL')
    server.behave(behaviour.answer, 'example.org')
    assert ask(server, 'mail.example.org', 'A').rcode() == dns.rcode.SERVFAIL
    assert ask(server, 'example.org', 'MX').rcode() == dns.rcode.NOERROR


def test_formerr_to_edns(server):
    server.behave(behaviour.formerr_to_edns, 'example.org')
    assert ask(server, 'example.org', 'MX').rcode() == dns.rcode.FORMERR
    assert texts(ask(server, 'example.org', 'MX', edns=0)) == ['10 mail.example.org.']
    assert [question.edns_bytes for question in server.asked('example.org')] == [1232, 0]


def test_truncated_over_udp_and_whole_over_tcp(server):
    server.behave(behaviour.truncated, 'example.org')
    assert ask(server, 'example.org', 'MX').flags & dns.flags.TC
    response = ask(server, 'example.org', 'MX', how=dns.query.tcp)
    assert texts(response) == ['10 mail.example.org.'] and not response.flags & dns.flags.TC


@pytest.mark.parametrize('edns, size, is_truncated', [(0, 400, False), (0, 600, True), (1232, 600, False),
                                                      (1232, 1300, True)])
def test_answer_that_is_too_long_for_udp_is_truncated(server, edns, size, is_truncated):
    server.zone.add_record('long.example.org', 'TXT', 'x' * size)
    response = ask(server, 'long.example.org', 'TXT', edns=edns)
    assert bool(response.flags & dns.flags.TC) == is_truncated
    assert bool(response.answer) != is_truncated


def test_60_kilobytes_and_two_thousand_records_fit_tcp(server):
    server.zone.add_record('huge.example.org', 'TXT', 'x' * 60_000)
    for number in range(2000):
        server.zone.add_record('many.example.org', 'TXT', f'number {number}')
    huge, = ask(server, 'huge.example.org', 'TXT', how=dns.query.tcp).answer[0]
    assert sum(map(len, huge.strings)) == 60_000
    many = ask(server, 'many.example.org', 'TXT', how=dns.query.tcp).answer[0]
    assert [rdata.to_text() for rdata in many] == [f'"number {number}"' for number in range(2000)]


def test_text_may_have_any_bytes_and_no_string_at_all(server):
    server.zone.add_record('bytes.example.org', 'TXT', b'\x00\xff\\"')
    server.zone.add_record('none.example.org', 'TXT', [])
    assert ask(server, 'bytes.example.org', 'TXT').answer[0][0].strings == (b'\x00\xff\\"',)
    with client_of(server) as client:
        client.send(query('none.example.org', 'TXT').to_wire())
        assert b'\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x00' in client.recv(65535)  # TXT IN, TTL 60, no data


def test_never(server):
    server.behave(behaviour.never, 'example.org')
    with client_of(server) as client:
        client.send(query('example.org', 'MX').to_wire())
        client.send(query('mail.example.org', 'A').to_wire())
        assert texts(dns.message.from_wire(client.recv(65535))) == ['192.0.2.1']
    assert len(server.asked('example.org', 'MX')) == 1


@pytest.mark.parametrize('how', [behaviour.wrong_id, behaviour.wrong_question, behaviour.garbage, behaviour.cut_off],
                         ids=lambda how: how.__name__)
def test_wrong_messages_and_then_the_right_one(server, how):
    server.behave(behaviour.followed_by_answer(how), 'example.org')
    wanted = query('example.org', 'MX')
    with client_of(server) as client:
        client.send(wanted.to_wire())
        count = 1
        while not is_right(wanted, client.recv(65535)):
            count += 1
    assert count > 1


def is_right(wanted, wire):
    try:
        return wanted.is_response(dns.message.from_wire(wire))
    except dns.exception.DNSException:
        return False


def test_held_answer_waits_for_its_release(server):
    hold = server.hold('example.org', 'MX')
    with client_of(server) as client:
        client.send(query('example.org', 'MX').to_wire())
        hold.wait_for_question()
        client.send(query('mail.example.org', 'A').to_wire())
        first = dns.message.from_wire(client.recv(65535))
        hold.release()
        second = dns.message.from_wire(client.recv(65535))
    assert [texts(first), texts(second)] == [['192.0.2.1'], ['10 mail.example.org.']]
    assert texts(ask(server, 'example.org', 'MX')) == ['10 mail.example.org.']


def test_delayed_answer_comes(server):
    server.behave(behaviour.delayed(0.01), 'example.org')
    assert texts(ask(server, 'example.org', 'MX')) == ['10 mail.example.org.']


def test_several_questions_over_one_tcp_connection(server):
    with socket.create_connection(('127.0.0.1', server.port), PATIENCE_S) as client:
        for kind in ('MX', 'TXT'):
            dns.query.send_tcp(client, query('example.org', kind))
            response, _ = dns.query.receive_tcp(client)
            assert response.answer[0].rdtype == dns.rdatatype.from_text(kind)


def test_another_zone_replaces_all(server):
    server.behave(behaviour.never, 'example.org')
    ask(server, 'mail.example.org', 'A')
    server.replace(Zone('example.org AAAA 2001:db8::9', ttl=0, negative_ttl=0))
    assert server.asked() == []
    assert texts(ask(server, 'example.org', 'AAAA')) == ['2001:db8::9']
    assert ask(server, 'mail.example.org', 'A').authority[0][0].minimum == 0


def test_question_for_a_name_with_strange_bytes_is_answered(server):
    server.zone.add_record('a%b c.example.org', 'A', '192.0.2.3')
    assert texts(ask(server, r'A%b\032c.example.org', 'A')) == ['192.0.2.3']


def test_query_that_is_none_fails_the_test():
    server = NameServer()
    with client_of(server) as client:
        client.send(b'nonsense')
        ask(server, 'example.org', 'A')
    with pytest.raises(AssertionError, match='nonsense'):
        server.stop()
