# SPDX-License-Identifier: BSD-2-Clause
"""The wall clock is set forth and back by a day while the daemon runs."""

import time

import behaviour
import pytest

from mail import HOST, mail
from policy import PASS, new_recipient
from poll import PATIENCE_S
from preload import Clock

DAY_S = 24 * 3600


@pytest.fixture
def clock(daemon):
    return Clock(daemon.folder / 'clock')


def test_clock_that_is_set_loses_no_mail(daemon, clock):
    daemon.start(env=clock.environment)
    before, ahead, behind = (new_recipient() for _ in range(3))
    assert daemon.reason(recipient=before) == 'new'
    clock.set(DAY_S)
    assert daemon.reason(recipient=ahead) == 'new'
    assert daemon.reason(recipient=before) == 'triplet found'
    clock.set(0)
    assert daemon.reason(recipient=before) == 'triplet found'
    # It came in a future that is none any more: the delay begins again, and does not wait for that day.
    assert daemon.reason(recipient=ahead) == 'early-retry (3600s missing)'
    clock.set(-DAY_S)
    assert daemon.reason(recipient=behind) == 'new'
    assert daemon.reason(recipient=before) == 'triplet found'
    assert daemon.reason(recipient=ahead) == 'early-retry (3600s missing)'
    clock.set(0)
    for recipient in (before, ahead, behind):
        assert daemon.reason(recipient=recipient) == 'triplet found'
    assert daemon.admin.get('/health')['healthy'] is True
    daemon.stop()
    clock.set(-DAY_S)
    daemon.start(env=clock.environment)
    assert daemon.reason(recipient=before) == 'triplet found'


@pytest.mark.parametrize('seconds', [DAY_S, -DAY_S], ids=['forth', 'back'])
def test_clock_that_is_set_moves_no_deadline(gated, names, clock, seconds):
    names.behave(behaviour.never, HOST)
    gated.configure(check_deadline='2s', idle_timeout='10m')
    gated.start(env=clock.environment)
    with gated.connect() as idle, gated.connect() as waiting:
        assert idle.ask(protocol_state='MAIL') == PASS
        waiting.send_request(**mail())
        names.wait_for_question(HOST)
        begin = time.monotonic()
        clock.set(seconds)
        assert waiting.read_answer().startswith('DEFER_IF_PERMIT 4.7.25 ')
        assert time.monotonic() - begin < PATIENCE_S / 2
        assert idle.ask(protocol_state='MAIL') == PASS
