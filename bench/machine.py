# SPDX-License-Identifier: BSD-2-Clause
"""What the figures are of: the machine, its disk, and the versions of all that is measured."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

PACKAGES = ('postgrey', 'libdb5.3', 'sqlgrey', 'libsqlite3-0', 'postfix-policyd-spf-python', 'python3-spf',
            'postfix-policyd-spf-perl', 'libmail-spf-perl', 'unbound', 'perl-base', 'python3-minimal',
            'libevent-core-2.1-7', 'libspf2-2')
SYNCS = 500
RECORD_BYTES = 128


def describe(folder, program):
    """Lines of Markdown."""
    return [f'- {os.cpu_count()} processors: {processor()}; {memory_gib():.0f} GiB of memory; '
            f'{platform.system()} {platform.release()}, {os_name()}',
            f'- databases on {filesystem(folder)}; appending {RECORD_BYTES} bytes and fdatasync() takes '
            f'{sync_ms(folder):.2f} ms (median of {SYNCS})',
            f'- sixgated: {output(program, "-V").splitlines()[0]}{source_version()}',
            f'- packages: {", ".join(versions())}']


def output(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()


def processor():
    found = re.search(r'^model name\s*: (.*)', Path('/proc/cpuinfo').read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def memory_gib():
    return os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30


def os_name():
    return platform.freedesktop_os_release().get('PRETTY_NAME', 'an unknown system')


def filesystem(folder):
    return ', '.join(output('findmnt', '-n', '-o', 'FSTYPE,OPTIONS', '-T', folder).split())


def sync_ms(folder):
    """The median of many."""
    times = []
    with (folder / 'sync').open('wb', buffering=0) as file:
        for _ in range(SYNCS):
            start = time.perf_counter()
            file.write(bytes(RECORD_BYTES))
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[SYNCS // 2]


def source_version():
    commit = output('git', '-C', Path(__file__).parent, 'describe', '--always', '--dirty')
    return f', commit {commit}' if commit else ''


def versions():
    for package in PACKAGES:
        version = output('dpkg-query', '-W', '-f=${Version}', package)
        if version:
            yield f'{package} {version}'
