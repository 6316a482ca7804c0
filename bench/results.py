# SPDX-License-Identifier: BSD-2-Clause
"""All figures of a run, and what can be told of several rounds of them."""

from statistics import median


class Results:
    """rows: one dict a measurement, with "work", "contender", "round" and its figures."""

    def __init__(self):
        self.rows = []

    def add(self, work, contender, number, figures):
        self.rows.append({'work': work, 'contender': contender, 'round': number, **figures})

    def contenders(self, work):
        return list(dict.fromkeys(row['contender'] for row in self.rows if row['work'] == work))

    def values(self, work, contender, *path):
        """The figure of each round; path leads through nested figures."""
        rows = [row for row in self.rows if row['work'] == work and row['contender'] == contender]
        for name in path:
            rows = [row.get(name) for row in rows if row is not None]
        return [value for value in rows if value is not None]

    def median(self, work, contender, *path):
        values = self.values(work, contender, *path)
        return median(values) if values else None

    def ratio(self, mine, theirs):
        """The median of the ratios of two figures of the same round, each told as (work, contender, *path)."""
        mine, theirs = self._by_round(*mine), self._by_round(*theirs)
        ratios = [mine[number] / theirs[number] for number in mine if theirs.get(number)]
        return median(ratios) if ratios else None

    def wrong(self):
        """What was answered otherwise than it must be, a line each."""
        return [f'{row["work"]}, {row["contender"]}, round {row["round"]}: {row["wrong"]} wrong answers, the first: '
                f'{row.get("first_wrong", "")}' for row in self.rows if row.get('wrong')]

    def _by_round(self, work, contender, *path):
        figures = {row['round']: row for row in self.rows if row['work'] == work and row['contender'] == contender}
        for name in path:
            figures = {number: row[name] for number, row in figures.items() if row.get(name) is not None}
        return figures
