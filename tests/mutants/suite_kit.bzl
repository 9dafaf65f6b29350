# SPDX-License-Identifier: MIT OR Apache-2.0
"""suite_kit: all that it takes to link test programs into one, with a core of one's own."""

load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")
load("//bazel:compile_flags.bzl", "TOOLCHAIN_ATTRS", "TOOLCHAIN_TYPES", "compile_flags")

def _objects(test):
    outputs = test[OutputGroupInfo].compilation_outputs.to_list()
    return [output for output in outputs if output.extension == "o"]

def _libraries_and_flags(context):
    files = []
    flags = []
    for linker_input in context.linker_inputs.to_list():
        flags += linker_input.user_link_flags
        for library in linker_input.libraries:
            archive = library.static_library or library.pic_static_library
            if archive:
                files.append(archive)
    return files, flags

def _in_runfiles(flag, bin_dir):
    prefix = "-I" + bin_dir.path + "/"
    return "-I" + flag[len(prefix):] if flag.startswith(prefix) else flag

def _impl(ctx):
    merged = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps])
    objects = []
    for test in ctx.attr.tests:
        objects += _objects(test)
    archives, link_flags = _libraries_and_flags(merged.linking_context)
    compile = compile_flags(ctx, merged.compilation_context)
    description = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(description, json.encode(struct(
        archives = [file.short_path for file in archives],
        compile_flags = [_in_runfiles(flag, ctx.bin_dir) for flag in compile.flags],
        compiler = compile.compiler,
        core = [file.short_path for file in ctx.files.core],
        link_flags = link_flags + ctx.fragments.cpp.linkopts,
        objects = [file.short_path for file in objects],
    )))
    files = [description] + objects + archives + ctx.files.core
    return [DefaultInfo(
        files = depset([description]),
        runfiles = ctx.runfiles(
            files,
            transitive_files = merged.compilation_context.headers,
        ),
    )]

suite_kit = rule(
    doc = """A JSON file that says how to compile a file of the core and what to link it with.

Its paths are relative to the runfiles of the workspace, where all that it names is found.""",
    implementation = _impl,
    attrs = dict(
        TOOLCHAIN_ATTRS,
        core = attr.label_list(allow_files = True, doc = "The sources to be compiled anew."),
        deps = attr.label_list(providers = [CcInfo], doc = "What the tests and the core need."),
        tests = attr.label_list(doc = "Test programs, of which the objects are taken, in order."),
    ),
    fragments = ["cpp"],
    toolchains = TOOLCHAIN_TYPES,
)
