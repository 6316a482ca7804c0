# SPDX-License-Identifier: BSD-2-Clause
"""A daemon that says what a test wants it to, and sixgatectl run against it."""

import json
import os
import socketserver
import subprocess
import threading
from http.server import BaseHTTPRequestHandler

import pytest

SIXGATECTL = os.path.abspath(os.environ.get("SIXGATECTL", "build/sixgatectl"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.server.asked.append((self.command, self.path, body))
        reply = self.server.replies[self.command, self.path.split("?")[0]]
        if callable(reply):
            reply = reply(self)
            if reply is None:
                return
        status, content = reply
        content = content if isinstance(content, bytes) else (json.dumps(content) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path):
        self.replies = {}
        self.asked = []
        self.path = path
        super().__init__(path, Handler)

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)

    def run(self, *arguments, stdin="", **environment):
        return run("-s", self.path, *arguments, stdin=stdin, **environment)


def run(*arguments, stdin="", **environment):
    return subprocess.run([SIXGATECTL, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=60, env={**os.environ, **environment})


@pytest.fixture
def daemon(tmp_path):
    server = Daemon(str(tmp_path / "admin"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
