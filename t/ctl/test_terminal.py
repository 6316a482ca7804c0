# SPDX-License-Identifier: BSD-2-Clause
"""What is different on a terminal: colours, cut columns, a view that refreshes in place."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest
from conftest import SIXGATECTL
from test_commands import NOW, entry

STATS = 200, {
    "version": "0.1.0", "uptime_s": 7200, "modes": {"greylist": "dry", "gate": "enforce"},
    "last_minute": {"requests": 120, "per_second": 2.0, "verdicts": {"pass": 90, "greylist": 30},
                    "busiest": [{"sender_domain": "busy.example", "requests": 12, "longest_s": 0.2}],
                    "slowest": [{"sender_domain": "slow.example", "requests": 3,
                                 "longest_s": 2.1}]},
    "entries": {"waiting": 1, "passed": 2, "clients": 3, "known": 1},
    "store": {"size_bytes": 1234567, "status": "ok"},
    "farms": [{"name": "google", "domains": [{"domain": "_spf.google.com", "networks": 20,
                                              "resolved": NOW - 600, "status": "fresh"}]}],
    "counters": [
        {"name": "sixgate_requests_total", "type": "counter", "help": "Requests",
         "series": [{"labels": {"verdict": "pass", "mode": "enforce"}, "since_start": 5,
                     "total": 5000},
                    {"labels": {"verdict": "reject", "mode": "dry"}, "since_start": 1,
                     "total": 2}]},
        {"name": "sixgate_x_seconds", "type": "histogram", "help": "Time to answer",
         "series": [{"labels": {}, "since_start": {"count": 1, "buckets": [
             {"le": 0.001, "count": 0}, {"le": 0.1, "count": 1}, {"le": "+Inf", "count": 1}]},
             "total": {"count": 4, "buckets": [
             {"le": 0.001, "count": 2}, {"le": 0.1, "count": 3}, {"le": "+Inf", "count": 4}]}}]},
        {"name": "sixgate_dns_cache_bytes", "type": "gauge", "help": "Memory",
         "series": [{"labels": {}, "value": 20480}]}]}


class Terminal:
    def __init__(self, daemon, *arguments, columns=80, **environment):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.resize(columns)
        env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen([SIXGATECTL, "-s", daemon.path, *arguments], stdin=slave,
                                        stdout=slave, stderr=slave, start_new_session=True,
                                        env={**env, "TERM": "xterm", **environment})
        self.slave = slave
        self.shown = ""

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

    def read(self, until=None, timeout_s=20):
        """Until the text is there, or, without one, until the program has ended."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 65536).decode()
            elif until is None and self.process.poll() is not None:
                return self.shown
            if until is not None and until in self.shown:
                return self.shown
        raise AssertionError(f"{until!r} did not come: {self.shown!r}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal(daemon):
    opened = []

    def start(*arguments, **more):
        opened.append(Terminal(daemon, *arguments, **more))
        return opened[-1]
    yield start
    for one in opened:
        one.close()


def test_colours_on_a_terminal_only(daemon, terminal):
    daemon.replies["GET", "/entries"] = 200, {"entries": [entry()], "next": None}
    assert "\033[33mwaiting" in terminal("list").read()
    assert "\033" not in terminal("list", NO_COLOR="1").read()
    assert "\033" not in terminal("list", TERM="dumb").read()
    assert "\033" not in daemon.run("list").stdout


def test_columns_are_cut_on_a_terminal_only(daemon, terminal):
    long = "x" * 150 + "@b.example"
    daemon.replies["GET", "/entries"] = 200, {"entries": [entry(sender=long)], "next": None}
    shown = terminal("list", NO_COLOR="1", columns=120).read()
    assert "…" in shown and max(map(len, shown.splitlines())) <= 120
    assert long in daemon.run("list").stdout


def test_stats_in_words(daemon):
    daemon.replies["GET", "/stats"] = STATS
    shown = daemon.run("stats").stdout
    for words in ["2.0 a second", "75.0%", "busy.example", "2.1 s", "1.2 MiB", "10 min ago",
                  "5,000", "reject dry", "1.00 ms", "longer", "_spf.google.com"]:
        assert words in shown, words
    lines = [line.split() for line in shown.splitlines()]
    for row in ["SENDER'S DOMAIN REQUESTS LONGEST", "busy.example 12 200 ms", "all 20.0 KiB",
                "since start 1 100 ms 100 ms 100 ms", "in all 4 1.00 ms longer longer"]:
        assert row.split() in lines, row
    assert not any(line.endswith(" ") for line in shown.splitlines())


@pytest.mark.parametrize("end", ["q", signal.SIGINT, signal.SIGTERM])
def test_watch_gives_the_terminal_back(daemon, terminal, end):
    daemon.replies["GET", "/stats"] = STATS
    view = terminal("stats", "--watch", "1")
    view.read("Store")
    if end == "q":
        os.write(view.master, b"q")
    else:
        view.process.send_signal(end)
    assert view.read().endswith("\033[?25h\033[?1049l")
    assert view.process.wait() == 0
    assert termios.tcgetattr(view.slave) == view.before


def test_watch_sees_a_resize_and_the_end_of_the_daemon(daemon, terminal):
    daemon.replies["GET", "/stats"] = STATS
    view = terminal("stats", "--watch", "3600")
    view.read("Time to answer")
    asked = len(daemon.asked)

    def hang_up(handler):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
    daemon.replies["GET", "/stats"] = hang_up
    view.resize(60)
    view.process.send_signal(signal.SIGWINCH)
    shown = view.read()
    assert len(daemon.asked) > asked and view.process.wait() == 3
    assert "sixgatectl: " in shown.split("\033[?1049l")[1]


def test_watch_without_a_terminal(daemon):
    daemon.replies["GET", "/stats"] = STATS
    process = subprocess.Popen([SIXGATECTL, "-s", daemon.path, "stats", "--watch", "1"],
                               stdout=subprocess.PIPE, text=True)
    shown = ""
    while shown.count("sixgated 0.1.0") < 2:
        shown += process.stdout.readline()
    process.terminate()
    assert process.wait() == 0 and "\033" not in shown
    process.stdout.close()


def test_watch_wants_seconds(daemon):
    assert daemon.run("stats", "--watch", "0").returncode == 2
    assert daemon.run("stats", "--watch", "soon").returncode == 2
    assert daemon.run("stats", "now").returncode == 2
