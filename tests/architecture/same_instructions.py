#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""same_instructions.py OFF WITHOUT ON: tracking that is off costs not one instruction.

Three translations of the same functions, as assembly: with the tracking off, with all that speaks
of tracking deleted from the sources, and with the tracking on, which shows that it would be seen.
"""

import difflib
import re
import sys

import report

# Not directives, labels and comments; names of files are in directives.
_INSTRUCTION = re.compile(r"^\s+([a-z][^#\n]*)", re.M)
# Compilers count texts, and leave out those that nobody uses, some before and some after counting.
_NUMBER_OF_TEXT = re.compile(r"(\.L\.str|\.LC)[.\d]*")
_INSTRUCTIONS_MIN = 500


def instructions(assembly):
    assembly = _NUMBER_OF_TEXT.sub(r"\1", assembly)
    return [" ".join(found.split()) for found in _INSTRUCTION.findall(assembly)]


def problems(off, without, on):
    off, without, on = instructions(off), instructions(without), instructions(on)
    found = [
        "one instruction differs: " + line
        for line in difflib.unified_diff(without, off, "without", "off", lineterm="", n=0)
    ]
    if len(off) < _INSTRUCTIONS_MIN:
        found.append("%d instructions cannot be all" % len(off))
    if len(on) <= len(off):
        found.append("tracking that is on has no more instructions: %d" % len(on))
    return found[:20]


def main():
    texts = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    report.finish(problems(*texts), instructions(texts[0]))


if __name__ == "__main__":
    main()
