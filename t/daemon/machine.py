# SPDX-License-Identifier: BSD-2-Clause
"""A real systemd that starts our two units as an admin's does: process 1 of namespaces of its own, on this
machine's /usr, with an empty /run, /tmp, /dev and /var, a copy of /etc, and no unit but ours.

The units are those of the build, so that what is tested is what is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from daemon import PROGRAM
from poll import PATIENCE_S, wait_until
from user import IS_ROOT, can_mount

SYSTEMD = Path('/lib/systemd/systemd')
SERVICE = PROGRAM.parent / 'sixgated.service'
SOCKET = Path(__file__).parents[2] / 'systemd' / 'sixgated.socket'
UNITS = '/run/systemd/system'

# Units that ours are ordered by, with nothing behind them.
EMPTY_TARGETS = ['test', 'sysinit', 'basic', 'sockets', 'shutdown', 'network', 'umount', 'local-fs']

FORBIDDEN = 77  # the exit status of BOOT when this machine does not allow it

# $1: a folder with what is wanted, $2: where the unit has the program.
BOOT = f'''
set -eu
umask 022
allowed() {{ "$@" || exit {FORBIDDEN}; }}
allowed mount --make-rprivate /
allowed mount -t tmpfs -o mode=0755 tmpfs "$(dirname "$2")"
cp "$1/sixgated" "$2"
mount -t tmpfs -o mode=0755 tmpfs /run
cp -a "$1/units" /run/units
cp -a /etc /run/etc
mount --bind /run/etc /etc
for place in /var /home; do
	mount -t tmpfs -o mode=0755 tmpfs $place
done
mkdir -p {UNITS} /run/systemd/journal /run/no-generators /var/lib /var/log /var/mail /var/spool/postfix /var/tmp
chmod 1777 /var/tmp
mv /run/units/* {UNITS}
id -u sixgate >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /nonexistent sixgate
getent group postfix >/dev/null || groupadd --system postfix
rm -rf /etc/sixgate
mkdir /etc/sixgate
mount -t tmpfs -o mode=0755 tmpfs /dev
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0' 'ptmx 5 2'; do
	set -- "$1" "$2" $device
	mknod -m 666 /dev/$3 c $4 $5
done
mkdir /dev/pts /dev/shm
ln -s /run/systemd/journal/dev-log /dev/log
mount -t proc proc /proc
# The kernel's settings stay the machine's.
mount -o bind,ro /proc/sys /proc/sys
umount -R /sys/fs/cgroup 2>/dev/null || true
allowed mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=1777 tmpfs /tmp
export container=sixgate SYSTEMD_UNIT_PATH={UNITS} SYSTEMD_GENERATOR_PATH=/run/no-generators
exec {SYSTEMD} --system --unit=test.target --log-target=null --show-status=no
'''


def needs_systemd():
    """Skip where this machine does not let us start one."""
    if not IS_ROOT:
        pytest.skip('needs root')
    if not can_mount():
        pytest.skip('this machine allows no namespaces')
    if not SYSTEMD.exists():
        pytest.skip('there is no systemd')


class Machine:
    """Boots at once; its files are those below root."""

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix='sixgate-'))
        self._cgroup = None
        self._boot = None
        self.root = None

    def start(self):
        """Boot, and return when the two units can be started."""
        units = self._folder / 'units'
        units.mkdir()
        for target in EMPTY_TARGETS:
            (units / f'{target}.target').write_text('[Unit]\nDefaultDependencies=no\n')
        for unit in (SERVICE, SOCKET):
            shutil.copy(unit, units)
        shutil.copy(PROGRAM, self._folder / 'sixgated')
        self._cgroup = own_cgroup() / f'sixgate-test-{os.getpid()}'
        self._cgroup.mkdir()
        script = f'echo $$ >{self._cgroup}/cgroup.procs && exec unshare --mount --pid --ipc --uts --cgroup --fork ' \
                 '--kill-child sh -c "$0" sh "$@"'
        with (self._folder / 'console').open('wb') as console:
            self._boot = subprocess.Popen(
                ['sh', '-c', script, BOOT, str(self._folder), installed_program()], stdin=subprocess.DEVNULL,
                stdout=console, stderr=console)
        wait_until('systemd runs', self._is_up)

    def _is_up(self):
        status = self._boot.poll()
        if status == FORBIDDEN:
            pytest.skip(f'this machine does not let us start a systemd: {self.console().strip()}')
        assert status is None, f'systemd ended with {status}:\n{self.console()}'
        if self.root is None:
            children = Path(f'/proc/{self._boot.pid}/task/{self._boot.pid}/children').read_text().split()
            if not children or os.readlink(f'/proc/{children[0]}/exe') != os.path.realpath(SYSTEMD):
                return False
            self.root = Path(f'/proc/{children[0]}/root')
        return self.systemctl('is-active', 'test.target', check=False).stdout == 'active\n'

    def stop(self):
        """End it, and with it all that it started."""
        if self._boot is not None:
            self._boot.kill()
            self._boot.wait()
        if self._cgroup is not None:
            wait_until('all processes of the machine have ended', self._is_down)
        shutil.rmtree(self._folder)

    def _is_down(self):
        if 'populated 1' in (self._cgroup / 'cgroup.events').read_text():
            return False
        for directory, _, _ in os.walk(self._cgroup, topdown=False):
            os.rmdir(directory)
        return True

    def console(self):
        return (self._folder / 'console').read_text(errors='backslashreplace')

    def path(self, path):
        """A file of the machine, as we reach it."""
        return self.root / str(path).lstrip('/')

    def systemctl(self, *arguments, check=True):
        # systemd answers only those whose pid it can see.
        done = subprocess.run(['nsenter', '--target', self.root.parent.name, '--mount', '--pid', 'systemctl',
                               '--no-pager', *arguments],
                              text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0 or not check, f'systemctl {arguments}: {done.stderr}\n{self.console()}'
        return done

    def show(self, unit, name):
        """A property of a unit."""
        return self.systemctl('show', '--property', name, '--value', unit).stdout.strip()

    def process(self, name):
        """The one process of that name in the machine: its pid as we see it."""
        inside = self.root.parent.joinpath('ns/pid').readlink()
        found = []
        for process in Path('/proc').glob('[0-9]*'):
            try:
                if (process / 'comm').read_text().strip() == name and (process / 'ns/pid').readlink() == inside:
                    found.append(int(process.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
        assert len(found) == 1, f'{name}: {found}'
        return found[0]


def own_cgroup():
    """The folder of the cgroup that we are in."""
    path = re.search(r'^0::/(.*)$', Path('/proc/self/cgroup').read_text(), re.MULTILINE)
    mount = re.search(r'^\S+ (\S+) cgroup2 ', Path('/proc/self/mounts').read_text(), re.MULTILINE)
    if path is None or mount is None:
        pytest.skip('this machine has no cgroups of version 2')
    return Path(mount.group(1)) / path.group(1)


def installed_program():
    """Where the unit expects the program."""
    return re.search(r'^ExecStart=(\S+)', SERVICE.read_text(), re.MULTILINE).group(1)
