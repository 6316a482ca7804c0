# SPDX-License-Identifier: BSD-2-Clause
"""The tables, in Markdown."""

NULL, NULL_SYNC = 'null', 'null --sync'
SIXGATED, GATE = 'sixgated, greylist', 'sixgated, gate'


def number(value, digits=3):
    """With three digits that mean something: 123,000, 12.3, 0.123."""
    if value is None:
        return '-'
    if value == 0:
        return '0'
    if abs(value) >= 10 ** (digits - 1):
        size = 10 ** (len(str(int(abs(value)))) - digits)
        return f'{round(value / size) * size:,.0f}' if size >= 1 else f'{value:,.0f}'
    return f'{value:.{digits}g}'


def spread(values, factor=1.0):
    """The median, and the range in parentheses."""
    if not values:
        return '-'
    ordered = sorted(value * factor for value in values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    if len(ordered) == 1:
        return number(middle)
    return f'{number(middle)} ({number(ordered[0])}–{number(ordered[-1])})'


def part(value):
    """A ratio: 0.45, or 1/148 where that reads better."""
    if value is None:
        return '-'
    return f'{value:.2f}' if value >= 0.1 else f'1/{number(1 / value)}'


def scaled(value, factor):
    return None if value is None else value * factor


def of_other(results, work, contender, other, name):
    return results.ratio((work, contender, name), (work, other, name))


def table(head, rows):
    """head: names of columns; all but the first are numbers."""
    yield '| ' + ' | '.join(head) + ' |'
    yield '|---|' + '--:|' * (len(head) - 1)
    for row in rows:
        yield '| ' + ' | '.join(row) + ' |'


def rate_table(results, work):
    syncs = NULL_SYNC in results.contenders(work)
    head = ['server', 'requests/s (range)', 'of null', *(['of null --sync'] if syncs else []), 'p50 ms', 'p95 ms',
            'p99 ms', 'max ms', 'CPU µs a request', 'RSS MiB', 'peak MiB', 'start ms', 'disk bytes an entry']

    def row(contender):
        def middle(name, factor=1.0):
            return number(scaled(results.median(work, contender, name), factor))

        return [contender, spread(results.values(work, contender, 'rate')),
                part(of_other(results, work, contender, NULL, 'rate')),
                *([part(of_other(results, work, contender, NULL_SYNC, 'rate'))] if syncs else []),
                middle('p50_us', 1e-3), middle('p95_us', 1e-3),
                spread(results.values(work, contender, 'p99_us'), 1e-3),
                spread(results.values(work, contender, 'max_us'), 1e-3),
                middle('cpu_us'), middle('VmRSS', 1 / 1024), middle('VmHWM', 1 / 1024), middle('start_s', 1e3),
                middle('bytes_an_entry')]

    yield from table(head, map(row, results.contenders(work)))


def expiry_table(results, work):
    head = ['server', 'requests/s asked', 'quiet: p50 ms', 'p99 ms', 'worst ms', 'expiring: p50 ms', 'p99 ms',
            'worst ms', 'worst / quiet p99', 'not yet removed']

    def row(contender):
        def times(when):
            return [spread(results.values(work, contender, when, name), 1e-3)
                    for name in ('p50_us', 'p99_us', 'max_us')]

        return [contender, number(results.median(work, contender, 'rate_asked')), *times('quiet'),
                *times('expiring'), number(worst_of_quiet(results, work, contender)),
                number(results.median(work, contender, 'expiring', 'left'))]

    yield from table(head, map(row, results.contenders(work)))


def worst_of_quiet(results, work, contender):
    """The worst answer while entries expire, as a multiple of the quiet p99 of the same round."""
    return results.ratio((work, contender, 'expiring', 'max_us'), (work, contender, 'quiet', 'p99_us'))


def idle_table(results, work):
    yield from table(['server', 'bytes a connection'], (
        [contender, spread(results.values(work, contender, 'bytes_a_connection'))]
        for contender in results.contenders(work)))


def growth_table(results, sizes):
    head = ['entries', 'requests/s (range)', 'of null', 'p99 ms', 'null: p99 ms', 'RSS MiB', 'disk bytes an entry',
            'start ms', 'quiet p99 ms', 'worst ms, expiring', 'worst / quiet p99', 'not yet removed']

    def row(entries):
        known, expiry = f'known-50 at {entries}', f'expiry at {entries}'
        return [f'{entries:,}', spread(results.values(known, SIXGATED, 'rate')),
                part(of_other(results, known, SIXGATED, NULL, 'rate')),
                spread(results.values(known, SIXGATED, 'p99_us'), 1e-3),
                spread(results.values(known, NULL, 'p99_us'), 1e-3),
                spread(results.values(known, SIXGATED, 'VmRSS'), 1 / 1024),
                number(results.median(known, SIXGATED, 'bytes_an_entry')),
                spread(results.values(known, SIXGATED, 'start_s'), 1e3),
                spread(results.values(expiry, SIXGATED, 'quiet', 'p99_us'), 1e-3),
                spread(results.values(expiry, SIXGATED, 'expiring', 'max_us'), 1e-3),
                number(worst_of_quiet(results, expiry, SIXGATED)),
                number(results.median(expiry, SIXGATED, 'expiring', 'left'))]

    yield from table(head, map(row, sizes))
