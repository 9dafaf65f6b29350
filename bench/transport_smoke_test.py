#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Puts every load on every server of the transports' benchmark, very small. The generator checks
what comes back, and ends with a sentence when that is wrong."""

import os
import tempfile
import unittest

from reporting import (conditions, measure, ratios, transport_cases, transport_measure,
                       transport_text)

_FOLDER = os.path.join(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"], "bench",
                       "transports")
_FLAGS = ("--samples=1", "--requests=200")


class TransportSmokeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls._scratch = tempfile.TemporaryDirectory(prefix="kairos-nim-")
        cls._programs = transport_measure.Programs(
            _FOLDER, os.path.join(_FOLDER, "servers", "echo.nim"), cls._scratch.name)

    @classmethod
    def tearDownClass(cls):
        cls._scratch.cleanup()

    def test_every_load_is_served_by_every_contestant(self):
        chosen = transport_cases.all_cases(small=True)
        results = ratios.Results(transport_measure.rounds(self._programs, chosen, 1, _FLAGS))
        for case in chosen:
            for metric in case.metrics:
                for contestant in self._programs.contestants(case):
                    with self.subTest(case=case.name, metric=metric, contestant=contestant):
                        self.assertGreater(results.median(case, metric, contestant), 0)
        # The text is made of everything that a report has.
        report = transport_text.report(results, {}, conditions.describe(
            os.getcwd(), self._programs.describe(), 1, 0.0))
        self.assertIn("| kairos |", report)

    def test_a_service_that_does_not_exist_is_an_error(self):
        with self.assertRaises(measure.Failure):
            self._programs.run(transport_cases.all_cases()[0], "nobody", _FLAGS)


if __name__ == "__main__":
    unittest.main()
