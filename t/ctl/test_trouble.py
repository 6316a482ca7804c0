# SPDX-License-Identifier: BSD-2-Clause
"""No daemon, a daemon that breaks off, and strings that want to rule the terminal."""

import os
import socket
import threading
import time

import pytest
from conftest import run
from test_commands import entry


def test_no_socket(tmp_path):
    done = run("-s", str(tmp_path / "gone"), "health")
    assert done.returncode == 3 and "no such socket" in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_nobody_listens(tmp_path):
    path = str(tmp_path / "admin")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    done = run("-s", path, "health")
    assert done.returncode == 3 and "nobody listens" in done.stderr


def serve_bytes(path, content, wait_s=0):
    """Answer one connection with content, then close."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(content)
            time.sleep(wait_s)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()


@pytest.mark.parametrize("content", [
    b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"healthy\"", b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", b"garbage\r\n"])
def test_answers_that_break_off(tmp_path, content):
    path = str(tmp_path / "admin")
    serve_bytes(path, content)
    done = run("-s", path, "health")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1 and done.stdout == ""


def test_a_slow_daemon(tmp_path):
    path = str(tmp_path / "admin")
    serve_bytes(path, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", wait_s=10)
    done = run("-s", path, "health", SIXGATECTL_TIMEOUT="1")
    assert done.returncode == 3 and "in time" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="root becomes somebody else")
def test_permission_names_the_group(daemon):
    import subprocess
    from conftest import SIXGATECTL
    os.chmod(daemon.path, 0o660)
    os.chown(daemon.path, 0, 12)
    folder = os.path.dirname(daemon.path)
    while folder != "/tmp" and folder != "/":
        os.chmod(folder, 0o755)
        folder = os.path.dirname(folder)
    import grp
    import shutil
    program = shutil.copy(SIXGATECTL, os.path.dirname(daemon.path))
    done = subprocess.run([program, "-s", daemon.path, "health"], capture_output=True,
                          text=True, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 3
    assert f"members of the group {grp.getgrgid(12).gr_name} may ask" in done.stderr


def test_hostile_strings_do_not_reach_the_terminal(daemon):
    daemon.replies["GET", "/entries"] = 200, {
        "entries": [entry(sender="\x1b]0;x\x07\x9b31m@b.example\n")], "next": None}
    done = daemon.run("list")
    assert "\x1b" not in done.stdout and "\x9b" not in done.stdout
    assert "\\x1B" in done.stdout.replace("\\x1b", "\\x1B") and len(done.stdout.splitlines()) == 2


def test_no_object_where_one_is_expected(daemon):
    daemon.replies["GET", "/entries"] = 200, {"entries": [1, None, {"passes": "x"}], "next": 5}
    assert daemon.run("list").returncode == 0
    daemon.replies["GET", "/stats"] = 200, {"counters": [{"series": [3]}], "farms": 7,
                                            "last_minute": [], "uptime_s": 1e300}
    assert daemon.run("stats").returncode == 0
    daemon.replies["POST", "/explain"] = 200, {"steps": "no"}
    assert daemon.run("explain", "--client", "::1", "--sender", "a", "--recipient",
                      "b").returncode == 0


def test_pages_without_end(daemon):
    daemon.replies["GET", "/entries"] = 200, {"entries": [], "next": "1"}
    assert daemon.run("list", "--all").returncode == 1


def test_socket_from_configuration(daemon, tmp_path):
    missing = run("-c", str(tmp_path / "none.conf"), "health")
    assert missing.returncode == 2 and "none.conf" in missing.stderr
