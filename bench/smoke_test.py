#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs every workload of every contestant small, so that none rots. The programs themselves check
that the work was done, and end with a sentence when it was not."""

import os
import unittest

from reporting import cases, conditions, counts, measure, ratios, text

_FLAGS = ("--samples=1", "--operations=1000")
_BENCH, _COUNTED = (os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"], "bench",
                                 name) for name in ("bench", "bench_counted"))


def _smallest_cases():
    """Of the cases that differ in numbers only, the first."""
    seen = {}
    for case in cases.all_cases():
        words = [part for part in case.parameters.split("/") if not part.isdigit()]
        seen.setdefault((case.workload, *words), case)
    return list(seen.values())


class SmokeTest(unittest.TestCase):

    def test_every_workload_is_run_by_every_contestant(self):
        chosen = _smallest_cases()
        results = ratios.Results(measure.rounds(_BENCH, chosen, 1, _FLAGS))
        for case in chosen:
            for metric in case.metrics:
                for contestant in cases.CONTESTANTS:
                    with self.subTest(case=case.name, metric=metric, contestant=contestant):
                        # So few objects may fit into memory that was there before.
                        least = -1e6 if case.workload == "Memory" else 1e-3
                        self.assertGreater(results.median(case, metric, contestant), least)
        # The text is made of everything that a report has.
        report = text.report(results, {}, conditions.describe(
            os.getcwd(), measure.context(_BENCH), 1, 0.0))
        self.assertIn("| kairos |", report)

    def test_the_report_knows_every_benchmark_and_no_other(self):
        descriptors = int(measure.context(_BENCH)["descriptors"])
        expected = {
            "BM_%s/%s/%s" % (case.workload, contestant, case.parameters)
            for case in cases.all_cases(descriptors) for contestant in cases.CONTESTANTS
        }
        self.assertEqual(measure.names(_BENCH), expected)

    def test_a_case_that_does_not_exist_is_an_error(self):
        with self.assertRaises(measure.Failure):
            measure.run(_BENCH, cases.Case("Deferred", "1000"), "nobody", _FLAGS)

    def test_dispatch_allocates_nothing(self):
        few, many = (self._allocations(samples) for samples in (1, 5))
        self.assertGreater(few, 100, "the program's own start was not counted")
        self.assertEqual(few, many)

    def _allocations(self, samples):
        flags = ("--operations=1000", "--samples=%d" % samples)
        return counts.allocations(
            measure.run(_COUNTED, cases.Case("Dispatch", "100/100"), "kairos", flags)[1])


if __name__ == "__main__":
    unittest.main()
