# SPDX-License-Identifier: BSD-2-Clause
"""The network of the tests: lo, with the address of every host on it."""

import subprocess


def add_addresses(hosts):
    """No duplicate address detection: an IPv6 address is usable at once."""
    commands = ''.join(
        f'address add {host.address}/128 dev lo nodad\n' if host.family == 6
        else f'address add {host.address}/32 dev lo\n'
        for host in hosts)
    subprocess.run(['ip', '-batch', '-'], input=commands, text=True, check=True)
