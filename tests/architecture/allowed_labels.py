#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""allowed_labels.py FILE PREFIX...: every label in FILE, a query's result, begins with a PREFIX."""

import sys

import report

# Bazel's own: the compiler and what describes the machine.
_TOOLCHAIN = ("@bazel_tools//", "@local_config_cc//", "@platforms//")


def problems(labels, prefixes):
    allowed = tuple(prefixes) + _TOOLCHAIN
    return ["forbidden dependency: " + label for label in labels if not label.startswith(allowed)]


def main():
    with open(sys.argv[1]) as stream:
        labels = stream.read().split()
    report.finish(problems(labels, sys.argv[2:]), labels)


if __name__ == "__main__":
    main()
