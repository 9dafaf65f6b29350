#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What counts as covered: summary.py, and the merging of what gcov says."""

import contextlib
import gzip
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.append("bazel")

import lcov_merge
import summary

_SOURCE = ["if (a && b) {", "  assert(c);", "}"]


def summarise(branches, explained=None):
    """The problems of a file whose branches are {line: counts}, and what was printed."""
    file = summary.File()
    for number, counts in branches.items():
        file.branches[number] = counts
    whole = summary.Summary({"a.cc": file}, {"a.cc": _SOURCE}, explained or {})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        whole.add("a.cc")
        whole.finish()
    return whole.problems, printed.getvalue()


class SummaryTest(unittest.TestCase):
    def test_accepts_what_is_taken(self):
        problems, printed = summarise({1: [5, 1]})
        self.assertEqual(problems, [])
        self.assertIn("branches taken: 2 of 2, 100.0%", printed)

    def test_wants_a_reason_for_each_branch_that_is_not(self):
        problems, _ = summarise({1: [5] * 99 + [0]})
        self.assertEqual(len(problems), 1)
        self.assertIn("a.cc:1: 1 of 100 branches not taken: if (a && b) {", problems[0])
        reason = {("a.cc", _SOURCE[0]): (1, "why not")}
        self.assertEqual(summarise({1: [5] * 99 + [0]}, reason)[0], [])
        self.assertEqual(len(summarise({1: [5] * 98 + [0, 0]}, reason)[0]), 1)

    def test_wants_most_to_be_taken_whatever_the_reasons(self):
        reason = {("a.cc", _SOURCE[0]): (1, "why not")}
        self.assertIn("fewer than 95%", summarise({1: [5, 0]}, reason)[0][0])

    def test_refuses_a_reason_for_a_line_that_is_gone(self):
        reason = {("a.cc", "if (d) {"): (1, "why not")}
        self.assertIn("there is no such line", summarise({1: [5, 1]}, reason)[0][0])

    def test_leaves_assertions_aside(self):
        self.assertEqual(summarise({1: [5, 1], 2: [5, 0]})[0], [])

    def test_reads_its_own_list(self):
        explained = summary.read_explanations("tests/coverage/untaken.txt")
        self.assertTrue(explained)
        for count, why in explained.values():
            self.assertGreater(count, 0)
            self.assertTrue(why)


class MergeTest(unittest.TestCase):
    def test_leaves_exceptions_aside_and_adds_up_instances(self):
        def line(*branches):
            ways = [{"count": count, "throw": throw} for count, throw in branches]
            return {"line_number": 7, "count": 9, "branches": ways}

        lines = [
            line((9, False), (0, True), (9, False), (0, False)),  # a call, then a decision
            line((0, False), (4, False)),
        ]
        path = "bazel-out/k8/bin/reactor/_virtual_includes/a/kairos/reactor/a.h"
        document = {"files": [{"file": path, "lines": lines, "functions": []}]}
        with tempfile.TemporaryDirectory() as folder:
            packed = os.path.join(folder, "a.gcov.json.gz")
            with gzip.open(packed, "wt") as out:
                json.dump(document, out)
            coverage = lcov_merge.Coverage()
            coverage.read_gcov_json(packed)
            merged = os.path.join(folder, "report.dat")
            coverage.write_lcov(merged, [])
            files = summary.read_report(merged)
        self.assertEqual(files["reactor/a.h"].branches[7], [9, 4])
        self.assertEqual(files["reactor/a.h"].lines, {7: 18})


if __name__ == "__main__":
    unittest.main()
