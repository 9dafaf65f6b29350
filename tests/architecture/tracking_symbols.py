#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""tracking_symbols.py off|on ARCHIVE...: nothing of the tracking of futures is in the objects.

`on` shows that a build that tracks does have it, so that `off` means something.
"""

import re
import sys

import archive_symbols
import report

_TRACKER = re.compile(r"Tracking::|::Failure::|StackTrace::current|_Unwind_Backtrace")


def main():
    mode, archives = sys.argv[1], sys.argv[2:]
    names = archive_symbols.undefined(archives) | set(archive_symbols.defined(archives))
    found = sorted(name for name in names if _TRACKER.search(name))
    problems = ["it is tracked: " + name for name in found]
    if mode == "on":
        problems = [] if found else ["nothing is tracked"]
    report.finish(problems, names)


if __name__ == "__main__":
    main()
