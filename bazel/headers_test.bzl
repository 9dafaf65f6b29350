# SPDX-License-Identifier: MIT OR Apache-2.0
"""headers_test: every header of a library compiles alone, twice, in two translation units."""

load("@rules_cc//cc:defs.bzl", "cc_test")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//bazel:rules.bzl", "kairos_library")

# The directory in which Bazel gives headers the names that users include them by.
_VIRTUAL = "/_virtual_includes/"

def _sources_impl(ctx):
    sources = []
    for dep in ctx.attr.deps:
        for header in dep[CcInfo].compilation_context.direct_public_headers:
            if _VIRTUAL not in header.path:
                continue
            name = header.path.partition(_VIRTUAL)[2].partition("/")[2]
            for copy in ["a", "b"]:
                source = ctx.actions.declare_file(
                    "{}/{}_{}.cc".format(ctx.label.name, name.replace("/", "_"), copy),
                )
                ctx.actions.write(source, "#include \"{n}\"\n#include \"{n}\"\n".format(n = name))
                sources.append(source)
    if not sources:
        fail("no header with a public name in " + str(ctx.attr.deps))
    return [DefaultInfo(files = depset(sources))]

def _main_impl(ctx):
    source = ctx.actions.declare_file(ctx.label.name + ".cc")
    ctx.actions.write(source, "int main() {}\n")
    return [DefaultInfo(files = depset([source]))]

_sources = rule(
    implementation = _sources_impl,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)

_main = rule(implementation = _main_impl)

def headers_test(name, deps, **kwargs):
    """Declares a test that has passed when it is built: nothing missing, nothing defined twice.

    Args:
      name: name of the test.
      deps: the libraries whose headers are taken.
      **kwargs: further attributes of the test.
    """
    _sources(
        name = name + "_sources",
        testonly = True,
        deps = deps,
    )
    _main(
        name = name + "_main",
        testonly = True,
    )
    kairos_library(
        name = name + "_library",
        testonly = True,
        srcs = [name + "_sources"],
        alwayslink = True,
        deps = deps,
    )
    cc_test(
        name = name,
        size = "small",
        srcs = [name + "_main"],
        deps = [name + "_library"],
        **kwargs
    )
