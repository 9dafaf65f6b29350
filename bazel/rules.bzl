# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rules of Kairos's own code: warnings are errors, headers are "kairos/<layer>/<file>.h"."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wsign-conversion",
    "-Werror",
]

def kairos_library(name, include_prefix = "kairos", strip_include_prefix = "/", **kwargs):
    """A cc_library whose headers are included with the prefix "kairos/"."""
    cc_library(
        name = name,
        copts = _COPTS,
        include_prefix = include_prefix,
        strip_include_prefix = strip_include_prefix,
        **kwargs
    )

def kairos_binary(name, **kwargs):
    cc_binary(
        name = name,
        copts = _COPTS,
        **kwargs
    )

def kairos_test(name, deps = [], size = "small", **kwargs):
    """A GoogleTest program with its own main."""
    cc_test(
        name = name,
        size = size,
        copts = _COPTS,
        deps = deps + [
            "@googletest//:gtest",
            "@googletest//:gtest_main",
        ],
        **kwargs
    )
