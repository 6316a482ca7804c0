# SPDX-License-Identifier: BSD-2-Clause
"""What every test starts from: the network, DNS and Postfix once for all, a fresh daemon for each."""

import os
import re
from ipaddress import ip_address

import pytest

import domains
import hosts
import network
from daemon import Daemon
from mailhost import Mailhost
from resolver import Resolver

# Never in a mail log while the daemon is well ...
COMPLAINTS = re.compile(r'.*(?:problem talking to server|4\.3\.5|fatal:|panic:).*')
# ... and never at all.
DISASTERS = re.compile(r'.*(?:4\.3\.5|fatal:|panic:).*')


def pytest_configure():
    if os.environ.get('SIXGATE_E2E') != 'inside':
        raise pytest.UsageError('these tests change the network and /etc/postfix: start them with t/e2e/run')


@pytest.fixture(scope='session')
def resolver():
    network.add_addresses(hosts.ALL)
    resolver = Resolver(hosts.ALL, domains.ALL, hosts.EXCHANGERS, broken_names())
    resolver.start()
    yield resolver
    resolver.stop()


def broken_names():
    return [*domains.BROKEN, *(ip_address(host.address).reverse_pointer for host in hosts.WITH_BROKEN_PTR)]


@pytest.fixture(scope='session')
def running_mailhost(resolver):
    mailhost = Mailhost()
    mailhost.start()
    yield mailhost
    mailhost.stop()


@pytest.fixture
def mailhost(running_mailhost, request):
    """Postfix; at the end of the test its log must be free of complaints."""
    start = request.node.mail_log_start = running_mailhost.log_size()
    yield running_mailhost
    unwanted = DISASTERS if request.node.get_closest_marker('daemon_away') else COMPLAINTS
    assert unwanted.findall(running_mailhost.log_since(start)) == []


@pytest.fixture
def daemon(mailhost):
    """A daemon that waits for start(); what still runs at the end of the test must end well."""
    daemon = Daemon()
    yield daemon
    if daemon.was_started():
        assert daemon.is_running(), 'sixgated ended by itself'
        daemon.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Show both logs with a failure."""
    report = (yield).get_result()
    if not report.failed or not hasattr(item, 'funcargs'):
        return
    if 'daemon' in item.funcargs:
        report.sections.append(('log of sixgated', item.funcargs['daemon'].log()))
    if 'mailhost' in item.funcargs:
        mail_log = item.funcargs['mailhost'].log_since(getattr(item, 'mail_log_start', 0))
        report.sections.append(('log of Postfix', mail_log))
