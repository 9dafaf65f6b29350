#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bazel run -c opt //bench:report [-- --rounds=N --quick --only=REGEX --output=FOLDER]

Measures all cases of all contestants and writes the report: a section of README.md, report.svg,
and all rounds as rounds.csv. With --quick or --only it leaves the published files alone and writes
to a new folder under /tmp, unless --output names one.
"""

import argparse
import csv
import os
import re
import sys
import tempfile
import time

from reporting import cases, conditions, counts, measure, plot, ratios, text


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=None, help="default: 9")
    parser.add_argument("--quick", action="store_true", help="small cases, 2 rounds, few samples")
    parser.add_argument("--only", metavar="REGEX", help="cases whose name it is found in")
    parser.add_argument("--output", metavar="FOLDER")
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (2 if chosen.quick else 9)
    return chosen


def _chosen_cases(wanted, descriptors):
    chosen = [
        case for case in cases.all_cases(descriptors)
        if (case.is_small or not wanted.quick)
        and re.search(wanted.only or "", case.name)
    ]
    if not chosen:
        sys.exit("report: no case matches")
    return chosen


def _program(name):
    """Built beside this script; `bazel run` starts it in the folder of its runfiles."""
    path = os.path.abspath(os.path.join("bench", name))
    if not os.access(path, os.X_OK):
        sys.exit("report: start it by: bazel run -c opt //bench:report")
    return path


def output_folder(wanted, workspace, published):
    if wanted.output:
        folder = os.path.join(workspace, wanted.output)
        os.makedirs(folder, exist_ok=True)
        return folder
    if wanted.quick or wanted.only:
        return tempfile.mkdtemp(prefix="kairos-bench-")
    return os.path.join(workspace, published)


def _write_rounds(path, samples):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["round", "case", "metric", "contestant", "value"])
        for sample in samples:
            writer.writerow([sample.round + 1, sample.case.name, sample.metric,
                             sample.contestant, "%.6g" % sample.value])


def write(folder, results, report, panels=plot.PANELS):
    _write_rounds(os.path.join(folder, "rounds.csv"), results.samples)
    if not plot.draw(results, os.path.join(folder, "report.svg"), panels):
        measure.say("no picture: gnuplot is not installed, or nothing was timed")
    readme = os.path.join(folder, "README.md")
    if not os.path.exists(readme):
        with open(os.path.join(folder, "report.md"), "w", encoding="utf-8") as stream:
            stream.write(report)
        return
    with open(readme, encoding="utf-8") as stream:
        document = stream.read()
    with open(readme, "w", encoding="utf-8") as stream:
        stream.write(text.replace_section(document, report))


def main():
    wanted = arguments(__doc__)
    bench, counted = _program("bench"), _program("bench_counted")
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd())
    folder = output_folder(wanted, workspace, "bench")
    load = os.getloadavg()[0]
    # One core, the last, so that no process is moved while it is timed.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    context = measure.context(bench)
    if context["assertions"] != "off":
        sys.exit("report: figures of a build with assertions mean nothing; use -c opt")
    chosen = _chosen_cases(wanted, int(context["descriptors"]))
    started = time.monotonic()
    flags = ("--samples=2",) if wanted.quick else ()
    results = ratios.Results(
        measure.rounds(bench, chosen, wanted.rounds, flags))
    found = counts.all_counts(bench, counted, chosen)
    report = text.report(
        results, found, conditions.describe(workspace, context, wanted.rounds, load))
    write(folder, results, report)
    print(report)
    measure.say("%d s; written to %s" % (time.monotonic() - started, folder))


if __name__ == "__main__":
    try:
        main()
    except measure.Failure as failure:
        sys.exit("report: %s" % failure)
