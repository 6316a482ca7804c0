# SPDX-License-Identifier: BSD-2-Clause
"""A mail server that nobody has seen before, and that tries again as mail servers do."""

import itertools
import time

from policy import GREYLISTED, PASS, Connection
from poll import wait_until

LATE_S = 5  # behind greylist_delay: the processors are shared with what is measured
EARLY_S = 1  # the store counts whole seconds

_numbers = itertools.count(1)


class HonestClient:
    """It asks the server at path, from an address, a sender and about a recipient of its own."""

    def __init__(self, path):
        self._path = path
        number = next(_numbers)
        self.address = f'198.{18 + number // 65536 % 2}.{number // 256 % 256}.{number % 256}'
        self.sender = f'honest@client-{"abcdefghij"[number % 10]}{number}.bench.example'
        self.recipient = 'alice@here.example'

    def ask(self):
        with Connection(self._path) as connection:
            return connection.ask(client_address=self.address, client_name='unknown', sender=self.sender,
                                  recipient=self.recipient)

    def is_greylisted(self):
        return self.ask() == GREYLISTED

    def passes(self):
        return self.ask().split()[0] in (PASS, 'PREPEND')

    def try_as_usual(self, delay_s):
        """Be deferred, and deferred again at once, and pass when delay_s is over.  What went otherwise, or None."""
        began_s = time.monotonic()
        for what in ('new', 'early'):
            answer = self.ask()
            if answer != GREYLISTED:
                return f'{what} mail of {self.address} was answered "{answer}"'
        try:
            wait_until('honest mail passes', self.passes, delay_s + LATE_S)
        except AssertionError:
            return f'mail of {self.address} does not pass {LATE_S} s after greylist_delay'
        waited_s = time.monotonic() - began_s
        if waited_s < delay_s - EARLY_S:
            return f'mail of {self.address} passed after {waited_s:.1f} s, before greylist_delay'
        return None
