#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""transport_sources.py: transports include themselves, the reactor's public header, and the OS.

Of the standard library they may use what the core may, and text.
"""

import re

import core_sources
import report

_STANDARD = {"charconv", "functional", "string"}
_SYSTEM = re.compile(r"(arpa|net|netinet)/\w+\.h")
_OWN = '"kairos/transports/'
_REACTOR = '"kairos/reactor/reactor.h"'


def is_transport(path):
    """Whether a path is of the layer. Its examples show it with whatever they need."""
    return path.startswith("transports/") and not path.startswith("transports/examples/")


def _is_more_than_the_core_may(directive):
    name = directive.partition("<")[2].rstrip(">")
    return name in _STANDARD or _SYSTEM.fullmatch(name)


def problem_of(directive, exists, *standard):
    what = directive.partition("include")[2].strip()
    if what == _REACTOR or _is_more_than_the_core_may(directive):
        return None
    if what.startswith(_OWN):
        path = what.strip('"')[len("kairos/") :]
        if not is_transport(path):
            return "is outside the transports"
        return None if exists(path) else "does not exist"
    if what.startswith('"'):
        return "is neither of the transports nor the reactor's public header"
    return core_sources.problem_of(directive, exists, *standard)


def main():
    report.finish(*core_sources.check(is_transport, problem_of))


if __name__ == "__main__":
    main()
