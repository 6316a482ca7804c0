# SPDX-License-Identifier: BSD-2-Clause
"""What Sixgate wants to be, and whether this run says that it is."""

from dataclasses import dataclass

from report import GATE, NULL, NULL_SYNC, SIXGATED, number, of_other, scaled, table, worst_of_quiet

SPF_PYTHON = 'policyd-spf (Python)'
AT_LEAST, AT_MOST = 'at least', 'at most'


@dataclass(frozen=True)
class Target:
    work: str
    what: str
    bound: str
    limit: float
    unit: str
    measured: float | None  # None: not in this run

    def verdict(self):
        if self.measured is None:
            return 'not measured'
        is_met = self.measured >= self.limit if self.bound == AT_LEAST else self.measured <= self.limit
        return 'met' if is_met else '**not met**'


def all_targets(results, growth):
    """growth: the sizes that were measured, or ()."""
    def grown(name):
        """The largest size as a multiple of the smallest."""
        if not growth:
            return None
        return results.ratio(*((f'known-50 at {size}', SIXGATED, name) for size in (growth[-1], growth[0])))

    largest = f'known-50 at {growth[-1]}' if growth else 'known-50'
    return (
        Target('known, 50 connections', 'rate', AT_LEAST, 0.4, 'of null',
               of_other(results, 'known-50', SIXGATED, NULL, 'rate')),
        Target('known, 50 connections', 'p99', AT_MOST, 4, "times null's",
               of_other(results, 'known-50', SIXGATED, NULL, 'p99_us')),
        Target('known, 1 connection', 'rate', AT_LEAST, 0.6, 'of null',
               of_other(results, 'known-1', SIXGATED, NULL, 'rate')),
        Target('new, 50 connections, store_sync = full', 'rate', AT_LEAST, 0.6, 'of null that syncs in groups',
               of_other(results, 'new-50', SIXGATED, NULL_SYNC, 'rate')),
        Target('gate with FCrDNS and SPF, cache warm', 'rate', AT_LEAST, 0.3, 'of null',
               of_other(results, 'gate-warm', GATE, NULL, 'rate')),
        Target('gate, every sender a new domain', 'rate', AT_LEAST, 30, 'times policyd-spf (Python)',
               of_other(results, 'gate-new', GATE, SPF_PYTHON, 'rate')),
        Target(growth_words(growth), 'rate', AT_LEAST, 0.8, 'of the small one', grown('rate')),
        Target(growth_words(growth), 'p99', AT_MOST, 2, "times the small one's", grown('p99_us')),
        Target(growth_words(growth), 'start', AT_MOST, 1.5, "times the small one's", grown('start_s')),
        Target('expiry while serving', 'worst answer', AT_MOST, 3, 'times the quiet p99',
               worst_of_quiet(results, 'expiry', SIXGATED)),
        Target('memory', f'RSS ({largest})', AT_MOST, 32, 'MiB',
               scaled(results.median(largest, SIXGATED, 'VmRSS'), 1 / 1024)),
        Target('memory', 'an idle connection', AT_MOST, 8, 'kB',
               scaled(results.median('idle', SIXGATED, 'bytes_a_connection'), 1e-3)),
        Target('disk', 'database', AT_MOST, 130, 'bytes an entry',
               results.median(largest, SIXGATED, 'bytes_an_entry')),
    )


def growth_words(growth):
    return f'from {growth[0]:,} to {growth[-1]:,} entries' if growth else 'growth'


def targets_table(results, growth):
    yield from table(['work', 'what', 'target', 'measured', 'met?'], (
        [target.work, target.what, f'{target.bound} {target.limit:g} {target.unit}', number(target.measured),
         target.verdict()] for target in all_targets(results, growth)))
