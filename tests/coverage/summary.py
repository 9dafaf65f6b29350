#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lines and branches of the core that the tests take, from what `bazel coverage` wrote.

    bazel coverage //tests/conformance/... //tests/reactor/... //tests/sweeps/... &&
        tests/coverage/summary.py

Branches of two kinds do not count: those by exceptions that a call may throw, which are left out
when the report is written, and those of assert(). Fails when fewer than 95% of the others are
taken, when untaken.txt does not explain one that is not, or explains a line that is not there.
"""

import argparse
import collections
import os
import re
import sys

_PERCENT_MIN = 95
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_ASSERTION = re.compile(r"^\s*(?:static_)?assert\(")
# What uses the core, and what stands in for the OS under it in tests.
_NOT_THE_CORE = ("reactor/examples/", "reactor/simulation")


class File:
    """What the report says of one source file."""

    def __init__(self):
        self.lines = {}  # number: count
        self.branches = collections.defaultdict(list)  # line number: counts of its ways out

    def untaken(self, number):
        return sum(count == 0 for count in self.branches[number])


def read_report(path):
    files, name = collections.defaultdict(File), None
    with open(path, encoding="utf-8") as report:
        for record in report:
            key, _, value = record.strip().partition(":")
            fields = value.split(",")
            if key == "SF":
                name = value
            elif key == "DA":
                files[name].lines[int(fields[0])] = int(fields[1])
            elif key == "BRDA":
                files[name].branches[int(fields[0])].append(int(fields[3]))
    return files


def read_explanations(path):
    """{(file, text of the line): (how many branches, why)}."""
    explained = {}
    with open(path, encoding="utf-8") as stream:
        blocks = re.split(r"\n\n+", re.sub(r"^#.*\n?", "", stream.read(), flags=re.M).strip())
    for block in filter(None, blocks):
        head, code, *why = block.split("\n")
        file, count = head.split()
        explained[file, code.strip()] = (int(count), " ".join(line.strip() for line in why))
    return explained


class Summary:
    def __init__(self, files, sources, explained):
        self.files, self.sources, self.explained = files, sources, explained
        self.problems = []
        self.taken = self.found = 0

    def add(self, name):
        """Counts one source file and prints a line about it."""
        file, source = self.files[name], self.sources[name]
        taken = found = excused = 0
        for number in sorted(file.branches):
            text = source[number - 1].strip()
            if _ASSERTION.match(text):
                continue
            untaken = file.untaken(number)
            allowed = min(self.explained.get((name, text), (0, ""))[0], untaken)
            if untaken > allowed:
                what = "%d of %d branches not taken" % (untaken, len(file.branches[number]))
                self.problems.append("%s:%d: %s: %s" % (name, number, what, text))
            excused += allowed
            found += len(file.branches[number])
            taken += len(file.branches[number]) - untaken
        hit = sum(count > 0 for count in file.lines.values())
        print(
            "%-44s lines %4d of %4d   branches %4d of %4d, %d explained"
            % (name, hit, len(file.lines), taken, found, excused)
        )
        self.taken += taken
        self.found += found

    def finish(self):
        for name, text in self.explained:
            if text not in map(str.strip, self.sources.get(name, [])):
                self.problems.append("untaken.txt: there is no such line in %s: %s" % (name, text))
        percent = 100 * self.taken / max(self.found, 1)
        if percent < _PERCENT_MIN:
            self.problems.append("fewer than %d%% of the branches are taken" % _PERCENT_MIN)
        for problem in self.problems:
            print(problem)
        print("branches taken: %d of %d, %.1f%%" % (self.taken, self.found, percent))
        return not self.problems


def core_sources():
    """{path: lines} of the .cc files and headers of the core."""
    sources = {}
    for folder, _, names in os.walk(os.path.join(_ROOT, "reactor")):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), _ROOT)
            if path.endswith((".cc", ".h")) and not path.startswith(_NOT_THE_CORE):
                with open(os.path.join(_ROOT, path), encoding="utf-8") as stream:
                    sources[path] = stream.read().splitlines()
    return sources


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report = os.path.join(_ROOT, "bazel-out/_coverage/_coverage_report.dat")
    parser.add_argument("report", nargs="?", default=report)
    args = parser.parse_args()
    files, sources = read_report(args.report), core_sources()
    explained = read_explanations(os.path.join(_ROOT, "tests/coverage/untaken.txt"))
    summary = Summary(files, sources, explained)
    for name in sorted(sources):
        if name in files:
            summary.add(name)
        elif name.endswith(".cc"):
            summary.problems.append(name + ": no test links it")
    sys.exit(0 if summary.finish() else 1)


if __name__ == "__main__":
    main()
