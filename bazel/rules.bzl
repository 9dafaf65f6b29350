# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rules of Kairos's own code: warnings are errors, but not in those of its users; headers
are "kairos/<layer>/<file>.h"."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wsign-conversion",
]

# A user's compiler, and flags, may warn of more.
def _copts():
    return _COPTS + (["-Werror"] if native.repository_name() == "@" else [])

def kairos_library(name, include_prefix = "kairos", strip_include_prefix = "/", **kwargs):
    """A cc_library whose headers are included with the prefix "kairos/"."""
    cc_library(
        name = name,
        copts = _copts(),
        include_prefix = include_prefix,
        strip_include_prefix = strip_include_prefix,
        **kwargs
    )

def kairos_binary(name, **kwargs):
    cc_binary(
        name = name,
        copts = _copts(),
        **kwargs
    )

def kairos_test(name, deps = [], size = "small", **kwargs):
    """A GoogleTest program with its own main."""
    cc_test(
        name = name,
        size = size,
        copts = _copts(),
        deps = deps + [
            "@googletest//:gtest",
            "@googletest//:gtest_main",
        ],
        **kwargs
    )
