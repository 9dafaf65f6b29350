# SPDX-License-Identifier: MIT OR Apache-2.0
"""The installed libraries for MODULE.bazel (Bazel 7 and later)."""

load("//bazel:system_libraries.bzl", "own_libraries", "public_libraries")

def _impl(_):
    public_libraries()

def _own_impl(_):
    own_libraries()

installed = module_extension(implementation = _impl)
own_installed = module_extension(implementation = _own_impl)
