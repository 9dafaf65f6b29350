#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The limits that all sources keep, and how long their functions are."""

import ast
import math
import os
import re
import sys

import cpp_text
import report
import source_tree

_COLUMNS_MAX = 100
_FUNCTION_LINES_MAX = 70
_FILE_LINES_MAX = 500
_PUBLIC_HEADER_LINES_MAX = 200
_MEDIAN_GOAL, _P95_GOAL = 8, 40

_SPDX = "SPDX-License-Identifier: MIT OR Apache-2.0"
_CPP = (".cc", ".h")
_PYTHON = (".py", ".bzl")
_PROSE = (".md", ".txt")
_WITHOUT_LICENCE_LINE = (".bazelignore", ".bazelrc", ".clang-format", ".clang-tidy", ".gitignore")

# Files in which the preprocessor decides, each with the one thing that it decides on.
_CONDITIONS = {"reactor/misuse.h": "NDEBUG"}
_CONDITION = re.compile(r"# ?(if|ifdef|ifndef|elif)\b ?(.*)")
_LANGUAGE_CHECK = "__cplusplus < 202002L"

# A reason in parentheses and what is to be done make one acceptable.
_UNEXPLAINED = re.compile(r"\b(?:TO[D]O|FIX[M]E)\b(?!\([^)]+\): \S)")
# Paths that exist on one machine only. What is made in /tmp has a name that tells whose it is.
_PRIVATE_PATH = re.compile(
    r"(?<![\w.}])/(?:root|home/\w+|work|Users/\w+)(?:/|\b)|/tmp/(?!k-|kairos)\w"
)
_TRACKER = re.compile(r"\b(?:issue|ticket|bug) #?\d+", re.I)
_DOCUMENT = re.compile(r"\b[A-Z][A-Z_-]+\.md\b")


class Source:
    """One file, and what is asked of it."""

    def __init__(self, path, text, exists=os.path.isfile):
        self.path, self.text, self.exists = path, text, exists
        self.lines = text.splitlines()
        self.is_prose = path.endswith(_PROSE) or os.path.basename(path).startswith("LICENSE")

    def problems(self):
        found = self.private_words()
        if not self.is_prose:
            found += self.licence_line() + self.lengths() + self.unexplained()
        if self.path.endswith(_CPP):
            found += self.conditions() + self.guard()
        return found + self.long_functions()

    def at(self, line, problem):
        return "%s:%d: %s" % (self.path, line, problem)

    def matches(self, pattern, problem):
        return [
            self.at(number, problem % match[0].strip())
            for number, line in enumerate(self.lines, 1)
            for match in pattern.finditer(line)
        ]

    def private_words(self):
        folder = os.path.dirname(self.path)
        absent = [
            self.at(number, "names %s, which does not exist" % name)
            for number, line in enumerate(self.lines, 1)
            for name in _DOCUMENT.findall(line)
            if not self.exists(name) and not self.exists(os.path.join(folder, name))
        ]
        return (
            absent
            + self.matches(_PRIVATE_PATH, "names a path of one machine: %s")
            + self.matches(_TRACKER, "says '%s' instead of what it is about")
        )

    def licence_line(self):
        if os.path.basename(self.path) in _WITHOUT_LICENCE_LINE:
            return []
        # A script begins with its interpreter.
        first = [line for line in self.lines[:2] if not line.startswith("#!")][:1]
        if first and re.fullmatch(r"(//|#) " + re.escape(_SPDX), first[0]):
            return []
        return [self.at(1, "does not begin with " + _SPDX)]

    def lengths(self):
        found = [
            self.at(number, "has %d columns of at most %d" % (len(line), _COLUMNS_MAX))
            for number, line in enumerate(self.lines, 1)
            if len(line) > _COLUMNS_MAX
        ]
        most = _PUBLIC_HEADER_LINES_MAX if self.is_public_header() else _FILE_LINES_MAX
        if len(self.lines) > most:
            found.append(self.at(len(self.lines), "the file has more than %d lines" % most))
        return found

    def is_public_header(self):
        folder, name = os.path.split(self.path)
        if folder == "reactor":
            return name in ("reactor.h", "simulation.h")
        return folder in ("transports", "futures-addon") and name.endswith(".h")

    def unexplained(self):
        return self.matches(_UNEXPLAINED, "%s without a reason")

    def guard_name(self):
        return "KAIROS_" + re.sub(r"\W", "_", self.path).upper() + "_"

    def conditions(self):
        found = []
        for line, directive in cpp_text.directives(self.text):
            match = _CONDITION.match(directive)
            allowed = (self.guard_name(), _LANGUAGE_CHECK, _CONDITIONS.get(self.path))
            if match and match[2] not in allowed:
                found.append(self.at(line, "the preprocessor decides: " + directive))
        return found

    def guard(self):
        if not self.path.endswith(".h"):
            return []
        name = self.guard_name()
        first = [directive for _, directive in cpp_text.directives(self.text)[:2]]
        if first == ["#ifndef " + name, "#define " + name]:
            return []
        return [self.at(1, "is not guarded by " + name)]

    def functions(self):
        if self.path.endswith(_CPP):
            return cpp_text.functions(self.text)
        if self.path.endswith(_PYTHON):
            return python_functions(self.text)
        return shell_functions(self.lines) if self.lines[:1] == ["#!/bin/bash"] else []

    def long_functions(self):
        most = _FUNCTION_LINES_MAX
        return [
            self.at(f.first, "%s has %d lines of at most %d" % (f.name, f.lines, most))
            for f in self.functions()
            if f.lines > most
        ]


def python_functions(text):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    return [cpp_text.Function(node.name, node.lineno, node.end_lineno) for node in nodes]


def shell_functions(lines):
    found, begun = [], None
    for number, line in enumerate(lines, 1):
        head = re.match(r"(\w+)\(\) [{(]$", line)
        if head:
            begun = (head[1], number)
        elif begun and line in ("}", ")"):
            found.append(cpp_text.Function(*begun, number))
            begun = None
    return found


def summary(sources):
    """Lines that say how long the functions of each part are."""
    lengths = {}
    for source in sources:
        if source.path.endswith(_CPP):
            top = source.path.split("/")[0]
            lengths.setdefault(top, []).extend((f.lines, f.name) for f in source.functions())
    lines = []
    for top, found in sorted(lengths.items()):
        if found:
            found.sort()
            counts = [count for count, _ in found]
            median, p95 = counts[len(counts) // 2], counts[math.ceil(0.95 * len(counts)) - 1]
            met = "within" if median <= _MEDIAN_GOAL and p95 <= _P95_GOAL else "above"
            lines.append(
                "%s: %d functions, lines: median %d, p95 %d (%s the goals %d and %d), most %d: %s"
                % (top, len(counts), median, p95, met, _MEDIAN_GOAL, _P95_GOAL, *found[-1])
            )
    return lines


def main():
    def exists(path):
        return os.path.isfile(os.path.join(source_tree.root(), path))

    sources = [Source(path, text, exists) for path, text in source_tree.files()]
    print("\n".join(summary(sources)))
    sys.stdout.flush()
    report.finish([problem for source in sources for problem in source.problems()], sources)


if __name__ == "__main__":
    main()
