# SPDX-License-Identifier: BSD-2-Clause
"""Authentication-Results headers (RFC 8601 2.2), read as strictly as the next reader might."""

import re
from typing import NamedTuple

TOKEN = r'[^\x00-\x20\x7f-\xff()<>@,;:\\"/\[\]?=]+'
QUOTED = r'"(?:[^\x00-\x1f\x7f"\\]|\\[ -~])*"'
VALUE = rf'(?:{TOKEN}|{QUOTED})'
METHOD = re.compile(rf'; (?P<method>[a-z-]+)=(?P<result>[a-z]+)(?: \((?P<comment>[^()\\]*)\))?'
                    rf'(?P<properties>(?: [a-z]+\.[a-z]+={VALUE})*)')
PROPERTY = re.compile(rf' ([a-z]+\.[a-z]+)=({VALUE})')
HEADER = re.compile(rf'Authentication-Results: (?P<authserv_id>{VALUE})(?P<methods>.*)')


class Result(NamedTuple):
    result: str
    properties: dict
    comment: str = ''


def parse(header):
    """(authserv-id, results by method) of a header, or of the answer that prepends it."""
    header = header.removeprefix('PREPEND ')
    match = HEADER.fullmatch(header)
    assert match, f'not an Authentication-Results header: {header}'
    results, rest = {}, match['methods']
    while rest:
        method = METHOD.match(rest)
        assert method, f'not RFC 8601 from here on: {rest}   (in {header})'
        properties = {name: _plain(value) for name, value in PROPERTY.findall(method['properties'])}
        assert method['method'] not in results, f'{method["method"]} twice: {header}'
        results[method['method']] = Result(method['result'], properties, method['comment'] or '')
        rest = rest[method.end():]
    assert results, f'a header that says nothing: {header}'
    return _plain(match['authserv_id']), results


def _plain(value):
    return re.sub(r'\\(.)', r'\1', value[1:-1]) if value.startswith('"') else value
