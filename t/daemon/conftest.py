# SPDX-License-Identifier: BSD-2-Clause
"""What every test starts from: an empty folder and a daemon that keeps to it, and that must end well."""

import resource
import shutil
import tempfile
from pathlib import Path

import pytest

from daemon import PROGRAM, Daemon
from name_server import NameServer

AUTHSERV_ID = 'mx.here.example'


def pytest_configure():
    if not PROGRAM.exists():
        raise pytest.UsageError(f'{PROGRAM}: no such program; build it, or name it with SIXGATED')
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture
def folder():
    """A folder with a short name, for a socket's may not be long, that other users may look into."""
    path = Path(tempfile.mkdtemp(prefix='sixgate-'))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope='session')
def empty_names():
    """A name server that knows nothing, for tests that are not about names."""
    with NameServer() as names:
        yield names


@pytest.fixture
def daemon(folder, empty_names):
    """A daemon that waits for start(); what still runs at the end of the test must end well.

    Its gate is off: see the fixture gated.
    """
    daemon = Daemon(folder)
    daemon.defaults.update(gate='off', dns_servers=empty_names.address)
    daemon.configure()
    yield daemon
    try:
        if daemon.was_started():
            assert daemon.is_running(), 'sixgated ended by itself'
            daemon.stop()
        assert daemon.disasters() == []
    finally:
        if daemon.was_started():
            daemon.kill()


@pytest.fixture
def names():
    """A name server that knows nothing yet."""
    with NameServer() as names:
        yield names


@pytest.fixture
def gated(daemon, names):
    """A daemon whose gate is in force and asks names; it greylists only where the test wants it to."""
    daemon.defaults.update(gate='enforce', greylist='off', dns_servers=names.address, authserv_id=AUTHSERV_ID)
    daemon.configure()
    return daemon


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Show the log with a failure."""
    report = (yield).get_result()
    if report.failed and 'daemon' in getattr(item, 'funcargs', {}):
        log = item.funcargs['daemon'].log_file
        if log.exists():
            report.sections.append(('log of sixgated (its end)', log.read_text(errors='backslashreplace')[-6000:]))
