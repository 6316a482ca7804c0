# SPDX-License-Identifier: BSD-2-Clause
"""The RFC 7208 test suite through the whole daemon: real DNS packets in, policy answers out.

Explanations are not tested: they are the sender's text, and nobody fetches them.
"""

import itertools
import re
import shutil
import tempfile
from pathlib import Path

import behaviour
import pytest
from daemon import Daemon
from name_server import NameServer
from policy import Postfix
from spf_suite import FILE, PACKAGE, read_suite

TESTS = read_suite()
TEST_COUNT = 203

# Silence is part of the suite, and the tests of its scenarios wait for the first of these.
TIMEOUTS = {True: '2s', False: '14s'}

RESULT = re.compile(r'PREPEND Authentication-Results: mx\.here\.example; iprev=pass [^;]*; spf=(\w+)')


class Suite:
    """A daemon and a name server of its own for each scenario, so that nothing is known from another one."""

    def __init__(self, folder):
        self._folder = folder
        self._scenario = None
        self._numbers = itertools.count()

    def result(self, test):
        """What SPF says about this test's client."""
        if test.scenario is not self._scenario:
            self._play(test.scenario)
        action = self._postfix.ask(client_address=test.client, client_name='mail.example', helo_name=test.helo,
                                   sender=test.sender, instance=f'spf.{next(self._numbers)}')
        match = RESULT.match(action)
        assert match, f'no result of SPF in the answer: {action}'
        return match[1]

    def _play(self, scenario):
        self.close()
        self._scenario = scenario
        self._names = NameServer(ttl=0, negative_ttl=0)
        self._names.replace(scenario.zone)
        for name, kinds in scenario.silent.items():
            self._names.behave(behaviour.never, name)
            for kind in kinds:
                self._names.behave(behaviour.answer, name, kind)
        self._daemon = Daemon(self._folder)
        self._daemon.configure(gate='enforce', gate_profile='observe', gate_families='ipv6 ipv4', greylist='off',
                               dns_servers=self._names.address, dns_timeout=TIMEOUTS[bool(scenario.silent)],
                               authserv_id='mx.here.example')
        self._daemon.start()
        self._postfix = Postfix(self._daemon.socket)

    def close(self):
        if self._scenario is None:
            return
        self._postfix.close()
        self._daemon.stop()
        assert self._daemon.disasters() == []
        self._names.stop()


@pytest.fixture(scope='module')
def suite():
    folder = Path(tempfile.mkdtemp(prefix='sixgate-'))
    suite = Suite(folder)
    yield suite
    suite.close()
    shutil.rmtree(folder)


def test_all_tests_of_the_suite_are_there():
    assert FILE.exists(), f'{FILE} is missing: install the Debian package {PACKAGE}'
    assert len(TESTS) == TEST_COUNT


@pytest.mark.parametrize('test', TESTS, ids=lambda test: test.name)
def test_result(suite, test):
    assert suite.result(test) in test.results, f'{test}\n{test.comment}'
