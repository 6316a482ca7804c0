# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for something to happen: asked for again and again until it has, or clearly will not."""

import time

# Longer than a slow machine's disk may take for one fsync, and less than the longest dns_timeout, a minute, and
# check_deadline: tests set these to show that nobody waits for them.
PATIENCE_S = 50
# The check_deadline of a daemon whose test says nothing about it: its mail is decided, however slow the machine is.
LONG_DEADLINE = '45s'
PAUSE_S = 0.02


def wait_until(what, condition, timeout_s=PATIENCE_S, pause_s=PAUSE_S):
    """Return condition()'s first true value; fail, saying what was waited for, when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        last_try = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        if last_try:
            raise AssertionError(f'not within {timeout_s} seconds: {what}')
        time.sleep(pause_s)
