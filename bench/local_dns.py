# SPDX-License-Identifier: BSD-2-Clause
"""unbound, which knows what the gate asks about the mail of policy-load, and nothing else."""

import socket
import subprocess
from ipaddress import ip_address

from poll import wait_until
from private_world import NAME_SERVER

# Every sender of gate-new has a domain of its own, so that its TXT record and the one that it includes are asked for
# each mail, and no answer serves twice.
CONFIG = '''
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    interface: {address}
    num-threads: 1
    module-config: "iterator"
    so-rcvbuf: 4m
    local-zone: "." static
    local-data: ". 3600 SOA ns. root. 1 3600 900 604800 3600"
    local-zone: "new.bench.example." redirect
    local-data: 'new.bench.example. TXT "v=spf1 include:%{{d}}.inc.bench.example -all"'
    local-zone: "inc.bench.example." redirect
    local-data: 'inc.bench.example. TXT "v=spf1 ip6:2001:db8::/32 -all"'
    local-data: 'flood.bench.example. TXT "v=spf1 ?all"'
{records}
remote-control:
    control-enable: no
'''


def records_of(population):
    for address, _, sender, _ in population:
        domain = sender.partition('@')[2]
        yield f'{ip_address(address).reverse_pointer}. PTR mail.{domain}.'
        yield f'mail.{domain}. AAAA {address}'
        yield f'{domain}. TXT "v=spf1 include:_spf.{domain} -all"'
        yield f'_spf.{domain}. TXT "v=spf1 ip6:{address} -all"'


class LocalDns:
    """It runs while the context lasts."""

    def __init__(self, folder, population):
        self._config = folder / 'unbound.conf'
        self._config.write_text(CONFIG.format(
            folder=folder, address=NAME_SERVER,
            records='\n'.join(f"    local-data: '{record}'" for record in records_of(population))))
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(['unbound', '-d', '-p', '-c', self._config], stdin=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        wait_until('unbound answers', self._is_answering)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def signal(self, number):
        self._process.send_signal(number)

    def _is_answering(self):
        assert self._process.poll() is None, 'unbound ended'
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.connect((NAME_SERVER, 53))
            try:
                client.send(b'\0\1\1\0\0\1\0\0\0\0\0\0\3new\5bench\7example\0\0\x10\0\1')
                return client.recv(512)[7] == 1  # one answer
            except OSError:
                return False
