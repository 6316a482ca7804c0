# SPDX-License-Identifier: BSD-2-Clause
"""The DNS of the tests: unbound on 127.0.0.1, which answers from the tables of hosts and domains.

It knows nothing else, but for what is broken: there it asks a name server of ours that answers SERVFAIL.
"""

import socket
import subprocess
from ipaddress import ip_address
from pathlib import Path

import behaviour
from name_server import NameServer
from poll import wait_until

DIRECTORY = Path('/run/unbound-e2e')

# Records in the order in which they are written: who takes the first of two names takes the same each time.
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
    do-not-query-localhost: no
    rrset-roundrobin: no
    local-zone: "." static
{records}
{broken_zones}
remote-control:
    control-enable: no
{forward_zones}
'''


def records_of_hosts(hosts):
    for host in hosts:
        for name in host.names:
            yield f'{ip_address(host.address).reverse_pointer}. PTR {name}.'
        for name, address in host.forward_addresses:
            kind = 'AAAA' if ip_address(address).version == 6 else 'A'
            yield f'{name}. {kind} {address}'


def records_of_domains(domains):
    for name, texts in domains.items():
        for text in texts:
            yield f'{name}. TXT "{text}"'


def records_of_exchangers(exchangers):
    for domain, pair in exchangers.items():
        yield f'{domain}. MX 10 {pair[0].name}.'


class Resolver:
    def __init__(self, hosts, domains, exchangers, broken_names):
        self._hosts = hosts
        self._records = [*records_of_hosts(hosts), *records_of_domains(domains),
                         *records_of_exchangers(exchangers)]
        self._broken_names = broken_names
        self._upstream = None
        self._process = None

    def start(self):
        self._upstream = NameServer()
        self._upstream.otherwise = behaviour.fails('SERVFAIL')
        DIRECTORY.mkdir()
        config = DIRECTORY / 'unbound.conf'
        log = DIRECTORY / 'unbound.log'
        config.write_text(CONFIG.format(
            directory=DIRECTORY,
            records='\n'.join(f"    local-data: '{record}'" for record in self._records),
            broken_zones='\n'.join(f'    local-zone: "{name}." transparent' for name in self._broken_names),
            forward_zones='\n'.join(f'forward-zone:\n    name: "{name}."\n    forward-addr: 127.0.0.1@'
                                    f'{self._upstream.port}' for name in self._broken_names)))
        with log.open('wb') as stderr:
            self._process = subprocess.Popen(['unbound', '-d', '-p', '-c', config], stderr=stderr)
        wait_until('unbound answers', self._answers)

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._upstream.stop()

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError('unbound ended: ' + (DIRECTORY / 'unbound.log').read_text())
        host = next(host for host in self._hosts if host.names)
        try:
            return socket.gethostbyaddr(host.address)[0] == host.name
        except OSError:
            return False
