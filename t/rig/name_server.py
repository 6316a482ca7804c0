# SPDX-License-Identifier: BSD-2-Clause
"""A name server for tests: it answers from a zone as a recursive resolver does, badly where it is told to, and
remembers what it was asked.

It listens on 127.0.0.1 and ::1 with one port for both and for UDP and TCP, on a thread of its own.
"""

import asyncio
import socket
import struct
import threading
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

import behaviour
from poll import PATIENCE_S, wait_until
from zone import Zone, name_of

# What may be sent without EDNS (RFC 1035 4.2.1), and what we offer ourselves.
PLAIN_UDP_BYTES = 512
EDNS_BYTES = 1232
MESSAGE_BYTES = 65535

# A thousand questions at once shall not be lost for want of room.
RECEIVE_BUFFER_BYTES = 4 << 20


class Question(NamedTuple):
    """One question as it was asked."""
    name: str        # lower case, without the last dot
    kind: str        # 'TXT' ...
    transport: str   # 'udp' or 'tcp'
    family: int      # 4 or 6
    edns_bytes: int  # what the client takes over UDP; 0: it does not speak EDNS


class Query:
    """A query that was received, and the way back."""

    def __init__(self, server, wire, transport, family, send):
        self.message = dns.message.from_wire(wire)
        self.transport = transport
        self._server = server
        self._send = send
        asked = self.message.question[0]
        self.name, self.kind = asked.name, asked.rdtype
        self.question = Question(
            self.name.canonicalize().to_text(omit_final_dot=True), dns.rdatatype.to_text(self.kind), transport,
            family, self.message.payload if self.message.edns >= 0 else 0)

    def resolve(self):
        return self._server.zone.resolve(self.name, self.kind)

    def answer(self, rcode=None, records=None, edns=True):
        """The answer that the zone gives, or one with this rcode and these record sets."""
        response = dns.message.make_response(self.message, recursion_available=True)
        found_rcode, found = self.resolve()
        response.set_rcode(found_rcode if rcode is None else rcode)
        response.answer = list(found if records is None else records)
        is_negative = not any(rrset.rdtype == self.kind for rrset in response.answer)
        if is_negative and response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            response.authority = [self._server.zone.soa(self.name)]
        if self.message.edns >= 0:
            response.use_edns(0 if edns else False, payload=EDNS_BYTES)
        return response

    def truncated_answer(self):
        response = self.answer(rcode=dns.rcode.NOERROR, records=[])
        response.authority = []
        response.flags |= dns.flags.TC
        return response

    def send(self, response):
        """Send a message, or bytes as they are."""
        if isinstance(response, bytes):
            return self._send(response)
        wire = self._render(response)
        if self.transport == 'udp' and len(wire) > max(PLAIN_UDP_BYTES, self.question.edns_bytes):
            wire = self._render(self.truncated_answer())
        return self._send(wire)

    @staticmethod
    def _render(response):
        # In the zone's order: a test shall go the same way each time.
        return response.to_wire(max_size=MESSAGE_BYTES, want_shuffle=False)

    def later(self, seconds, then):
        """Have then(self) run on the server's thread; may be called on any."""
        self._server.call_later(seconds, lambda: then(self))


class NameServer:
    """Listens from the beginning; stop() it."""

    def __init__(self, records='', ttl=60, negative_ttl=60, port=0):
        """port: one that is free; 0: any."""
        self.zone = Zone(records, ttl, negative_ttl)
        self.otherwise = behaviour.answer  # the behaviour where no other was set
        self.questions = []                # in the order in which they came
        self._behaviours = {}
        self._errors = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._on_exception)
        self.port = port
        self._listening = []
        self._writers = set()
        started = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, name='name server', daemon=True)
        self._thread.start()
        started.result(PATIENCE_S)

    # What it says

    def add(self, records):
        self.zone.add(records)

    def replace(self, zone):
        """Know what is in zone, behave well, and forget the questions."""
        self.zone = zone
        self._behaviours = {}
        self.questions = []

    def behave(self, how, name, kind=None):
        """Answer questions for this name, of this type or of any, in this way (see behaviour.py)."""
        self._behaviours[name_of(name), kind] = how

    def hold(self, name, kind=None, then=behaviour.answer):
        """Keep the answer back until the behaviour.Hold that is returned is told to release() it."""
        hold = behaviour.Hold(then)
        self.behave(hold, name, kind)
        return hold

    # What it heard

    def asked(self, name=None, kind=None):
        """The questions for this name and type; None is any."""
        name = name and name_of(name).to_text(omit_final_dot=True)
        return [question for question in list(self.questions)
                if name in (None, question.name) and kind in (None, question.kind)]

    def wait_for_question(self, name, kind=None, count=1):
        wait_until(f'{count} questions for {name} {kind or ""}', lambda: len(self.asked(name, kind)) >= count)

    def forget_questions(self):
        self.questions = []

    # Where it is

    @property
    def address(self):
        """As in the setting dns_servers."""
        return f'127.0.0.1:{self.port}'

    @property
    def address6(self):
        return f'[::1]:{self.port}'

    # Its thread

    def call_later(self, seconds, call):
        if seconds == 0:
            self._loop.call_soon_threadsafe(call)
        else:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)

    def stop(self):
        """End it; fails when something went wrong in it that no test saw."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
        assert self._errors == [], self._errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    async def _listen(self):
        for family, tcp, udp in _bind(self.port):
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda family=family, udp=udp: _Datagrams(self, family, udp), sock=udp)
            listener = await asyncio.start_server(
                lambda reader, writer, family=family: self._serve(reader, writer, family), sock=tcp)
            self._listening += [transport, listener]
            self.port = udp.getsockname()[1]

    async def _serve(self, reader, writer, family):
        self._writers.add(writer)

        def send(wire):
            if not writer.is_closing():
                writer.write(struct.pack('!H', len(wire)) + wire)
        try:
            while True:
                size = struct.unpack('!H', await reader.readexactly(2))[0]
                self.receive(await reader.readexactly(size), 'tcp', family, send)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has heard enough
        finally:
            self._writers.discard(writer)
            writer.close()

    def receive(self, wire, transport, family, send):
        try:
            query = Query(self, wire, transport, family, send)
        except (dns.exception.DNSException, IndexError) as error:
            self._errors.append(f'a query that is none, {error!r}: {wire!r}')
            return
        self.questions.append(query.question)
        self._behaviour(query)(query)

    def _behaviour(self, query):
        name = name_of(query.name)
        for key in ((name, query.question.kind), (name, None)):
            if key in self._behaviours:
                return self._behaviours[key]
        return self.otherwise

    def _on_exception(self, _, context):
        self._errors.append(repr(context.get('exception', context['message'])))

    async def _close(self):
        for each in (*self._listening, *self._writers):
            each.close()
        await asyncio.sleep(0)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server, family, udp):
        self._server = server
        self._family = family
        self._udp = udp

    def datagram_received(self, data, addr):
        def send(wire):
            if self._udp.fileno() >= 0:
                self._udp.sendto(wire, addr)  # asyncio's own sendto() sends no empty datagram
        self._server.receive(data, 'udp', self._family, send)


def _bind(wanted):
    """(4 or 6, TCP socket, UDP socket) for both families, all with one port that nobody else has."""
    while True:
        sockets = []
        try:
            port = wanted
            for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    sockets.append(socket.socket(family, kind))
                    sockets[-1].bind((host, port))
                    port = sockets[-1].getsockname()[1]
        except OSError:
            for each in sockets:
                each.close()
            if wanted:
                raise
            continue
        for udp in sockets[1::2]:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        return [(4, *sockets[:2]), (6, *sockets[2:])]
