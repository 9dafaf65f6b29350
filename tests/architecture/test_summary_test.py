#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bazel/test_summary.py counts what happened, also when it happened in an unusual way."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

import source_tree

sys.path.insert(0, os.path.join(source_tree.root(), "bazel"))
import test_summary  # pylint: disable=wrong-import-position

_HALFWAY = "[==========] Running 2 tests from 1 test suite.\n[ RUN      ] A.b\n"
_WHOLE = _HALFWAY + "[==========] 2 tests from 1 test suite ran. (0 ms total)\n"


class Summary(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.events = []

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def add_test(self, label, xml, status="PASSED", attempt=1):
        outputs = []
        if xml is not None:
            path = self.write("%s %d.xml" % (label.strip("/"), attempt), xml)
            outputs = [{"name": "test.xml", "uri": "file://" + path.replace(" ", "%20")}]
        key = {"label": label, "run": 1, "shard": 1, "attempt": attempt}
        result = {"status": status, "testActionOutput": outputs}
        self.events.append({"id": {"testResult": key}, "testResult": result})

    def add_target(self, label, kind="cc_test rule", **event):
        self.events.append(
            {"id": {"targetConfigured": {"label": label}}, "configured": {"targetKind": kind}}
        )
        self.events.append({"id": {"targetCompleted": {"label": label}}, **event})

    def finish(self, outcome="SUCCESS"):
        finished = {"id": {"buildFinished": {}}, "finished": {"exitCode": {"name": outcome}}}
        lines = [json.dumps(event) for event in self.events + [finished]]
        return self.run_with(self.write("events.json", "\n".join(lines)))

    def run_with(self, *arguments):
        """Returns the exit status and the last line."""
        out = io.StringIO()
        sys.argv = ["test_summary.py", *arguments]
        with contextlib.redirect_stdout(out), self.assertRaises(SystemExit) as end:
            test_summary.main()
        return end.exception.code, out.getvalue().splitlines()[-1]

    def test_counts_cases(self):
        self.add_test("//a", "<s><testcase name='x'/><testcase name='y'/></s>")
        self.add_test("//b", "<s><testcase name='x'><failure/></testcase></s>", "FAILED")
        self.add_test("//c", "<s><testcase name='x' status='notrun'/><testcase name='y'/></s>")
        self.assertEqual(self.finish("TESTS_FAILED"), (1, "3 passed, 1 failed, 1 skipped"))

    def test_counts_a_test_without_cases_once(self):
        self.add_test("//a", "<s/>")
        self.add_test("//b", None)
        self.assertEqual(self.finish(), (0, "2 passed, 0 failed"))

    def test_counts_a_crash_after_cases_that_passed(self):
        self.add_test("//a", "<s><testcase name='x'/></s>", "FAILED")
        self.assertEqual(self.finish("TESTS_FAILED"), (1, "1 passed, 1 failed"))

    def test_sees_a_program_that_left_halfway(self):
        xml = "<s><testcase name='x'/><system-out>%s</system-out></s>"
        self.add_test("//a", xml % _HALFWAY)
        self.add_test("//b", xml % _WHOLE)
        self.assertEqual(self.finish(), (1, "1 passed, 1 failed"))

    def test_takes_the_last_attempt(self):
        self.add_test("//a", "<s><testcase name='x'><failure/></testcase></s>", "FAILED", 1)
        self.add_test("//a", "<s><testcase name='x'/></s>", "FLAKY", 2)
        self.assertEqual(self.finish(), (0, "1 passed, 0 failed"))

    def test_counts_what_did_not_build(self):
        self.add_test("//a", "<s/>")
        self.add_target("//a", completed={"success": True})
        self.add_target("//b", completed={})
        self.add_target("//c", kind="cc_library rule", aborted={"reason": "ANALYSIS_FAILURE"})
        self.assertEqual(self.finish("BUILD_FAILURE"), (1, "1 passed, 2 failed"))

    def test_counts_tests_that_are_not_for_this_machine(self):
        self.add_test("//a", "<s/>")
        self.add_target("//b", aborted={"reason": "SKIPPED"})
        self.add_target("//c", kind="cc_library rule", aborted={"reason": "SKIPPED"})
        self.assertEqual(self.finish(), (0, "1 passed, 0 failed, 1 skipped"))

    def test_fails_when_nothing_ran(self):
        self.assertEqual(self.finish(), (1, "0 passed, 1 failed"))
        self.assertEqual(self.finish("NO_TESTS_FOUND"), (1, "0 passed, 1 failed"))
        self.assertEqual(self.run_with(), (1, "0 passed, 0 failed"))

    def test_fails_when_bazel_was_interrupted(self):
        self.add_test("//a", "<s/>")
        self.assertEqual(self.finish("INTERRUPTED"), (1, "1 passed, 1 failed"))

    def test_fails_when_a_file_is_missing_or_broken(self):
        self.assertEqual(self.run_with("/nowhere.json"), (1, "0 passed, 1 failed"))
        self.assertEqual(self.run_with(self.write("x", "{")), (1, "0 passed, 1 failed"))
        self.add_test("//a", "<s>")
        self.assertEqual(self.finish(), (1, "0 passed, 1 failed"))

    def test_adds_checks_that_are_no_tests(self):
        self.assertEqual(self.run_with("format=0", "tidy=0"), (0, "2 passed, 0 failed"))
        self.assertEqual(self.run_with("format=0", "tidy=1"), (1, "1 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
