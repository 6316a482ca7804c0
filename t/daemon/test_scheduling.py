# SPDX-License-Identifier: BSD-2-Clause
"""Whoever waits for the event loop does not wait for other threads of the daemon."""

import os
from pathlib import Path

import pytest

from turns import needs_turns, turns_of

LOOP_NS = 100_000


def threads_of(daemon):
    return [int(thread.name) for thread in Path(f'/proc/{daemon.pid}/task').iterdir()]


@needs_turns
def test_loop_alone_has_short_turns(daemon):
    daemon.start()
    usual_ns = turns_of(0).length_ns
    turns = {thread: turns_of(thread) for thread in threads_of(daemon)}
    assert turns.pop(daemon.pid).length_ns == LOOP_NS
    assert len(turns) >= 4, 'the log and the store have threads of their own'
    assert {thread.length_ns for thread in turns.values()} == {usual_ns}
    assert turns_of(daemon.pid).is_reset_on_fork, 'threads that it begins would have short ones too'


@needs_turns
@pytest.mark.parametrize('policy', [os.SCHED_OTHER, os.SCHED_BATCH])
def test_policy_and_nice_value_are_as_the_admin_wants(daemon, policy):
    daemon.launch(command=['chrt', '--batch' if policy == os.SCHED_BATCH else '--other', '0', 'nice', '-n', '7',
                           *daemon.command('-v')])
    daemon.wait_for_log('is ready')
    turns = turns_of(daemon.pid)
    assert (turns.policy, turns.nice, turns.length_ns) == (policy, min(os.nice(0) + 7, 19), LOOP_NS)


@needs_turns
def test_what_does_not_have_its_share_by_turns_stays_as_it_is(daemon):
    daemon.launch(command=['chrt', '--idle', '0', *daemon.command('-v')])
    daemon.wait_for_log('is ready')
    turns = turns_of(daemon.pid)
    assert (turns.policy, turns.is_reset_on_fork) == (os.SCHED_IDLE, False)
