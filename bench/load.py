# SPDX-License-Identifier: BSD-2-Clause
"""What policy-load is told, and what it says."""

import contextlib
import json
import subprocess
import time
from pathlib import Path

import server

SAMPLE_S = 0.25


class Load:
    """policy-load of the build in tools; each run is one of its JSON objects."""

    def __init__(self, tools):
        self._program = str(tools / 'policy-load')

    def run(self, path, **options):
        """Ask the server at path until it is over.  A wrong answer is told, and is the caller's to judge."""
        return self.finish(self.start(path, **options))

    def start(self, path, **options):
        return self._start('--connect', f'unix:{path}', options)

    def finish(self, process):
        output, errors = process.communicate()
        if not output:
            raise RuntimeError(f'policy-load ended with {process.returncode}: {errors}')
        return {**json.loads(output), 'first_wrong': errors.strip()}

    def run_spawned(self, command, **options):
        """With a process of command for each connection; adds their "cpu_us" a request, and "VmHWM" of the largest."""
        process = self._start('--spawn', command, options)
        samples = []  # (when, CPU time of all of them, memory of the largest), only while they are complete
        while process.poll() is None:
            figures = [figures_of(child) for child in children_of(process.pid)]
            if len(figures) == options['connections'] and None not in figures:
                samples.append((time.monotonic(), sum(cpu_s for cpu_s, _ in figures), max(kb for _, kb in figures)))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SAMPLE_S)
        result = self.finish(process)
        return {**result, 'VmHWM': max((kb for _, _, kb in samples), default=None),
                'cpu_us': cpu_us_of_last_part(samples, result)}

    def population(self, mix, entries):
        """The lines of --print, each a list of client address, client name, sender and recipient."""
        done = subprocess.run([self._program, '--mix', mix, '--entries', str(entries), '--print'],
                              stdout=subprocess.PIPE, text=True, check=True)
        return (line.split('\t') for line in done.stdout.splitlines())

    def print_population(self, mix, entries):
        """The same as a running process, to be read by another one."""
        return subprocess.Popen([self._program, '--mix', mix, '--entries', str(entries), '--print'],
                                stdout=subprocess.PIPE)

    def _start(self, how, where, options):
        words = [str(word) for name, value in options.items() if value is not None
                 for word in (f'--{name}', value)]
        return subprocess.Popen([self._program, how, where, *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def cpu_us_of_last_part(samples, result):
    """What a request cost in the time that was measured, which is the last part of the run."""
    if not samples:
        return None
    part = [sample for sample in samples if sample[0] >= samples[-1][0] - result['seconds'] + SAMPLE_S]
    seconds = part[-1][0] - part[0][0]
    return 1e6 * (part[-1][1] - part[0][1]) / seconds / result['rate'] if seconds > 0 else None


def children_of(pid):
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def figures_of(pid):
    """CPU time and peak of memory; None: it has ended, and a zombie has no memory."""
    try:
        return server.cpu_s(pid), server.memory_kb(pid)['VmHWM']
    except (FileNotFoundError, ProcessLookupError, AttributeError):
        return None
