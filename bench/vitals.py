# SPDX-License-Identifier: BSD-2-Clause
"""Memory and descriptors of a process over time, and whether they grow."""

import os
import threading
import time
from dataclasses import dataclass
from statistics import median

from report import table
from server import cpu_s, memory_kb

PARTS = 4  # the first is for warming up, and the last is compared with the second
GROWTH_SHARE = 0.05
GROWTH_KB = 1024


@dataclass(frozen=True)
class Sample:
    after_s: float
    rss_kb: int
    descriptors: int
    threads: int
    cpu_s: float


class Vitals:
    """Samples every every_s while the context lasts."""

    def __init__(self, pid, every_s):
        self.samples = []
        self._pid = pid
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        begin_s = time.monotonic()
        while not self._stop.wait(self._every_s):
            self.samples.append(Sample(time.monotonic() - begin_s, memory_kb(self._pid)['VmRSS'],
                                       len(os.listdir(f'/proc/{self._pid}/fd')),
                                       len(os.listdir(f'/proc/{self._pid}/task')), cpu_s(self._pid)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def lines(self):
        """All samples, in Markdown."""
        return table(['after s', 'RSS KiB', 'descriptors', 'threads', 'CPU s'], (
            [f'{sample.after_s:.0f}', f'{sample.rss_kb:,}', str(sample.descriptors), str(sample.threads),
             f'{sample.cpu_s:.1f}'] for sample in self.samples))

    def part(self, number, name):
        """The median of a figure in a part of the time, counted from 1."""
        size = len(self.samples) / PARTS
        return median(getattr(sample, name) for sample in
                      self.samples[int((number - 1) * size):max(int(number * size), int((number - 1) * size) + 1)])

    def growth(self):
        """What has grown, a line each."""
        if len(self.samples) < PARTS:
            return ['too short: there are not enough samples']
        lines = []
        second, last = (self.part(number, 'rss_kb') for number in (2, PARTS))
        if last > second * (1 + GROWTH_SHARE) + GROWTH_KB:
            lines.append(f'memory grows: {second:,.0f} KiB in the second quarter, {last:,.0f} in the last')
        for name in ('descriptors', 'threads'):
            second, last = (self.part(number, name) for number in (2, PARTS))
            if last > second:
                lines.append(f'{name} grow: {second:g} in the second quarter, {last:g} in the last')
        return lines
