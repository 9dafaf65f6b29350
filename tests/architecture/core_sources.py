#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""core_sources.py: the core includes itself, the OS and a part of the standard library.

Not allowed are headers that bring threads, streams, wall clocks, or a second kind of callback.
"""

import os
import re

import cpp_text
import report
import source_tree

_STANDARD = set(
    """algorithm array atomic bit bitset cassert cerrno chrono climits compare concepts csignal
    cstddef cstdint cstdio cstdlib cstring initializer_list iterator limits memory new numeric
    optional ranges span string string_view system_error tuple type_traits utility""".split()
)
# The simulated machine is for tests: it may end the program for want of memory, and so use these.
_SIMULATION = "reactor/simulation"
_CONTAINERS = {"deque", "functional", "vector"}
_SYSTEM = re.compile(
    r"(sys|linux)/\w+\.h|(fcntl|poll|pthread|sched|signal|time|unistd)\.h"  # POSIX and Linux
    r"|(winsock2|ws2tcpip|windows)\.h"
)
_INCLUDE = re.compile(r'# ?include ?([<"])([^>"]+)[>"]$')
_OWN = "kairos/"


def is_core(path):
    """Whether a path is of the core. Its examples show other libraries at work."""
    return path.startswith("reactor/") and not path.startswith("reactor/examples/")


def problem_of(directive, exists, standard=_STANDARD):
    match = _INCLUDE.match(directive)
    if not match:
        return "cannot be read"
    bracket, name = match.groups()
    if bracket == "<":
        if name in standard or _SYSTEM.fullmatch(name):
            return None
        return "is neither the OS nor the part of the standard library that the core may use"
    inside = name[len(_OWN) :]
    if not name.startswith(_OWN) or not is_core(inside):
        return "is outside the core"
    return None if exists(inside) else "does not exist"


def problems(path, text, exists, problem_of=problem_of):
    found = []
    standard = _STANDARD | (_CONTAINERS if path.startswith(_SIMULATION) else set())
    for line, directive in cpp_text.directives(text):
        if re.match(r"# ?include", directive):
            problem = problem_of(directive, exists, standard)
            if problem:
                found.append("%s:%d: %s %s" % (path, line, directive, problem))
    if "std::function" in cpp_text.code(text):
        found.append(path + ": std::function, where CallbackFunc is the only callback type")
    return found


def check(is_of_layer, problem_of):
    """The problems of a layer's sources, and those sources."""
    root = source_tree.root()

    def exists(path):
        return os.path.isfile(os.path.join(root, path))

    sources = [
        (path, text)
        for path, text in source_tree.files(root)
        if is_of_layer(path) and path.endswith((".cc", ".h"))
    ]
    found = [
        problem for path, text in sources for problem in problems(path, text, exists, problem_of)
    ]
    return found, sources


def main():
    report.finish(*check(is_core, problem_of))


if __name__ == "__main__":
    main()
