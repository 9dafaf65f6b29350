# SPDX-License-Identifier: MIT OR Apache-2.0
"""assembly: what the compiler makes of some sources, optimised, with the headers of a library."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//bazel:compile_flags.bzl", "TOOLCHAIN_ATTRS", "TOOLCHAIN_TYPES", "compile_flags")

# OUTPUT TREE SCRIPT SOURCES -- HEADERS -- COMPILER FLAGS...
# The sources and headers are edited by the script, and lie under the names they are included by.
_COMMAND = """
set -e
output=$1 tree=$2 script=$3
shift 3
sources=
while [ "$1" != -- ]; do
  copy=$tree/$(basename "$1")
  mkdir -p "$tree"
  sed -E "$script" "$1" >"$copy"
  sources="$sources $copy"
  shift
done
shift
while [ "$1" != -- ]; do
  copy=$tree/${1#*/_virtual_includes/*/}
  mkdir -p "$(dirname "$copy")"
  sed -E "$script" "$1" >"$copy"
  shift
done
shift
for source in $sources; do "$@" -iquote "$tree" -O2 -S -o - "$source"; done >"$output"
"""

def _impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".s")
    context = ctx.attr.dep[CcInfo].compilation_context
    headers = [
        header
        for header in context.headers.to_list()
        if "/_virtual_includes/" in header.path and "/kairos/futures-addon/" in header.path
    ]
    compile = compile_flags(ctx, context)
    ctx.actions.run_shell(
        mnemonic = "Assembly",
        inputs = depset(ctx.files.srcs, transitive = [compile.inputs]),
        outputs = [output],
        command = _COMMAND,
        arguments = [output.path, output.path + ".tree", ctx.attr.edit] +
                    [source.path for source in ctx.files.srcs] + ["--"] +
                    [header.path for header in headers] + ["--", compile.compiler] +
                    compile.flags,
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))]

assembly = rule(
    implementation = _impl,
    attrs = dict(
        TOOLCHAIN_ATTRS,
        srcs = attr.label_list(allow_files = [".cc"]),
        dep = attr.label(mandatory = True, providers = [CcInfo]),
        edit = attr.string(doc = "A script of sed -E for the sources and the layer's headers."),
    ),
    fragments = ["cpp"],
    toolchains = TOOLCHAIN_TYPES,
)
