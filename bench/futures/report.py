#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bazel run -c opt //bench/futures [-- --rounds=N --quick]

Measures what futures and coroutines cost, in rounds, beside other ways to do the same, and an echo
server of coroutines beside one of callbacks. Prints the goals, and all of it, as Markdown, and
writes that to README.md and all rounds to rounds.csv; with --quick it leaves these alone.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), os.pardir))

# pylint: disable=wrong-import-position
from reporting import (conditions, futures_goals, measure, text, transport_cases,
                       transport_measure)
from reporting.ratios import Results

_HERE = os.path.join("bench", "futures")
_TRANSPORTS = os.path.join("bench", "transports")
_PEER = "nim"


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=None, help="default: 15")
    parser.add_argument("--quick", action="store_true", help="2 rounds, short, nothing is counted")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (2 if chosen.quick else 15)
    return chosen


class Futures:
    """The programs of this folder, of which each round is a process that gives its least."""

    def __init__(self, folder, scratch, quick):
        self._cases = os.path.join(folder, "cases")
        self._nim = os.path.join(scratch, "futures_nim")
        self._repetitions = 2 if quick else 5
        self._operations = 4_000 if quick else 20_000
        if not os.access(self._cases, os.X_OK):
            sys.exit("report: start it by: bazel run -c opt //bench/futures")

    def build_nim(self, source, scratch):
        transport_measure.build_nim(source, self._nim, scratch)

    def round(self, has_nim):
        """{(workload, contestant): nanoseconds}"""
        found = self._lines((self._cases, "--rounds=%d" % self._repetitions,
                             "--operations=%d" % self._operations, "--least"))
        if not has_nim:
            return found
        peers = [self._lines((self._nim, str(self._operations)))
                 for _ in range(self._repetitions)]
        return {**found, **{name: min(peer[name] for peer in peers) for name in peers[0]}}

    @staticmethod
    def _lines(command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            raise measure.Failure("%s: %s" % (command[0], done.stderr.strip()))
        found = {}
        for line in done.stdout.splitlines():
            *name, nanoseconds = line.split()
            found[tuple(name) if len(name) == 2 else (name[0], _PEER)] = float(nanoseconds)
        return found


def _future_rounds(programs, count, has_nim):
    """{(workload, contestant): [nanoseconds of each round]}"""
    found = {}
    for number in range(count):
        measure.say("round %d of %d: futures" % (number + 1, count))
        for name, nanoseconds in programs.round(has_nim).items():
            found.setdefault(name, []).append(nanoseconds)
    return found


def _echo(programs, rounds, quick):
    chosen = transport_cases.await_cases(small=quick)
    flags = ("--samples=1", "--milliseconds=20") if quick else ()
    results = Results(transport_measure.rounds(programs, chosen, rounds, flags))
    counts = {} if quick else transport_measure.all_counts(programs, chosen)
    for case, found in counts.items():
        for name in found:
            found[name]["allocations"] = transport_measure.allocations(programs, case, name)
    return futures_goals.Echo(results, chosen, counts)


def _publish(folder, times, echo, report):
    with open(os.path.join(folder, "rounds.csv"), "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["round", "workload", "by", "nanoseconds"])
        for (workload, way), values in times.items():
            writer.writerows([number + 1, workload, way, "%.6g" % value]
                             for number, value in enumerate(values))
        writer.writerows([sample.round + 1, sample.case.name, sample.contestant,
                          "%.6g" % sample.value] for sample in echo.results.samples)
    readme = os.path.join(folder, "README.md")
    with open(readme, encoding="utf-8") as stream:
        document = stream.read()
    with open(readme, "w", encoding="utf-8") as stream:
        stream.write(text.replace_section(document, report))


def main():
    wanted = _arguments()
    load = os.getloadavg()[0]
    started = time.monotonic()
    # One core, the last, for all that is measured.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="kairos-nim-") as scratch:
        echo = transport_measure.Programs(os.path.abspath(_TRANSPORTS), None, scratch)
        context = {**echo.describe(), **transport_measure.nim_version()}
        if context["assertions"] != "off" and not wanted.quick:
            sys.exit("report: figures of a build with assertions mean nothing; -c opt")
        programs = Futures(os.path.abspath(_HERE), scratch, wanted.quick)
        if "nim" in context:
            programs.build_nim(os.path.join(_HERE, "futures.nim"), scratch)
        times = _future_rounds(programs, wanted.rounds, "nim" in context)
        found = _echo(echo, wanted.rounds, wanted.quick)
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd())
    report = "\n".join((
        conditions.describe(workspace, context, wanted.rounds, load,
                            ("reactor", "transports", "futures-addon")),
        futures_goals.report(times, found)))
    print(report)
    if not wanted.quick:
        _publish(os.path.join(workspace, _HERE), times, found, report)
    measure.say("%d s" % (time.monotonic() - started))


if __name__ == "__main__":
    try:
        main()
    except measure.Failure as failure:
        sys.exit("report: %s" % failure)
