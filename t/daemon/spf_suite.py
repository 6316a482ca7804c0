# SPDX-License-Identifier: BSD-2-Clause
"""The test suite for RFC 7208 of openspf.org (release 2014.04), read from Debian's package python3-spf."""

import gzip
from pathlib import Path

import yaml

from zone import Zone

FILE = Path('/usr/share/doc/python3-spf/rfc7208-tests.yml.gz')
PACKAGE = 'python3-spf'


class Scenario:
    """Some tests, and the DNS that they share."""

    def __init__(self, document):
        self.name = document['description']
        self.tests = [Test(self, name, test) for name, test in document['tests'].items()]
        self.zone = Zone(ttl=0, negative_ttl=0)
        self.silent = {}  # lower-case name: types that are answered all the same
        for name, entries in document['zonedata'].items():
            self._add(name.lower(), entries)

    def _add(self, name, entries):
        records = list(records_of(entries))
        for kind, data in records:
            self.zone.add_record(name, kind, data)
        if 'TIMEOUT' in entries:
            self.silent[name] = {kind for kind, _ in records}


def records_of(entries):
    """(type, data) for one name.  As in the suite's own driver: SPF stands for TXT where there is no TXT, and
    "TXT: NONE" says that there is none indeed."""
    pairs = [pair for entry in entries if entry != 'TIMEOUT' for pair in entry.items()]
    has_txt = any(kind == 'TXT' for kind, _ in pairs)
    for kind, value in pairs:
        if kind == 'SPF' and not has_txt:
            kind = 'TXT'
        if kind == 'TXT' and value != 'NONE':
            strings = [value] if isinstance(value, str) else value
            yield kind, [string.encode() for string in strings]
        elif kind == 'MX':
            yield kind, f'{value[0]} {value[1] or "."}'
        elif kind in ('A', 'AAAA', 'PTR', 'CNAME'):
            yield kind, value


class Test:
    __test__ = False  # for pytest, which takes it for one of its own

    def __init__(self, scenario, name, values):
        self.scenario = scenario
        self.name = name
        self.client = values['host']
        self.helo = values['helo']
        self.sender = values['mailfrom']
        self.comment = values.get('comment', '') or values.get('description', '')
        result = values['result']
        self.results = [result] if isinstance(result, str) else result

    def __repr__(self):
        return f'{self.client} {self.helo!r} <{self.sender}>: {" or ".join(self.results)}'


def read_suite():
    """All of them, in the file's order; none when the file is missing."""
    if not FILE.exists():
        return []
    with gzip.open(FILE) as file:
        return [test for document in yaml.safe_load_all(file) for test in Scenario(document).tests]
