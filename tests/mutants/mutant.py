# SPDX-License-Identifier: MIT OR Apache-2.0
"""A bug that the tests have to notice.

It is a text of one file that is replaced by another. The old text must be there exactly once, so
that the bug cannot quietly stop being planted when the file changes.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    breaks: str  # the promise, as a user sees it broken
    old: str
    new: str
    compiled: tuple = ()  # of the files that include it, those that are; none: all


def mutants_of(file, *rows, compiled=()):
    """Those of one file, from rows of (name, breaks, old, new).

    Without optimisation a function of a header is in the objects of all who use it, and the linker
    takes the first: so one or two files are enough to plant a bug there.
    """
    return [
        Mutant(file=file, name=row[0], breaks=row[1], old=row[2], new=row[3], compiled=compiled)
        for row in rows
    ]
