# SPDX-License-Identifier: BSD-2-Clause
"""DNS for tools/show.py: a name server on the loopback that knows a few names and no others, so that the
show is the same on every machine, with and without a network."""

import ipaddress
import socket
import struct
import threading

PTR, TXT, AAAA = 12, 16, 28
FLAGS_ANSWER, FLAGS_NO_NAME = 0x8180, 0x8183
TTL_S = 300


def pack_name(name):
    labels = name.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def pack_data(kind, value):
    if kind == PTR:
        return pack_name(value)
    if kind == TXT:
        return bytes([len(value)]) + value.encode()
    return ipaddress.IPv6Address(value).packed


def parse_question(packet):
    """Name, type, and the bytes of the question in a query."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from("!H", packet, at + 1)[0], packet[12:at + 5]


class NameServer:
    """records: {(name, type): value}"""

    def __init__(self, records):
        self._records = records
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            packet, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(packet), client)

    def _answer(self, packet):
        name, kind, question = parse_question(packet)
        value = self._records.get((name, kind))
        header = struct.pack("!2s5H", packet[:2], FLAGS_NO_NAME if value is None else FLAGS_ANSWER, 1,
                             0 if value is None else 1, 0, 0)
        if value is None:
            return header + question
        data = pack_data(kind, value)
        return header + question + struct.pack("!3HIH", 0xC00C, kind, 1, TTL_S, len(data)) + data
