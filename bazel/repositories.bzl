# SPDX-License-Identifier: MIT OR Apache-2.0
"""Repositories that building Kairos needs, for its own WORKSPACE and for consumers'."""

load("//bazel:coverage_tools.bzl", "coverage_tools")
load("//bazel:native_rules.bzl", "native_rules")
load("//bazel:system_libraries.bzl", "public_libraries")

def kairos_repositories():
    native_rules()
    coverage_tools()
    public_libraries(declared = native.existing_rules())
