#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Add up the results that tools/check has gathered in a directory: JUnit files, and the file "steps" with a
line "ok|not ok|skip NAME" for each step of its own.  Prints what failed, then the closing line."""

import glob
import os
import sys
import xml.etree.ElementTree as xml


def read_junit(path):
    """(outcome, name) of every case in a JUnit file; meson writes one case a subtest."""
    label = os.path.basename(path)[:-len(".xml")]
    for case in xml.parse(path).getroot().iter("testcase"):
        name = f"{label}: {case.get('classname', '')} {case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name
        elif case.find("skipped") is not None:
            yield "skipped", name
        else:
            yield "passed", name


def read_steps(path):
    outcomes = {"ok ": "passed", "not ok ": "failed", "skip ": "skipped"}
    with open(path) as lines:
        for line in lines:
            for word, outcome in outcomes.items():
                if line.startswith(word):
                    yield outcome, line[len(word):].strip()


def main():
    directory = sys.argv[1]
    results = list(read_steps(os.path.join(directory, "steps")))
    for path in sorted(glob.glob(os.path.join(directory, "*.xml"))):
        results += read_junit(path)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for outcome, name in results:
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name}")
    closing = f"{counts['passed']} passed, {counts['failed']} failed"
    if counts["skipped"] > 0:
        closing += f", {counts['skipped']} skipped"
    print(closing)
    return 0 if counts["failed"] == 0 and counts["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
