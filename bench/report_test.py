#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""How the report forms ratios and judges goals."""

import unittest

from reporting import cases, goals, measure, ratios, text

_CASE = cases.Case("EmptyPoll", "no_timer")


def _results(**rounds):
    """The values of each contestant, round by round."""
    return ratios.Results(
        measure.Sample(number, _CASE, "ns", contestant, value)
        for contestant, values in rounds.items() for number, value in enumerate(values))


def _verdict(limit, base="bare", **rounds):
    goal = goals.TimeGoal("", "EmptyPoll/.*", "ns", base, limit)
    return [verdict for _, _, verdict in goal.verdicts(_results(**rounds))]


class RatioTest(unittest.TestCase):

    def test_is_formed_inside_each_round(self):
        # The machine was twice as slow in the second round; that must not show.
        ratio = _results(bare=[100, 200, 100], kairos=[110, 220, 120]).ratio(
            _CASE, "ns", "kairos", "bare")
        self.assertAlmostEqual(ratio.median, 1.1)
        self.assertAlmostEqual(ratio.least, 1.1)
        self.assertAlmostEqual(ratio.most, 1.2)


class GoalTest(unittest.TestCase):

    def test_is_met_at_its_figure(self):
        self.assertEqual(_verdict(1.1, bare=[100], bare2=[100], kairos=[110]), ["yes"])

    def test_is_not_met_above_it(self):
        self.assertEqual(_verdict(1.1, bare=[100], bare2=[100], kairos=[111]), ["no"])

    def test_is_met_inside_the_spread_of_bare_against_bare(self):
        self.assertEqual(_verdict(1.1, bare=[100], bare2=[112], kairos=[111]),
                         ["within the spread"])

    def test_against_a_peer_the_spread_widens_the_figure(self):
        measured = {"bare": [100], "bare2": [102], "libev": [200]}
        self.assertEqual(_verdict(0.5, "libev", kairos=[101], **measured), ["within the spread"])
        self.assertEqual(_verdict(0.5, "libev", kairos=[103], **measured), ["no"])

    def test_that_is_missed_is_called_missed_in_the_text(self):
        table = text.goal_table(_results(bare=[100], bare2=[100], kairos=[150], libev=[1]), {})
        self.assertIn("1.50 (1.50-1.50) at no_timer | **no**: 0 of 1; not no_timer (1.500)", table)


class SectionTest(unittest.TestCase):

    def test_only_what_stands_between_the_markers_is_replaced(self):
        document = "before\n<!-- report: begin -->\nold\n<!-- report: end -->\nafter\n"
        self.assertEqual(
            text.replace_section(document, "new\n"),
            "before\n<!-- report: begin -->\n\nnew\n\n<!-- report: end -->\nafter\n")


if __name__ == "__main__":
    unittest.main()
