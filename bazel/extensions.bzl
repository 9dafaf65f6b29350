# SPDX-License-Identifier: MIT OR Apache-2.0
"""The installed libraries for MODULE.bazel (Bazel 7 and later)."""

load("//bazel:system_libraries.bzl", "system_libraries")

def _impl(_):
    system_libraries()

installed = module_extension(implementation = _impl)
