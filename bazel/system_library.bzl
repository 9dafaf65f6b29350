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

def _headers_compile(ctx):
    command = [ctx.os.environ.get("CC", "cc"), "-x", "c++", "-fsyntax-only"]
    for directory in ctx.attr.include_dirs:
        command.append("-I" + directory)
    for header in ctx.attr.headers:
        command.extend(["-include", header])
    return ctx.execute(command + ["/dev/null"], timeout = 60).return_code == 0

def _impl(ctx):
    if not _headers_compile(ctx):
        fail("{} is not installed. On Debian and Ubuntu: apt-get install {}".format(
            ctx.attr.headers[0],
            ctx.attr.apt,
        ))
    includes = []
    for i, directory in enumerate(ctx.attr.include_dirs):
        # Linked into the repository, so that the sandbox shows it to the compiler.
        includes.append("include/%d" % i)
        ctx.symlink(directory, includes[i])
    ctx.file("WORKSPACE", "workspace(name = \"{}\")\n".format(ctx.name))
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
