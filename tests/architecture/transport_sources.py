#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""transport_sources.py: transports include themselves, the reactor's public header, and the OS.

Of the standard library they may use what the core may, and text. A library of others is used by the
files of the part that is about it.
"""

import os
import re

import core_sources
import report

_STANDARD = {"charconv", "functional", "string"}
_SYSTEM = re.compile(r"(arpa|net|netinet)/\w+\.h")
_OWN = '"kairos/transports/'
_LIBRARIES = {"tls_": re.compile(r"openssl/\w+\.h"), "resolver": re.compile(r"ares\.h")}
_REACTOR = '"kairos/reactor/reactor.h"'


def is_transport(path):
    """Whether a path is of the layer. Its examples show it with whatever they need."""
    return path.startswith("transports/") and not path.startswith("transports/examples/")


def _is_more_than_the_core_may(directive):
    name = directive.partition("<")[2].rstrip(">")
    return name in _STANDARD or _SYSTEM.fullmatch(name) or _part_about(name)


def _part_about(header):
    """How the files begin that may include a header of a library."""
    parts = [part for part, headers in _LIBRARIES.items() if headers.fullmatch(header)]
    return parts[0] if parts else None


def misplaced(path, text):
    """Headers of libraries in files that are about something else."""
    names = re.findall(r"^# *include <([^>]+)>", text, re.M)
    return [
        "%s includes %s, which is for %s*" % (path, name, _part_about(name))
        for name in names
        if _part_about(name) and not os.path.basename(path).startswith(_part_about(name))
    ]


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
    found, sources = core_sources.check(is_transport, problem_of)
    found += [problem for path, text in sources for problem in misplaced(path, text)]
    report.finish(found, sources)


if __name__ == "__main__":
    main()
