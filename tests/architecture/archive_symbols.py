# SPDX-License-Identifier: MIT OR Apache-2.0
"""The symbols of static libraries, as nm(1) lists them."""

import re
import subprocess

_LINE = re.compile(r"^(?:[0-9a-f]+)? *([A-Za-z]) (.+)$", re.M)


def _nm(archives, *options):
    command = ["nm", "--demangle", "--extern-only", *options, *archives]
    return _LINE.findall(subprocess.check_output(command, text=True))


def defined(archives):
    """{name: type letter} of what the archives give to others."""
    return {name: kind for kind, name in _nm(archives, "--defined-only")}


def undefined(archives):
    """The names that the archives want from elsewhere, each other included."""
    return {name for _, name in _nm(archives, "--undefined-only")}
