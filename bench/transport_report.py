#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bazel run -c opt //bench:transport_report [-- --rounds=N --quick --only=REGEX --output=FOLDER]

Measures the transports' servers and writes the report: a section of transports/README.md, and all
rounds as transports/rounds.csv. With --quick or --only it leaves the published files alone and
writes to a new folder under /tmp, unless --output names one.
"""

import os
import re
import sys
import tempfile
import time

import report
from reporting import (conditions, measure, ratios, transport_cases, transport_measure,
                       transport_text)

_PUBLISHED = os.path.join("bench", "transports")


def _chosen_cases(wanted):
    chosen = [case for case in transport_cases.all_cases()
              if re.search(wanted.only or "", case.name)]
    return chosen or sys.exit("transport_report: no case matches")


def _programs(scratch):
    """Built beside this script; `bazel run` starts it in the folder of its runfiles."""
    folder = os.path.abspath(_PUBLISHED)
    if not os.access(os.path.join(folder, "server"), os.X_OK):
        sys.exit("transport_report: start it by: bazel run -c opt //bench:transport_report")
    return transport_measure.Programs(
        folder, os.path.join(folder, "servers", "echo.nim"), scratch)


def main():
    wanted = report.arguments(__doc__)
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd())
    folder = report.output_folder(wanted, workspace, _PUBLISHED)
    load = os.getloadavg()[0]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kairos-nim-") as scratch:
        programs = _programs(scratch)
        # One core, the last, for the server and what puts load on it.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        context = programs.describe()
        if context["assertions"] != "off":
            sys.exit("transport_report: figures of a build with assertions mean nothing; -c opt")
        chosen = _chosen_cases(wanted)
        flags = ("--samples=1", "--milliseconds=20") if wanted.quick else ()
        results = ratios.Results(
            transport_measure.rounds(programs, chosen, wanted.rounds, flags))
        counts = {} if wanted.quick else transport_measure.all_counts(programs, chosen)
    found = conditions.describe(workspace, context, wanted.rounds, load,
                                ("reactor", "transports"))
    text = transport_text.report(results, counts, found)
    report.write(folder, results, text, transport_text.PANELS)
    print(text)
    measure.say("%d s; written to %s" % (time.monotonic() - started, folder))


if __name__ == "__main__":
    try:
        main()
    except measure.Failure as failure:
        sys.exit("transport_report: %s" % failure)
