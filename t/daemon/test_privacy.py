# SPDX-License-Identifier: BSD-2-Clause
"""privacy = yes: no address, neither of mail nor of hosts, is kept or logged."""

import re
import stat

import pytest

from policy import GREYLISTED, request
from poll import wait_until

SECRETS = {
    'sender': 'secretsender@secretdomain.example',
    'recipient': 'secretrecipient@secrethere.example',
    'client_address': '2001:db8:5ec:4e7::1',
    'client_name': 'secrethost.example',
}
WORDS = [b'secret', b'5ec:4e7', b'\x20\x01\x0d\xb8\x05\xec\x04\xe7']


@pytest.fixture
def private_daemon(daemon):
    daemon.configure(privacy='yes')
    daemon.start()
    return daemon


def places(daemon):
    """Everything that the daemon writes."""
    return [path for path in daemon.folder.iterdir() if path.name.startswith(('sixgate.db', 'log'))]


def assert_no_secret(daemon):
    for path in places(daemon):
        data = path.read_bytes().lower()
        assert [word for word in WORDS if word in data] == [], path.name


def test_neither_database_nor_log_know_an_address(private_daemon):
    private_daemon.farms.write_text('google ptr:.google.com\n')
    private_daemon.reload()
    assert private_daemon.reason(**SECRETS) == 'new'
    assert private_daemon.reason(**SECRETS).startswith('early-retry')
    assert private_daemon.reason(**{**SECRETS, 'client_name': 'secret.google.com'}).startswith('early-retry')
    assert {'sixgate.db', 'sixgate.db-wal', 'log'} <= {path.name for path in places(private_daemon)}
    assert_no_secret(private_daemon)
    private_daemon.stop()
    assert_no_secret(private_daemon)


def test_names_that_dns_knows_are_kept_and_logged_by_nobody(gated, names):
    names.add("""
2001:db8:5ec:4e7::1    PTR   secrethost.example
secrethost.example     AAAA  2001:db8:5ec:4e7::1
secretdomain.example   TXT   v=spf1 ip6:2001:db8:5ec:4e7::/64 -all
secretfail.example     TXT   v=spf1 -all
""")
    gated.configure(privacy='yes', greylist='enforce', gate_families='ipv6 ipv4')
    gated.start()
    unnamed = {**SECRETS, 'client_name': 'unknown', 'reverse_client_name': 'secrethost.example'}
    verdict = gated.verdict(**unnamed)
    assert (verdict['reason'], verdict['spf']) == ('new', 'pass')
    assert verdict['key'].startswith('h:')
    assert gated.reason(**{**unnamed, 'sender': 'secret@secretfail.example'}) == 'gate (spf fail)'
    assert gated.reason(**{**unnamed, 'client_address': '192.0.2.1'}) == 'gate (iprev permerror)'
    gated.stop()
    assert_no_secret(gated)


def test_known_client_of_a_farm_is_not_named_either(daemon):
    daemon.farms.write_text('google ptr:.google.com\n')
    daemon.configure(privacy='yes', greylist_delay='1s', greylist_known_after=1)
    daemon.start()
    host = {**SECRETS, 'client_name': 'secret.google.com'}
    wait_until('the triplet has passed', lambda: daemon.reason(**host) == 'triplet found')
    assert daemon.reason(**{**host, 'recipient': 'secret.other@secret.example'}) == 'greylist_known_after'
    daemon.stop()
    assert_no_secret(daemon)


def test_hashes_are_the_same_each_time_and_different_for_others(private_daemon):
    first, second = private_daemon.verdict(**SECRETS), private_daemon.verdict(**SECRETS)
    other = private_daemon.verdict(**{**SECRETS, 'sender': 'another@secretdomain.example'})
    for name in SECRETS:
        assert re.fullmatch('h:[0-9a-f]+', first[name])
        assert first[name] == second[name]
    assert other['sender'] != first['sender']


def test_empty_fields_stay_empty(private_daemon):
    assert private_daemon.verdict(sender='')['sender'] == ''


def test_broken_request_is_logged_without_its_addresses(private_daemon):
    for broken in (request(**SECRETS)[:-1] + b'nonsense\n\n', request(**{**SECRETS, 'request': 'x'}),
                   b'client_address=2001:db8:5ec:4e7::1\nsender=secret@secret.example\n' + b'x' * 20000):
        with private_daemon.connect() as connection:
            connection.send(broken)
            assert connection.read_to_end() == b''
    private_daemon.stop()
    assert_no_secret(private_daemon)


def test_key_is_for_the_daemon_alone_and_lasts(private_daemon):
    key = private_daemon.folder / 'privacy.key'
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert re.fullmatch(r'[0-9a-f]{64}\n', key.read_text())
    before = private_daemon.verdict(**SECRETS)
    text = key.read_text()
    private_daemon.stop()
    private_daemon.start()
    assert key.read_text() == text
    after = private_daemon.verdict(**SECRETS)
    assert after['reason'].startswith('early-retry') and after['sender'] == before['sender']
    assert after['answer'] == GREYLISTED
