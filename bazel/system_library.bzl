# SPDX-License-Identifier: MIT OR Apache-2.0
"""A library installed on the machine, as a repository with one cc_library named `library`."""

_BUILD = """
load("@rules_cc//cc:defs.bzl", "cc_library")

cc_library(
    name = "library",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = {includes},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

# What no platform has: targets that need the library are left out of //... and refused by name,
# in words that contain this one.
_MISSING = """
load("@rules_cc//cc:defs.bzl", "cc_library")

constraint_setting(name = "presence")

constraint_value(
    name = "{hint}",
    constraint_setting = ":presence",
)

cc_library(
    name = "library",
    target_compatible_with = [":{hint}"],
    visibility = ["//visibility:public"],
)
"""

def _headers_compile(ctx):
    command = [ctx.os.environ.get("CC", "cc"), "-x", "c++", "-fsyntax-only"]
    for directory in ctx.attr.include_dirs:
        command.append("-I" + directory)
    for header in ctx.attr.headers:
        command.extend(["-include", header])
    return ctx.execute(command + ["/dev/null"], timeout = 60).return_code == 0

def _declare_missing(ctx):
    # buildifier: disable=print
    print("{} is not installed, so what needs it cannot be built. {}".format(
        ctx.attr.headers[0],
        "On Debian and Ubuntu: apt-get install {}, ".format(ctx.attr.apt) +
        "then bazel shutdown, so that Bazel looks again.",
    ))
    hint = "not_installed__apt-get_install_" + ctx.attr.apt
    ctx.file("BUILD.bazel", _MISSING.format(hint = hint))

def _impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(ctx.name))
    if not _headers_compile(ctx):
        _declare_missing(ctx)
        return
    includes = []
    for i, directory in enumerate(ctx.attr.include_dirs):
        # Linked into the repository, so that the sandbox shows it to the compiler.
        includes.append("include/%d" % i)
        ctx.symlink(directory, includes[i])
    ctx.file("BUILD.bazel", _BUILD.format(includes = includes, linkopts = ctx.attr.linkopts))

system_library = repository_rule(
    implementation = _impl,
    attrs = {
        "apt": attr.string(mandatory = True, doc = "Debian package with the headers."),
        "headers": attr.string_list(mandatory = True, doc = "Headers that must compile."),
        "include_dirs": attr.string_list(doc = "Directories the compiler does not search unasked."),
        "linkopts": attr.string_list(doc = "What to link."),
    },
    configure = True,
    environ = ["CC"],
    local = True,
)
