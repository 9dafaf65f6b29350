# SPDX-License-Identifier: MIT OR Apache-2.0
"""tracked_program: a program built with the build setting //futures-addon:tracking."""

def _tracking_value(_settings, attr):
    return {"//futures-addon:tracking": attr.tracking}

_tracking = transition(
    implementation = _tracking_value,
    inputs = [],
    outputs = ["//futures-addon:tracking"],
)

def _impl(ctx):
    link = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = link, target_file = ctx.executable.program, is_executable = True)
    runfiles = ctx.attr.program[0][DefaultInfo].default_runfiles
    return [DefaultInfo(executable = link, runfiles = runfiles)]

tracked_program = rule(
    implementation = _impl,
    executable = True,
    attrs = {
        "program": attr.label(cfg = _tracking, executable = True, mandatory = True),
        "tracking": attr.string(mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
