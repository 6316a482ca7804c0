# SPDX-License-Identifier: BSD-2-Clause
"""The log: a line per verdict that scripts can take apart, whatever a client puts into a request."""

import re

import pytest

from policy import GREYLISTED, ConnectionClosed, new_recipient

FIELDS = ['action', 'reason', 'client_name', 'client_address', 'sender', 'recipient', 'key', 'iprev', 'spf', 'delay']

NASTY = {
    'another field': b'a@b.example, action=pass',
    'another field without a blank': b'a@b.example,action=pass',
    'blanks': b'a b  c@d.example',
    'a terminal escape': b'\x1b[2J\x1b[31m@b.example',
    'carriage return': b'a\rsixgated: action=pass@b.example',
    'every control byte': bytes(set(range(1, 32)) - {10}) + b'\x7f@b.example',
    'C1 controls': '\x80\x85\x9b31m@b.example'.encode(),
    'not UTF-8': b'\xff\xfe\xc3(\xed\xa0\x80@b.example',
    'percent signs': b'%s%n%s%n%x@b.example',
    'backslashes': b'\\x0a\\n\\@b.example',
    'long': b'x' * 9000 + b'@b.example',
    'long and made longer': b'\x01' * 9000 + b'@b.example',
}


def check_lines(log):
    assert log.endswith(b'\n')
    for line in log[:-1].split(b'\n'):
        text = line.decode()  # UTF-8, or this fails
        assert not re.search('[\x00-\x1f\x7f-\x9f]', text), repr(text)
        assert text.startswith('sixgated: '), repr(text)
        assert len(line) <= 4096 + 32


def test_verdict_line_has_the_fields_of_the_contract_in_order(daemon):
    daemon.start()
    daemon.verdict(client_address='2001:db8::1', client_name='mail.example', sender='A@B.example', recipient='c@d.example')
    line = re.search('^sixgated: action=greylist.*$', daemon.log(), re.MULTILINE)[0]
    assert line == ('sixgated: action=greylist, reason=new, client_name=mail.example, client_address=2001:db8::1, '
                    'sender=A@B.example, recipient=c@d.example, key=2001:db8::/64, '
                    'iprev=pass, spf=none, delay=0')


def test_null_sender_is_logged_with_its_helo_name_at_the_end(daemon):
    daemon.start()
    start = daemon.log_size()
    daemon.verdict(client_name='mail.example', sender='', helo_name='a\\b, action=pass', recipient=new_recipient())
    assert re.search(r', delay=0, helo_name=a\\x5cb\\x2c\\x20action=pass$', daemon.log()[start:], re.MULTILINE)
    start = daemon.log_size()
    daemon.verdict(client_name='mail.example', helo_name='mail.example', recipient=new_recipient())
    assert 'helo_name' not in daemon.log()[start:]


@pytest.mark.parametrize('what', NASTY)
def test_what_a_client_sends_stays_one_printable_field(daemon, what):
    nasty = NASTY[what]
    daemon.start()
    for name in ('sender', 'client_name', 'recipient'):
        start = daemon.log_size()
        fields = daemon.verdict(**{'recipient': new_recipient(), name: nasty})
        assert fields.pop('answer') == GREYLISTED
        assert list(fields) == FIELDS
        assert fields['action'] == 'greylist' and fields['reason'] == 'new'
        assert re.fullmatch(r'[^ ,]+', fields[name])
        assert [verdict['reason'] for verdict in daemon.verdicts(start)].count('new') == 1
    daemon.stop()
    check_lines(daemon.log_bytes())


@pytest.mark.parametrize('what', NASTY)
def test_broken_request_is_one_printable_line(daemon, what):
    daemon.start()
    start = daemon.log_size()
    with daemon.connect() as connection:
        try:
            connection.send(b'request=smtpd_access_policy\n' + NASTY[what].replace(b'=', b'') + b'\0\n\n' + b'x' * 20000)
        except ConnectionClosed:
            pass
        assert connection.read_to_end() == b''
    daemon.stop()
    log = daemon.log_bytes(start)
    check_lines(log)
    assert log.count(b'warning: policy request: ') == 1


def test_text_in_other_languages_is_left_as_it_is(daemon):
    daemon.start()
    assert daemon.verdict(sender='grüße@пример.example')['sender'] == 'grüße@пример.example'
