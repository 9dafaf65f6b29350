#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every bug of the table can be planted in the core as it is now. (Each is killed: mutants.py.)"""

import unittest

import mutant
import mutants
import table


class TableTest(unittest.TestCase):
    def test_holds_each_old_text_once(self):
        core = mutants.Core({planted.file for planted in table.MUTANTS})
        for planted in table.MUTANTS:
            with self.subTest(planted.name):
                self.assertNotEqual(core.changed(planted), core.texts[planted.file])

    def test_refuses_a_text_that_is_not_there_exactly_once(self):
        core = mutants.Core(["reactor/reactor.h"])
        for old in ("no such text", "addReader"):
            lost = mutant.Mutant("lost", "reactor/reactor.h", "nothing", old, "")
            with self.assertRaises(mutants.Refused):
                core.changed(lost)

    def test_names_each_bug_differently(self):
        names = [planted.name for planted in table.MUTANTS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 30)


if __name__ == "__main__":
    unittest.main()
