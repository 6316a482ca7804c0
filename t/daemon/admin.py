# SPDX-License-Identifier: BSD-2-Clause
"""A client of the admin socket: HTTP/1.1 over a unix socket."""

import http.client
import json
import socket
from urllib.parse import urlencode

from poll import PATIENCE_S


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=PATIENCE_S)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self._path)


class Admin:
    """Asks one thing at a time, each over a connection of its own."""

    def __init__(self, path):
        self.path = path

    def request(self, method, path, body=None, **parameters):
        """The status and the answer, from JSON or as text."""
        if parameters:
            path += '?' + urlencode(parameters)
        connection = UnixConnection(self.path)
        try:
            connection.request(method, path, body=json.dumps(body) if isinstance(body, dict) else body)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.headers.get('Content-Type') == 'application/json':
            return response.status, json.loads(text)
        return response.status, text

    def get(self, path, **parameters):
        """The answer to what must go well."""
        return self._well('GET', path, None, **parameters)

    def post(self, path, body=None, **parameters):
        return self._well('POST', path, body, **parameters)

    def delete(self, path, **parameters):
        return self._well('DELETE', path, None, **parameters)

    def _well(self, method, path, body, **parameters):
        status, answer = self.request(method, path, body, **parameters)
        assert status == 200, (status, answer)
        return answer

    def refused(self, method, path, body=None, **parameters):
        """Status and reason of what must be refused."""
        status, answer = self.request(method, path, body, **parameters)
        assert status >= 400 and answer['status'] == status, (status, answer)
        return status, answer['error']
