# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests that a line of code is refused by the compiler."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//bazel:compile_flags.bzl", "TOOLCHAIN_ATTRS", "TOOLCHAIN_TYPES", "compile_flags")

_PROGRAM = """
#include <functional>
#include <utility>

#include "{header}"

void callback(void*);

void use(kairos::Reactor& reactor, kairos::Fd fd, void* udata) {{
  static_cast<void>(fd);
  static_cast<void>(udata);
  {code}
}}
"""

# SOURCE VERDICT COMPILER FLAGS...
_COMMAND = """
source=$1 verdict=$2
shift 2
LC_ALL=C "$@" -fsyntax-only "$source" >"$verdict.log" 2>&1
echo "exit status $?" >"$verdict"
cat "$verdict.log" >>"$verdict"
rm "$verdict.log"
"""

def _verdict_impl(ctx):
    source = ctx.actions.declare_file(ctx.label.name + ".cc")
    ctx.actions.write(source, _PROGRAM.format(code = ctx.attr.code, header = ctx.attr.header))
    verdict = ctx.actions.declare_file(ctx.label.name + ".verdict")
    compile = compile_flags(
        ctx,
        ctx.attr.dep[CcInfo].compilation_context,
        copts = ["-Werror=unused-result"] + ctx.attr.copts,
    )
    ctx.actions.run_shell(
        mnemonic = "TryToCompile",
        inputs = depset([source], transitive = [compile.inputs]),
        outputs = [verdict],
        command = _COMMAND,
        arguments = [source.path, verdict.path, compile.compiler] + compile.flags,
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([verdict]), runfiles = ctx.runfiles([verdict]))]

# What the compiler says to `code` in a function with a `reactor`, an `fd`, a `udata` and a
# `callback`: a file with the exit status and the messages.
compiler_verdict = rule(
    implementation = _verdict_impl,
    attrs = dict(
        TOOLCHAIN_ATTRS,
        code = attr.string(mandatory = True),
        copts = attr.string_list(),
        header = attr.string(default = "kairos/reactor/reactor.h"),
        dep = attr.label(default = "//reactor", providers = [CcInfo]),
    ),
    fragments = ["cpp"],
    toolchains = TOOLCHAIN_TYPES,
)

def does_not_compile_test(name, bad, good, message, bad_copts = [], **kwargs):
    """Declares a test that `bad` is refused with a message like the regular expression `message`.

    `good`, which differs only in what is wrong with `bad`, must compile: it shows that nothing else
    is the reason. With `bad_copts` these may be all that is wrong. Further attributes, such as the
    `dep` and the `header` of it that is included, are those of compiler_verdict.
    """
    compiler_verdict(
        name = name + "_bad",
        code = bad,
        copts = bad_copts,
        **kwargs
    )
    compiler_verdict(
        name = name + "_good",
        code = good,
        **kwargs
    )
    sh_test(
        name = name,
        size = "small",
        srcs = ["does_not_compile.sh"],
        args = [
            "$(location :{}_bad)".format(name),
            "$(location :{}_good)".format(name),
            "'{}'".format(message),
        ],
        data = [
            name + "_bad",
            name + "_good",
        ],
    )
