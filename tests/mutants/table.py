# SPDX-License-Identifier: MIT OR Apache-2.0
"""The bugs that the tests have to notice.

Each is a text of one file that is replaced by another. The old text must be there exactly once, so
that a bug cannot quietly stop being planted when the file changes.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    breaks: str  # the promise, as a user sees it broken
    old: str
    new: str


_REACTOR = "reactor/reactor.cc"

MUTANTS = [
    Mutant(
        name="stale-event",
        file=_REACTOR,
        breaks="a file that got the number of a removed one sees its event",
        old="if (entry.generation != generationOf(found.token)) {",
        new="if (generationOf(found.token) == ~0u) {",
    ),
    Mutant(
        name="old-event",
        file=_REACTOR,
        breaks="a registration sees an event that is older than it",
        old="callback.function == nullptr || entry.since[direction] == pollNumber_",
        new="callback.function == nullptr",
    ),
    Mutant(
        name="change-list-twice",
        file="reactor/fd_table.h",
        breaks="a descriptor that changes twice between polls makes the list of changes endless",
        old="    if (entry.nextChanged != notNoted) return;\n",
        new="",
    ),
    Mutant(
        name="interrupted-is-error",
        file="reactor/backends/epoll_backend.cc",
        breaks="a signal is reported as an error",
        old="if (count < 0 && errno != EINTR) error = lastError();",
        new="if (count < 0) error = lastError();",
    ),
]
