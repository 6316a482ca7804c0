# SPDX-License-Identifier: BSD-2-Clause
"""The other end of the policy protocol: requests as Postfix's smtpd sends them, answers read strictly."""

import fcntl
import itertools
import re
import select
import socket
import struct

from poll import PATIENCE_S, wait_until

# In the order of smtpd_check.c (Postfix 3.7).
ATTRIBUTES = {
    'request': 'smtpd_access_policy',
    'protocol_state': 'RCPT',
    'protocol_name': 'ESMTP',
    'client_address': '192.0.2.1',
    'client_name': 'mail.sender.example',
    'client_port': '45678',
    'reverse_client_name': 'mail.sender.example',
    'server_address': '198.51.100.25',
    'server_port': '25',
    'helo_name': 'mail.sender.example',
    'sender': 'someone@sender.example',
    'recipient': 'alice@here.example',
    'recipient_count': '0',
    'queue_id': '',
    'instance': '4d2.665f0a1b.3c5d1.0',
    'size': '1234',
    'etrn_domain': '',
    'stress': '',
    'sasl_method': '',
    'sasl_username': '',
    'sasl_sender': '',
    'ccert_subject': '',
    'ccert_issuer': '',
    'ccert_fingerprint': '',
    'ccert_pubkey_fingerprint': '',
    'encryption_protocol': 'TLSv1.3',
    'encryption_cipher': 'TLS_AES_256_GCM_SHA384',
    'encryption_keysize': '256',
    'policy_context': '',
}

PASS = 'DUNNO'
GREYLISTED = 'DEFER_IF_PERMIT 4.7.1 Greylisted, please try again later'
STORE_DEFERS = 'DEFER_IF_PERMIT 4.3.0 Service temporarily unavailable, please try again later'

# One line of UTF-8 without C0 and C1 controls; decoding tells whether it is UTF-8.
ANSWER = re.compile(r'action=([^\x00-\x1f\x7f-\x9f]+)\n\n')

SIOCOUTQ = 0x5411

_numbers = itertools.count(1)


def new_recipient():
    """A recipient that nobody has asked about, so that the triplet is new."""
    return f'user{next(_numbers)}@here.example'


def encode(pairs):
    """Pairs of name and value (text or bytes) as they go over the wire."""
    def as_bytes(text):
        return text if isinstance(text, bytes) else text.encode()
    return b''.join(as_bytes(name) + b'=' + as_bytes(value) + b'\n' for name, value in pairs) + b'\n'


def request(**attributes):
    """A whole request; attributes replace or add to what smtpd sends, None leaves one out."""
    values = {**ATTRIBUTES, **attributes}
    return encode((name, value) for name, value in values.items() if value is not None)


class ConnectionClosed(Exception):
    """The daemon closed the connection where an answer was expected."""


class Connection:
    """One connection to the policy socket.  As a context manager it ends by looking for stray bytes."""

    def __init__(self, address):
        """address: the path of a unix socket, or (host, port)."""
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout=PATIENCE_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(str(address))

    def ask(self, **attributes):
        """The action that is answered to a request."""
        self.send_request(**attributes)
        return self.read_answer()

    def send_request(self, **attributes):
        """Ask, and leave the answer for read_answer()."""
        self.send(request(**attributes))

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionClosed('while sending') from error

    def send_and_wait(self, data):
        """Send, and return when the daemon has taken it from the socket: so requests come in pieces."""
        self.send(data)
        wait_until('sixgated reads what was sent', self.is_taken)

    def is_taken(self):
        """Whether the daemon has read all that was sent."""
        left = fcntl.ioctl(self.socket, SIOCOUTQ, struct.pack('i', 0))
        return struct.unpack('i', left)[0] == 0

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read_answer(self):
        """The action of the one answer that is due; fails on any byte that does not belong to it."""
        return self.read_answers(1)[0]

    def read_answers(self, count):
        data = b''
        while data.count(b'\n\n') < count:
            got = self._receive()
            if not got:
                assert data == b'', f'the connection was closed within an answer: {data!r}'
                raise ConnectionClosed('before an answer')
            data += got
        text = data.decode()
        actions = ANSWER.findall(text)
        assert ''.join(f'action={action}\n\n' for action in actions) == text and len(actions) == count, \
            f'expected {count} answers and nothing else: {data!r}'
        return actions

    def read_to_end(self):
        """All bytes until the daemon closes the connection."""
        data = b''
        while got := self._receive():
            data += got
        return data

    def is_closed(self):
        """Whether the daemon has closed it; a byte that nobody asked for is an error."""
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        try:
            got = self.socket.recv(1, socket.MSG_PEEK)
        except ConnectionResetError:
            return True
        assert got == b'', f'a byte that was not asked for: {got!r}'
        return True

    def _receive(self):
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b''

    def close(self):
        self.socket.close()

    def finish(self):
        """Say that nothing more will be asked; whatever comes then was sent without need."""
        try:
            self.half_close()
        except OSError:
            pass  # the daemon was first
        stray = self.read_to_end()
        self.close()
        assert stray == b'', f'bytes behind the answer: {stray!r}'

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.socket.fileno() >= 0:
            self.finish()
        self.close()


class Postfix:
    """Asks as smtpd does: over one connection as long as it holds, and once more when it was stale."""

    def __init__(self, address, tries=2):
        self._address = address
        self._tries = tries
        self._connection = None
        self.reconnects = 0

    def ask(self, **attributes):
        for attempt in range(self._tries):
            try:
                if self._connection is None:
                    self._connection = Connection(self._address)
                return self._connection.ask(**attributes)
            except ConnectionClosed:
                self.close()
                self.reconnects += 1
        raise ConnectionClosed(f'{self._tries} times')

    def close(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None
