# SPDX-License-Identifier: BSD-2-Clause
"""How a name server answers: well, late, wrongly, or not at all.

A behaviour is a function that takes a query (name_server.Query), and sends what it wants to.
"""

import threading

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rrset

from poll import wait_until


def answer(query):
    """Answer at once, with what the zone says; over UDP truncated when it is too long."""
    query.send(query.answer())


def never(query):
    """Not a word."""


def delayed(seconds, then=answer):
    """Answer when as much time has passed: for load, where waiting costs nothing."""
    return lambda query: query.later(seconds, then)


def fails(rcode):
    """Answer with this rcode, by name ("SERVFAIL") or number, and no record."""
    number = dns.rcode.from_text(rcode) if isinstance(rcode, str) else rcode
    return lambda query: query.send(query.answer(rcode=number, records=[]))


def formerr_to_edns(query):
    """As servers do that were written before EDNS."""
    if query.message.edns >= 0:
        return query.send(query.answer(rcode=dns.rcode.FORMERR, records=[], edns=False))
    return answer(query)


def truncated(query):
    """Nothing but "ask over TCP" over UDP."""
    if query.transport == 'udp':
        return query.send(query.truncated_answer())
    return answer(query)


def cnames_only(query):
    """NOERROR with the CNAMEs that there are, a loop too, and nothing that they lead to: as a server that is
    no resolver."""
    _, records = query.resolve()
    return query.send(query.answer(rcode=dns.rcode.NOERROR, records=records))


def wrong_id(query, then=never):
    """An answer to another query; with then=answer, the right one follows."""
    wrong = query.answer()
    wrong.id ^= 0x5555
    query.send(wrong)
    then(query)


def wrong_question(query, then=never):
    """The right id, and the answer to another question."""
    wrong = query.answer()
    wrong.question = [dns.rrset.RRset(dns.name.from_text('wrong.example.'), dns.rdataclass.IN, query.kind)]
    query.send(wrong)
    then(query)


def garbage(query, then=never):
    """The right id in front of bytes that are no message, and less than a header."""
    wire = query.answer().to_wire()
    query.send(wire[:2] + b'\x81\x80' + b'\xff' * 40)
    query.send(wire[:7])
    query.send(b'')
    then(query)


def cut_off(query, then=never):
    """A message that ends in the middle of its records."""
    wire = query.answer().to_wire()
    query.send(wire[:-5])
    then(query)


def followed_by_answer(behaviour):
    """A wrong message first, then the right one."""
    return lambda query: behaviour(query, then=answer)


class Hold:
    """Answers wait until release(); those that come later do not."""

    def __init__(self, then=answer):
        self._then = then
        self._lock = threading.Lock()
        self._waiting = []
        self._is_released = False
        self.count = 0

    def __call__(self, query):
        with self._lock:
            self.count += 1
            if not self._is_released:
                self._waiting.append(query)
                return
        self._then(query)

    def wait_for_question(self, count=1):
        """Return when it was asked so often."""
        wait_until(f'{count} questions whose answers are held', lambda: self.count >= count)

    def release(self):
        with self._lock:
            self._is_released = True
            waiting, self._waiting = self._waiting, []
        for query in waiting:
            query.later(0, self._then)
