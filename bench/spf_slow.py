#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""How long a known client waits while a thousand others wait for slow name servers.

    SIXGATED=build/sixgated bench/spf_slow.py [--requests N] [--delay MS]

Each of the others brings a domain of its own whose SPF takes ten lookups: once side by side (ten includes in one
record, which can be asked at the same time), once one behind the other (each include in the record of the one before).
Nothing here is asserted; the last column is what there is to look at.
"""

import argparse
import gc
import multiprocessing
import os
import select
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 't' / 'rig'), str(ROOT / 't' / 'daemon')]

from daemon import Daemon  # noqa: E402
from mail import mail, new_instance  # noqa: E402
from policy import GREYLISTED, Connection, request  # noqa: E402
from poll import wait_until  # noqa: E402
from slow_names import SlowNames  # noqa: E402

LOOKUPS = 10
ALONE_S = 2
KNOWN_V4 = {'client_address': '192.0.2.1', 'client_name': 'mail.known.example', 'sender': 'x@known.example',
            'recipient': 'alice@here.example'}
KNOWN_V6 = {**KNOWN_V4, 'client_address': '2001:db8::1'}


def text_of(labels):
    """The record of NAME.wide.example, and of NAME.deep.example and the includes below it."""
    if labels[-2:] == ['wide', 'example'] and len(labels) == 3:
        includes = ' '.join(f'include:{i}.{".".join(labels)}' for i in range(LOOKUPS))
        return f'v=spf1 {includes} -all'
    if labels[-2:] == ['deep', 'example'] and len(labels) - 3 < LOOKUPS:
        return f'v=spf1 include:i.{".".join(labels)} -all'
    return 'v=spf1 ip6:2001:db8::/32 -all'


class Times:
    """How long answers took."""

    def __init__(self):
        self.seconds = []

    def ask(self, connection, attributes):
        data = request(**attributes, instance=new_instance())
        start = time.perf_counter()
        connection.send(data)
        connection.read_answer()
        self.seconds.append(time.perf_counter() - start)

    def part(self, share):
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]

    def print(self, what):
        cells = (f'{1000 * self.part(share):10.2f}' for share in (0.5, 0.99, 1))
        print(f'{what:60}{len(self.seconds):8}', *cells)


def crowd(address, shape, count, pipe):
    """count requests at once, each over its own connection; how long each took, into pipe."""
    connections = [Connection(address) for _ in range(count)]
    requests = [request(**mail(client_address=f'2001:db8:{n + 1:x}::1', client_name='mail.crowd.example',
                               sender=f'x@d{n}.{shape}.example')) for n in range(count)]
    poll = select.epoll()
    pipe.recv()  # begin
    start, answers = time.perf_counter(), []
    for connection, data in zip(connections, requests):
        connection.send(data)
        poll.register(connection.socket, select.EPOLLIN)
    waiting = {connection.socket.fileno(): connection for connection in connections}
    while waiting:
        for number, _ in poll.poll():
            poll.unregister(number)
            answers.append((time.perf_counter() - start, waiting.pop(number).read_answer()))
    pipe.send(answers)


def cpu_s(daemon):
    fields = Path(f'/proc/{daemon.pid}/stat').read_text().rpartition(') ')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def measure(daemon, shape, what, count):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=crowd, args=(daemon.socket, shape, count, theirs), daemon=True)
    process.start()
    v4, v6, others = Times(), Times(), Times()
    before_s = cpu_s(daemon)
    with daemon.connect() as connection:
        ours.send('begin')
        while not ours.poll():
            v4.ask(connection, KNOWN_V4)
            v6.ask(connection, KNOWN_V6)
    answers = ours.recv()
    process.join()
    used_s = cpu_s(daemon) - before_s
    others.seconds = [seconds for seconds, _ in answers]
    passed = sum(answer == GREYLISTED for _, answer in answers)
    print(f'\n{what}')
    v4.print('  known client over IPv4')
    v6.print('  known client over IPv6, through the gate')
    others.print(f'  the {count} others ({passed} of them passed the gate)')
    print(f'  the daemon used {used_s:.2f} s of CPU time')


def make_known(daemon):
    for attributes in (KNOWN_V4, KNOWN_V6):
        wait_until('the known client passes',
                   lambda attributes=attributes: daemon.ask(**attributes, instance=new_instance()) != GREYLISTED)


def measure_alone(daemon):
    v4, v6 = Times(), Times()
    end = time.monotonic() + ALONE_S
    with daemon.connect() as connection:
        while time.monotonic() < end:
            v4.ask(connection, KNOWN_V4)
            v6.ask(connection, KNOWN_V6)
    print('\nAlone')
    v4.print('  known client over IPv4')
    v6.print('  known client over IPv6, through the gate')


def measure_all(daemon, options):
    print(f'{options.requests} requests at once, SPF with {LOOKUPS} lookups, each answer after {options.delay} ms')
    print(f'{"":60}{"answers":>8}{"p50 ms":>11}{"p99 ms":>11}{"max ms":>11}')
    measure_alone(daemon)
    measure(daemon, 'wide', 'While the others look up ten names side by side', options.requests)
    measure(daemon, 'deep', 'While the others look up ten names one behind the other', options.requests)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--requests', type=int, default=1000, metavar='N', help='how many others (%(default)s)')
    parser.add_argument('--delay', type=int, default=100, metavar='MS', help='of every answer (%(default)s)')
    options = parser.parse_args()
    gc.disable()  # its pauses are not the daemon's
    folder = Path(tempfile.mkdtemp(prefix='sixgate-bench-'))
    daemon = Daemon(folder)
    with SlowNames(options.delay / 1000, text_of) as names:
        daemon.configure(dns_servers=names.address, max_connections=options.requests + 100, check_deadline='60s',
                         authserv_id='mx.here.example', greylist_delay='1s')
        daemon.start()
        try:
            make_known(daemon)
            measure_all(daemon, options)
            daemon.stop()
        finally:
            if daemon.was_started():
                daemon.kill()
    shutil.rmtree(folder)


if __name__ == '__main__':
    main()
