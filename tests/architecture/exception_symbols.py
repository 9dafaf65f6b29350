#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""exception_symbols.py without|with ARCHIVE...: no trace of exceptions and RTTI is in the objects.

`with` shows that the core built as usual does have it, so that `without` means something.
"""

import sys

import archive_symbols
import report

# The first stands wherever an exception may pass, the others are RTTI of the core's own classes.
_MARKS = ("__gxx_personality_v0", "typeinfo for kairos::", "typeinfo name for kairos::")


def marks(names):
    return sorted({mark for mark in _MARKS for name in names if name.startswith(mark)})


def main():
    mode, archives = sys.argv[1], sys.argv[2:]
    names = archive_symbols.undefined(archives) | set(archive_symbols.defined(archives))
    found = marks(names)
    problems = ["there is " + mark for mark in found]
    if mode == "with":
        problems = ["there is no " + mark for mark in _MARKS if mark not in found]
    report.finish(problems, names)


if __name__ == "__main__":
    main()
