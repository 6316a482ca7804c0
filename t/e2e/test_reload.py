# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new settings without a moment in which mail is answered wrongly."""

import re
import socket
import threading
from contextlib import ExitStack

from daemon import (CONFIG, FARMS, POLICY_SOCKET, SENDER_ACCESS, UNJUDGED_ANSWER,
                    UNJUDGED_REQUEST)
from hosts import CROWD, GOOGLE_1, MAIL_V4
from poll import wait_until
from smtp_client import Session, ask, greylisted, rejected

SENDER = 'someone@sender.example'
ENEMY = 'enemy@sender.example'
ALICE = 'alice@here.example'
ABUSE = 'abuse@here.example'

RELOADS = 20


def text_number(number):
    return f'Greylisted ({number}), please try again later'


def test_sighup_takes_new_settings_into_use(daemon):
    daemon.start()
    assert ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE)
    daemon.configure(greylist_text='Later, please')
    daemon.reload()
    wait_until('the new text', lambda: ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE, 'Later, please'))


def test_sighup_reads_the_farms_again(daemon):
    daemon.start()
    assert ask(GOOGLE_1, SENDER, ALICE) == greylisted(ALICE)
    FARMS.write_text('google ptr:.google.example pass\n')
    daemon.reload()
    wait_until('the farm passes', lambda: ask(GOOGLE_1, SENDER, ALICE).code == 250)


def test_sighup_forgets_no_mail_that_waits(daemon):
    daemon.start(greylist_text=text_number(1))
    ask(MAIL_V4, SENDER, ALICE)
    daemon.configure(greylist_text=text_number(2), greylist_delay='1s')
    daemon.reload()
    wait_until('the mail passes', lambda: ask(MAIL_V4, SENDER, ALICE).code == 250)
    assert len(daemon.verdicts(reason='new')) == 1


def test_sighup_keeps_the_connections_of_smtpd(daemon):
    daemon.start()
    with socket.socket(socket.AF_UNIX) as smtpd:
        smtpd.settimeout(30)
        smtpd.connect(str(POLICY_SOCKET))
        daemon.configure(greylist_text='Later, please')
        daemon.reload()
        wait_until('the new text', lambda: ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE, 'Later, please'))
        smtpd.sendall(UNJUDGED_REQUEST)
        assert smtpd.makefile('rb').read(len(UNJUDGED_ANSWER)) == UNJUDGED_ANSWER


def test_sighup_with_a_wrong_setting_is_logged_and_changes_nothing(daemon):
    daemon.start(greylist_text=text_number(1))
    CONFIG.write_text(f'greylist_text = {text_number(2)}\n# the next line is wrong\ngreylist_delay = soon\n')
    daemon.reload()
    daemon.wait_for_log(re.escape(f'{CONFIG}:3:') + '.*greylist_delay')
    assert ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE, text_number(1))


class Customer(threading.Thread):
    """A mail host that sends, without a pause, what passes, what is greylisted and what is rejected."""

    def __init__(self, host, enough):
        super().__init__(name=host.helo)
        self._host = host
        self._enough = enough
        self.texts = set()
        self.unexpected = []
        self.sessions = 0

    def run(self):
        while not self._enough.is_set():
            try:
                self._send()
            except (OSError, AssertionError) as error:
                self.unexpected.append(repr(error))

    def _send(self):
        with Session(self._host) as session:
            session.sender(SENDER)
            self._expect(session.recipient(ABUSE), 250)
            self.texts.add(self._expect(session.recipient(ALICE), 450).text)
            self._expect(session.message()[0], 250)
            session.sender(ENEMY)
            self._expect(session.recipient(ALICE), 554)
        self.sessions += 1

    def _expect(self, reply, code):
        if reply.code != code:
            self.unexpected.append(reply)
        return reply


def test_sighup_under_load_gives_no_client_a_wrong_answer(daemon):
    SENDER_ACCESS.write_text(f'{ENEMY} REJECT Not wanted here\n')
    daemon.start(greylist_text=text_number(0))
    enough = threading.Event()
    customers = [Customer(host, enough) for host in CROWD]

    def seen(number):
        text = greylisted(ALICE, text_number(number)).text
        return all(text in customer.texts or customer.unexpected for customer in customers)

    with ExitStack() as at_end:
        for customer in customers:
            customer.start()
            at_end.callback(customer.join)
        at_end.callback(enough.set)
        wait_until('every client has sent', lambda: seen(0))
        for number in range(1, RELOADS + 1):
            daemon.configure(greylist_text=text_number(number))
            daemon.reload()
            wait_until(f'every client has seen text {number}', lambda: seen(number))
        # Signals that come faster than settings can be read.
        for _ in range(RELOADS):
            sessions = sum(customer.sessions for customer in customers)
            daemon.reload()
            wait_until('a client has sent', lambda: sum(customer.sessions for customer in customers) > sessions)

    assert [answer for customer in customers for answer in customer.unexpected] == []
    expected = {greylisted(ALICE, text_number(number)).text for number in range(RELOADS + 1)}
    assert set().union(*(customer.texts for customer in customers)) == expected
    assert ask(MAIL_V4, ENEMY, ALICE) == rejected(ALICE, 'Not wanted here')
