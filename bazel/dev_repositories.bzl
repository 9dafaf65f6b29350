# SPDX-License-Identifier: MIT OR Apache-2.0
"""What only Kairos's own tests, benchmarks and examples need; consumers never load this file."""

load("//bazel:googletest.bzl", "googletest")
load("//bazel:system_libraries.bzl", "own_libraries")

def kairos_dev_repositories():
    googletest(
        name = "googletest",
        url = "https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz",
        sha256 = "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        strip_prefix = "googletest-release-1.12.1",
    )
    own_libraries()
