#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every bug of table.py can be planted in the core as it is now. (Each is killed: mutants.py.)"""

import unittest

import mutants
import table


class TableTest(unittest.TestCase):
    def test_holds_each_old_text_once(self):
        core = mutants.Core({mutant.file for mutant in table.MUTANTS})
        for mutant in table.MUTANTS:
            with self.subTest(mutant.name):
                self.assertNotEqual(core.changed(mutant), core.texts[mutant.file])

    def test_refuses_a_text_that_is_not_there_exactly_once(self):
        core = mutants.Core(["reactor/reactor.h"])
        for old in ("no such text", "addReader"):
            lost = table.Mutant("lost", "reactor/reactor.h", "nothing", old, "")
            with self.assertRaises(mutants.Refused):
                core.changed(lost)

    def test_names_each_bug_differently(self):
        names = [mutant.name for mutant in table.MUTANTS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 30)


if __name__ == "__main__":
    unittest.main()
