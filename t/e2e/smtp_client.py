# SPDX-License-Identifier: BSD-2-Clause
"""The SMTP clients: each speaks from its host's own address."""

import itertools
import smtplib
import ssl
from typing import NamedTuple

from hosts import MX
from poll import wait_until

SMTP_TIMEOUT_S = 60
_message_numbers = itertools.count(1)


class Reply(NamedTuple):
    code: int
    text: str


def greylisted(recipient, text='Greylisted, please try again later'):
    """What Postfix tells the client whose mail is greylisted."""
    return Reply(450, f'4.7.1 <{recipient}>: Recipient address rejected: {text}')


def rejected(recipient, text):
    """What Postfix tells the client whose mail is refused for good."""
    return Reply(554, f'5.7.1 <{recipient}>: Recipient address rejected: {text}')


def is_refused(reply, code, status, recipient, *words):
    """Whether it is a refusal with these codes, in a text with these words in it; fails, showing it, when not."""
    beginning = f'{status} <{recipient}>: Recipient address rejected: '
    assert reply.code == code and reply.text.startswith(beginning), reply
    for word in words:
        assert word in reply.text, f'the sender is not told {word}: {reply.text}'
    return True


class Session:
    """One SMTP session from host; `with Session(host) as session:` says QUIT at the end."""

    def __init__(self, host, helo=None):
        self._smtp = smtplib.SMTP(MX[host.family].address, 25, local_hostname=helo or host.helo,
                                  timeout=SMTP_TIMEOUT_S, source_address=(host.address, 0))
        self._smtp.ehlo()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._smtp.close() if self._smtp.sock is None else self._smtp.quit()

    def command(self, line):
        return self._reply(*self._smtp.docmd(line))

    def start_tls(self, certificate):
        """STARTTLS with this client certificate, and EHLO again."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(certificate)
        reply = self._reply(*self._smtp.starttls(context=context))
        assert reply.code == 220, reply
        self._smtp.ehlo()

    def sender(self, address):
        """MAIL FROM; '' is the null sender."""
        return self._reply(*self._smtp.mail(address))

    def recipient(self, address):
        return self._reply(*self._smtp.rcpt(address))

    def message(self):
        """DATA.  Returns the reply, and the token by which the message can be found when it is delivered."""
        token = f'token-{next(_message_numbers)}-end'
        return self._reply(*self._smtp.data(f'Subject: {token}\n\nHello.\n')), token

    @staticmethod
    def _reply(code, text):
        return Reply(code, text.decode())


def ask(host, sender, recipient, helo=None):
    """The reply to RCPT; no message is sent."""
    with Session(host, helo) as session:
        session.sender(sender)
        return session.recipient(recipient)


def deliver(host, sender, recipient, helo=None):
    """Send a message.  Returns the reply to RCPT, and the token of the message if it was accepted."""
    with Session(host, helo) as session:
        session.sender(sender)
        reply = session.recipient(recipient)
        if reply.code != 250:
            return reply, None
        accepted, token = session.message()
        assert accepted.code == 250, accepted
        return reply, token


def deliver_with_patience(host, sender, recipient):
    """Try until the message is accepted, as a mail host does with mail that is greylisted.  Returns its token.

    Every reply before that must be the one that asks to try again.
    """
    def attempt():
        reply, token = deliver(host, sender, recipient)
        assert token or reply == greylisted(recipient), reply
        return token

    return wait_until(f'{host.address} may send from {sender} to {recipient}', attempt)
