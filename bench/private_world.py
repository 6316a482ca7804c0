# SPDX-License-Identifier: BSD-2-Clause
"""A world of the measurements' own: network, mounts and processes are theirs, and end with them.

In it name servers can be at 127.0.0.1, port 53, where the peers look for them (they cannot be told a port), and
/dev/log is a sink that is the same for all: each server pays for writing its log, and nobody reads it, as a reader
would take its share of the processors from some contenders and not from others.
"""

import ctypes
import os
import socket
import struct
import subprocess
from pathlib import Path

NAME_SERVER = '127.0.0.1'

_INSIDE = 'SIXGATE_BENCH_INSIDE'
_DEVICES = ('null', 'zero', 'full', 'random', 'urandom', 'tty')
_SO_ATTACH_FILTER = 26
_BPF_RET_0 = struct.pack('HBBI', 0x06, 0, 0, 0)


def is_inside():
    return _INSIDE in os.environ


def enter(program, arguments):
    """Run program again, inside; does not return.  Whatever it starts there ends with it."""
    os.environ[_INSIDE] = '1'
    os.execvp('unshare', ['unshare', '--net', '--mount', '--propagation', 'private', '--pid', '--fork',
                          '--kill-child', '--mount-proc', program, *arguments])


def furnish(folder):
    """Make it what the module says; the returned socket is the log and must be kept."""
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    resolv_conf = folder / 'resolv.conf'
    resolv_conf.write_text(f'nameserver {NAME_SERVER}\n')
    _mount('--bind', resolv_conf, Path('/etc/resolv.conf').resolve())
    _make_devices(folder / 'dev')
    return _open_log(Path('/dev/log'))


def _mount(*arguments):
    subprocess.run(['mount', *arguments], check=True)


def _make_devices(folder):
    """A /dev without the system's log, wherever that is a link to."""
    folder.mkdir()
    _mount('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', folder)
    for name in _DEVICES:
        (folder / name).touch()
        _mount('--bind', f'/dev/{name}', folder / name)
    (folder / 'shm').mkdir(mode=0o1777)
    (folder / 'fd').symlink_to('/proc/self/fd')
    _mount('--move', folder, '/dev')


def _open_log(path):
    """A socket at path that takes everything and keeps nothing: its filter drops what comes, and senders see no
    error (unix_dgram_sendmsg() in the kernel's af_unix.c)."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    program = ctypes.create_string_buffer(_BPF_RET_0)
    log.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack('HP', 1, ctypes.addressof(program)))
    log.bind(str(path))
    path.chmod(0o666)
    return log
