# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests by checkers, and what they look at: a library, as it is and built without exceptions."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("@rules_shell//shell:sh_test.bzl", "sh_test")

_ALLOWLIST = "@bazel_tools//tools/allowlists/function_transition_allowlist"

def checker_test(name, checker, data = [], **kwargs):
    """A test that runs one of the checkers of this package."""
    sh_test(
        name = name,
        size = "small",
        srcs = [checker],
        data = data + [":modules"],
        **kwargs
    )

def _archives(dep):
    files = []
    for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
        for library in linker_input.libraries:
            archive = library.static_library or library.pic_static_library
            if archive:
                files.append(archive)
    return files

def _archives_impl(ctx):
    # A dependency through a transition is a list.
    dep = ctx.attr.dep[0] if type(ctx.attr.dep) == "list" else ctx.attr.dep
    files = _archives(dep)
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

archives = rule(
    doc = "The static libraries of a library and of all that it links.",
    implementation = _archives_impl,
    attrs = {"dep": attr.label(mandatory = True, providers = [CcInfo])},
)

def _without_exceptions_flags(settings, _attr):
    return {
        "//command_line_option:copt": settings["//command_line_option:copt"] + ["-fno-exceptions"],
        "//command_line_option:cxxopt": settings["//command_line_option:cxxopt"] + ["-fno-rtti"],
    }

_without_exceptions = transition(
    implementation = _without_exceptions_flags,
    inputs = ["//command_line_option:copt", "//command_line_option:cxxopt"],
    outputs = ["//command_line_option:copt", "//command_line_option:cxxopt"],
)

def _without_exceptions_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name + ".program")
    ctx.actions.symlink(
        output = program,
        target_file = ctx.executable.program,
        is_executable = True,
    )
    return [DefaultInfo(
        executable = program,
        runfiles = ctx.attr.program[0][DefaultInfo].default_runfiles,
    )]

without_exceptions_test = rule(
    doc = "Runs a program that is built, core included, with -fno-exceptions -fno-rtti.",
    implementation = _without_exceptions_impl,
    test = True,
    attrs = {
        "program": attr.label(
            cfg = _without_exceptions,
            executable = True,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(default = _ALLOWLIST),
    },
)

without_exceptions_archives = rule(
    doc = "The same, built with -fno-exceptions -fno-rtti.",
    implementation = _archives_impl,
    attrs = {
        "dep": attr.label(
            cfg = _without_exceptions,
            mandatory = True,
            providers = [CcInfo],
        ),
        "_allowlist_function_transition": attr.label(default = _ALLOWLIST),
    },
)
