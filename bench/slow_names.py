# SPDX-License-Identifier: BSD-2-Clause
"""A name server for measurements: it answers as many questions as a daemon can ask, each after the same delay.

t/rig/name_server.py can do much more, but one question costs it as much time as fifty cost this one, and then it
would be the name server that is measured.  Every name has one TXT record, which text_of(labels) tells; nothing is
known of other types.
"""

import collections
import multiprocessing
import select
import socket
import struct
import time

TXT = 16
NAME_POINTER = b'\xc0\x0c'  # the name in the question
HEADER_SIZE = 12
TTL_S = 3600
RECEIVE_BUFFER_BYTES = 16 << 20
BATCH = 200


def labels_of(query):
    """The labels of the one question in query, and where it ends."""
    labels, at = [], HEADER_SIZE
    while query[at] != 0:
        labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
        at += 1 + query[at]
    return labels, at + 5


def answer(query, text_of):
    labels, end = labels_of(query)
    kind, = struct.unpack_from('!H', query, end - 4)
    text = text_of(labels) if kind == TXT else None
    count = 0 if text is None else 1
    header = query[:2] + struct.pack('!HHHHH', 0x8180, 1, count, 0, 0)
    if text is None:
        return header + query[HEADER_SIZE:end]
    data = b''.join(bytes([len(part)]) + part for part in (text[i:i + 255].encode() for i in range(0, len(text), 255)))
    return header + query[HEADER_SIZE:end] + NAME_POINTER + struct.pack('!HHIH', TXT, 1, TTL_S, len(data)) + data


def serve(sock, delay_s, text_of):
    due = collections.deque()  # (when, answer, to whom), the oldest first, as the delay is the same for all
    sock.setblocking(False)
    while True:
        wait_s = max(0, due[0][0] - time.monotonic()) if due else None
        if select.select([sock], [], [], wait_s)[0]:
            for _ in range(BATCH):
                try:
                    query, address = sock.recvfrom(1500)
                except BlockingIOError:
                    break
                due.append((time.monotonic() + delay_s, answer(query, text_of), address))
        while due and due[0][0] <= time.monotonic():
            _, wire, address = due.popleft()
            sock.sendto(wire, address)


class SlowNames:
    """It runs as a process of its own while the context lasts."""

    def __init__(self, delay_s, text_of):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.bind(('127.0.0.1', 0))
        self.address = f'127.0.0.1:{sock.getsockname()[1]}'
        self._process = multiprocessing.Process(target=serve, args=(sock, delay_s, text_of), daemon=True)

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.join()
