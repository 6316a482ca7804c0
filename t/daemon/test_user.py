# SPDX-License-Identifier: BSD-2-Clause
"""Started as root without systemd: it becomes its user, keeps nothing of root, and makes its files for the user."""

import grp
import os
import pwd
import stat
from pathlib import Path

import pytest

from policy import GREYLISTED
from user import NOBODY, needs_root

pytestmark = needs_root

CAPABILITIES = ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')
NOGROUP = pwd.getpwuid(NOBODY).pw_gid


@pytest.fixture
def daemon(daemon):
    """Becomes nobody, whose folder it is."""
    os.chown(daemon.folder, NOBODY, NOGROUP)
    daemon.defaults.update(user='nobody')
    daemon.configure()
    return daemon


def threads(daemon):
    """/proc/PID/status of every thread, as dictionaries; credentials belong to threads."""
    tasks = list(Path(f'/proc/{daemon.pid}/task').iterdir())
    return [dict(line.split(':\t', 1) for line in (task / 'status').read_text().splitlines() if ':\t' in line)
            for task in tasks]


def test_every_thread_is_the_user_and_keeps_no_capability(daemon):
    # As badly as it can be started.
    daemon.start(command=['setpriv', '--inh-caps', '+chown,+kill', '--ambient-caps', '+chown,+kill',
                          '--groups', '0,5',
                          *daemon.command('-v')])
    all_threads = threads(daemon)
    assert len(all_threads) > 2, 'they have started'
    for thread in all_threads:
        assert thread['Uid'].split() == [str(NOBODY)] * 4
        assert thread['Gid'].split() == [str(NOGROUP)] * 4
        assert [int(group) for group in thread['Groups'].split()] == sorted(os.getgrouplist('nobody', NOGROUP))
        assert {name: int(thread[name], 16) for name in CAPABILITIES} == dict.fromkeys(CAPABILITIES, 0)
        assert thread['NoNewPrivs'] == '1'


def test_user_that_would_keep_capabilities_is_refused(daemon):
    done = daemon.run('-v', prefix=['setpriv', '--securebits', '+no_setuid_fixup'])
    assert done.returncode == 1
    assert 'error: user: nobody would have capabilities of root' in done.stderr


def test_files_and_sockets_are_as_the_manual_says(daemon):
    daemon.configure(admin_listen=f'unix:{daemon.folder}/run/admin', admin_group='mail', privacy='yes',
                     policy_socket_mode=None)
    daemon.start()
    assert daemon.ask() == GREYLISTED
    mail = grp.getgrnam('mail').gr_gid
    nobodys, roots = (NOBODY, NOGROUP), (0, os.getegid())
    wanted = {
        'policy': (0o666, roots),
        'run': (0o755, (NOBODY, mail)),
        'run/admin': (0o660, (NOBODY, mail)),
        'sixgate.db': (0o640, nobodys),
        'sixgate.db-wal': (0o640, nobodys),
        'sixgate.db-shm': (0o640, nobodys),
        'privacy.key': (0o600, nobodys),
    }
    about = {name: (daemon.folder / name).stat() for name in wanted}
    assert {name: (stat.S_IMODE(it.st_mode), (it.st_uid, it.st_gid)) for name, it in about.items()} == wanted
    daemon.stop()
    assert not daemon.socket.exists() and not (daemon.folder / 'run/admin').exists()


def test_files_of_root_are_not_read_by_a_reload(daemon):
    daemon.start()
    daemon.sender_access.write_text('sender.example OK\n')
    os.chown(daemon.sender_access, 0, 0)
    daemon.sender_access.chmod(0o600)
    daemon.reload()
    assert f'{daemon.sender_access}: cannot open: Permission denied' in daemon.log()
    assert daemon.ask() == GREYLISTED
