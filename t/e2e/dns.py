# SPDX-License-Identifier: BSD-2-Clause
"""The DNS of the tests: unbound on 127.0.0.1, which answers from the table of hosts and knows nothing else."""

import socket
import subprocess
from ipaddress import ip_address
from pathlib import Path

from poll import wait_until

DIRECTORY = Path('/run/unbound-e2e')

CONFIG = '''
server:
    directory: "{directory}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    interface: 127.0.0.1
    num-threads: 1
    module-config: "iterator"
    local-zone: "." static
{records}
remote-control:
    control-enable: no
'''


def records_of(hosts):
    for host in hosts:
        if host.name is None:
            continue
        yield f'{ip_address(host.address).reverse_pointer}. PTR {host.name}.'
        for address in host.name_addresses:
            kind = 'AAAA' if ip_address(address).version == 6 else 'A'
            yield f'{host.name}. {kind} {address}'


class Nameserver:
    def __init__(self, hosts):
        self._hosts = hosts
        self._process = None

    def start(self):
        DIRECTORY.mkdir()
        config = DIRECTORY / 'unbound.conf'
        log = DIRECTORY / 'unbound.log'
        records = '\n'.join(f"    local-data: '{record}'" for record in records_of(self._hosts))
        config.write_text(CONFIG.format(directory=DIRECTORY, records=records))
        with log.open('wb') as stderr:
            self._process = subprocess.Popen(['unbound', '-d', '-p', '-c', config], stderr=stderr)
        wait_until('unbound answers', self._answers)

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError('unbound ended: ' + (DIRECTORY / 'unbound.log').read_text())
        host = next(host for host in self._hosts if host.name)
        try:
            return socket.gethostbyaddr(host.address)[0] == host.name
        except OSError:
            return False
