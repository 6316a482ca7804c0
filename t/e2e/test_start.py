# SPDX-License-Identifier: BSD-2-Clause
"""The moments in which the daemon already takes connections but is still starting.

A daemon that handles signals in time passes whatever the machine does; one that does not fails often enough.
"""

STARTS = 10


def test_sigterm_during_the_start_ends_the_daemon_well(daemon):
    daemon.configure()
    for _ in range(STARTS):
        daemon.launch()
        daemon.stop()


def test_sighup_during_the_start_does_not_end_the_daemon(daemon):
    daemon.configure()
    for _ in range(STARTS):
        daemon.launch()
        daemon.reload()
        daemon.wait_until_it_answers()
        daemon.stop()
