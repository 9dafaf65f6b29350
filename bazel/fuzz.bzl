# SPDX-License-Identifier: MIT OR Apache-2.0
"""kairos_fuzz_test: a fuzz target as a test of its corpus, and as a libFuzzer program."""

load("//bazel:rules.bzl", "kairos_binary", "kairos_library")
load("@rules_cc//cc:defs.bzl", "cc_test")

def kairos_fuzz_test(name, srcs, corpus, deps, **kwargs):
    """Declares the test NAME, which runs each file of the corpus once, and NAME_fuzzer.

    The fuzzer needs Clang; new files of interest go to the first directory:

        bazel run --config=fuzz //tests/simulation:NAME_fuzzer -- -max_total_time=60 DIRECTORY...

    Args:
      name: name of the test.
      srcs: files that define LLVMFuzzerTestOneInput, which aborts when something is wrong.
      corpus: labels of inputs.
      deps: what srcs include.
      **kwargs: further attributes of the test.
    """
    kairos_library(
        name = name + "_target",
        testonly = True,
        srcs = srcs,
        alwayslink = True,
        deps = deps,
    )
    cc_test(
        name = name,
        args = ["$(locations {})".format(label) for label in corpus],
        data = corpus,
        deps = [
            name + "_target",
            "//bazel:fuzz_main",
        ],
        **kwargs
    )
    kairos_binary(
        name = name + "_fuzzer",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [name + "_target"],
    )
