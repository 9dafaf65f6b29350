# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the toolchain would compile a C++ file with, for rules that run a compiler by themselves."""

load("@rules_cc//cc:action_names.bzl", "ACTION_NAMES")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cpp_toolchain")
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")

# For the rule or aspect that calls compile_flags.
TOOLCHAIN_ATTRS = {
    "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
}
TOOLCHAIN_TYPES = ["@bazel_tools//tools/cpp:toolchain_type"]

# Only Bazel's own compile actions have the module maps that these want.
_NEEDING_MODULE_MAPS = ["layering_check", "module_maps"]

def compile_flags(ctx, compilation_context, copts = [], local_defines = []):
    """Says how a C++ file that depends on `compilation_context` is compiled.

    Args:
      ctx: of a rule or aspect with TOOLCHAIN_ATTRS, TOOLCHAIN_TYPES and the fragment cpp.
      compilation_context: of CcInfo.
      copts: options of the target itself.
      local_defines: defines of the target itself.

    Returns:
      struct(compiler, flags, inputs): its path, its arguments, the files of the toolchain and the
      headers.
    """
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features + _NEEDING_MODULE_MAPS,
    )
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + copts,
        include_directories = compilation_context.includes,
        quote_include_directories = compilation_context.quote_includes,
        system_include_directories = compilation_context.system_includes,
        preprocessor_defines = depset(
            local_defines,
            transitive = [compilation_context.defines],
        ),
    )
    return struct(
        compiler = cc_common.get_tool_for_action(
            feature_configuration = features,
            action_name = ACTION_NAMES.cpp_compile,
        ),
        flags = cc_common.get_memory_inefficient_command_line(
            feature_configuration = features,
            action_name = ACTION_NAMES.cpp_compile,
            variables = variables,
        ),
        inputs = depset(transitive = [compilation_context.headers, toolchain.all_files]),
    )
