# SPDX-License-Identifier: BSD-2-Clause
"""The lines that outbound prints, tried in the real Postfix: mail to the domains in them goes out over IPv4, all
other mail over IPv6 as before."""

import itertools
import json
import smtplib
import socket
import socketserver
import subprocess
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from daemon import PROGRAM
from hosts import EXCHANGERS, MX, NAMELESS
from mailhost import CONFIG, DOMAIN, QUEUE
from poll import wait_until

CTL = Path(PROGRAM).parent / 'sixgatectl'
SENDER = f'alice@{DOMAIN}'

# Not 25, where Postfix itself listens on all addresses, and where it would take the sinks for itself.
SINK_PORT = 2525

# Outgoing mail in a Postfix whose IPv6 address has no name.  By default it takes an MX's families in turn.
OUTGOING = f'''
default_transport = smtp
smtp_tcp_port = {SINK_PORT}
smtp_address_preference = ipv6
smtp_bind_address = {MX[4].address}
smtp_bind_address6 = {NAMELESS.address}
'''

_numbers = itertools.count(1)


class Session(socketserver.StreamRequestHandler):
    """Takes every message, and notes from where and for whom it came."""

    def handle(self):
        recipients = []
        self.reply('220 sink')
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b'RCPT TO:'):
                recipients.append(line.decode().split('<')[1].split('>')[0])
            elif verb == b'DATA':
                self.reply('354 go on')
                while self.rfile.readline() not in (b'.\r\n', b''):
                    pass
                client = ip_address(self.client_address[0])
                self.server.taken.update((recipient, client) for recipient in recipients)
            self.reply('221 bye' if verb == b'QUIT' else '250 ok')
            if verb == b'QUIT':
                return

    def reply(self, text):
        self.wfile.write(f'{text}\r\n'.encode())


class Sink(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host, taken):
        self.address_family = socket.AF_INET6 if host.family == 6 else socket.AF_INET
        self.taken = taken
        super().__init__((host.address, SINK_PORT), Session)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05})
        self._thread.start()

    def stop(self):
        self.shutdown()
        self._thread.join()
        self.server_close()


@pytest.fixture
def taken(mailhost):
    """The client's address by recipient, of the messages that the sinks took."""
    taken = {}
    sinks = [Sink(host, taken) for pair in EXCHANGERS.values() for host in pair]
    yield taken
    for sink in sinks:
        sink.stop()


@pytest.fixture
def outgoing(mailhost):
    """Postfix sends mail to other hosts; at the end it is as it was."""
    before = {name: (CONFIG / name).read_text() for name in ('main.cf', 'master.cf')}
    # The last of equal settings counts, but Postfix warns of the others.
    kept = [line for line in before['main.cf'].splitlines() if not line.startswith('default_transport')]
    (CONFIG / 'main.cf').write_text('\n'.join(kept) + OUTGOING)
    postfix('reload')
    yield mailhost
    for name, text in before.items():
        (CONFIG / name).write_text(text)
    (CONFIG / 'transport_ipv4').unlink(missing_ok=True)
    postfix('reload')


def postfix(*command):
    subprocess.run(['postfix', *command], check=True, timeout=60)


def outbound(*arguments, status=1):
    done = subprocess.run([CTL, *arguments, 'outbound'], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == '' and status in (done.returncode, None), (done.stdout, done.stderr)
    return done.stdout


def printed_lines(mailhost):
    """The lines for Postfix, which people see as they are."""
    report = json.loads(outbound('--json'))
    assert [each['address'] for each in report['addresses']] == [NAMELESS.address, MX[4].address]
    shown = outbound().splitlines()
    for name in 'transport', 'main_cf', 'master_cf', 'commands':
        lines = report['postfix'][name]
        assert lines and any(shown[i:i + len(lines)] == lines for i in range(len(shown))), name
    return report['postfix']


def append(path, lines):
    with path.open('a') as file:
        file.writelines(f'{line}\n' for line in lines)


def install(lines):
    append(Path(lines['transport_file']), lines['transport'])
    append(CONFIG / 'main.cf', lines['main_cf'])
    append(CONFIG / 'master.cf', lines['master_cf'])
    for command in lines['commands']:
        subprocess.run(command.split(), check=True, timeout=60)


def send(taken, domain):
    """Have Postfix send a message there; the family over which it came."""
    recipient = f'someone-{next(_numbers)}@{domain}'
    with smtplib.SMTP('127.0.0.1', timeout=60) as smtp:
        smtp.sendmail(SENDER, [recipient], 'Subject: out\r\n\r\nHello.\r\n')
    return wait_until(f'the message to {recipient} has come', lambda: taken.get(recipient)).version


@pytest.mark.parametrize('chroot', ['y', 'n'])
def test_mail_to_the_domains_goes_over_ipv4_all_other_over_ipv6(outgoing, taken, chroot):
    master = (CONFIG / 'master.cf').read_text()
    debian = 'smtp      unix  -       -       y       -       -       smtp\n'
    assert debian in master
    (CONFIG / 'master.cf').write_text(master.replace(debian, debian.replace(' y ', f' {chroot} ')))
    postfix('reload')
    assert [send(taken, domain) for domain in EXCHANGERS] == [6, 6], 'without the lines'
    install(printed_lines(outgoing))
    for _ in range(3):
        assert send(taken, 'gmail.com') == 4
        assert send(taken, 'other.example') == 6
    roots = outgoing.roots('smtp')
    assert len(roots) >= 2 and set(roots) == {str(QUEUE) if chroot == 'y' else '/'}
    postfix('check')


def test_transport_maps_that_are_there_go_on_to_count(outgoing, taken):
    (CONFIG / 'transport').write_text('away.example error:no such place\nother.example smtp:[mx.gmail.com]\n')
    append(CONFIG / 'main.cf', ['transport_maps = texthash:$config_directory/transport'])
    postfix('reload')
    lines = printed_lines(outgoing)
    assert lines['main_cf'] == [
        f'transport_maps = texthash:$config_directory/transport, texthash:{CONFIG}/transport_ipv4']
    # In place of the line that is there, as an admin would.
    main = (CONFIG / 'main.cf').read_text().splitlines()
    (CONFIG / 'main.cf').write_text('\n'.join(line for line in main if not line.startswith('transport_maps')) + '\n')
    install(lines)
    assert send(taken, 'gmail.com') == 4
    assert send(taken, 'other.example') == 6
    (CONFIG / 'transport').unlink()


def test_addresses_of_the_interfaces(mailhost):
    def checked():
        return [each['address'] for each in json.loads(outbound('--json', status=None))['addresses']]
    added = {'2001:db8:ee::1': [], '2001:db8:ee::2': ['preferred_lft', '0'], 'fd00:ee::1': []}
    for address, options in added.items():
        subprocess.run(['ip', 'address', 'add', f'{address}/128', 'dev', 'lo', *options, 'nodad'], check=True)
    addresses = checked()
    for address in added:
        subprocess.run(['ip', 'address', 'del', f'{address}/128', 'dev', 'lo'], check=True)
    assert {MX[4].address, MX[6].address, '2001:db8:ee::1'} <= set(addresses)
    assert not {'2001:db8:ee::2', 'fd00:ee::1', '127.0.0.1', '::1'} & set(addresses)
    assert '2001:db8:ee::1' not in checked()


def test_lines_that_are_there_are_not_printed_again(outgoing, taken):
    install(printed_lines(outgoing))
    again = json.loads(outbound('--json'))['postfix']
    assert (again['main_cf'], again['master_cf']) == ([], [])
