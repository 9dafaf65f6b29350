# SPDX-License-Identifier: MIT OR Apache-2.0
"""choice: a build setting with some values, `--//package:name=value` on the command line."""

def _impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.values:
        fail("{} is one of {}, not {}".format(ctx.label, ", ".join(ctx.attr.values), value))
    return []

_setting = rule(
    implementation = _impl,
    build_setting = config.string(flag = True),
    attrs = {"values": attr.string_list(mandatory = True)},
)

def choice(name, values, default, **kwargs):
    """Declares the setting, and NAME_is_VALUE for select().

    Args:
      name: name of the setting.
      values: all that it may have; another is refused.
      default: the one without a flag.
      **kwargs: further attributes of the setting.
    """
    _setting(
        name = name,
        build_setting_default = default,
        values = values,
        **kwargs
    )
    for value in values:
        native.config_setting(
            name = "{}_is_{}".format(name, value),
            flag_values = {name: value},
            visibility = ["//visibility:public"],
        )
