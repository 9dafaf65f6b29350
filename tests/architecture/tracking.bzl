# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests that the tracking of futures costs nothing when it is off."""

load(":assembly.bzl", "assembly")
load(":core.bzl", "archives", "checker_test")

# Deletes all that speaks of tracking, and leaves the other lines where they are.
_WITHOUT = "s/.*racking.*//; s/, AwaitPlace at = placeOfAwait\\(\\)//"

_IF_TRACKING_IS_OFF = select({
    "//futures-addon:tracking_is_off": [],
    "//conditions:default": [":build_without_tracking"],
})

def _instructions_test():
    variants = [
        ("off", "//futures-addon", ""),
        ("without", "//futures-addon", _WITHOUT),
        ("on", "//futures-addon:tracked_places", ""),
    ]
    for name, dep, edit in variants:
        assembly(
            name = "hot_path_" + name,
            testonly = True,
            srcs = [
                "hot_path.cc",
                "//futures-addon:detail/coroutine.cc",
            ],
            dep = dep,
            edit = edit,
        )
    checker_test(
        name = "tracking_instructions_test",
        args = ["$(location :hot_path_%s)" % name for name, _, _ in variants],
        checker = "same_instructions.py",
        data = [":hot_path_" + name for name, _, _ in variants],
        target_compatible_with = _IF_TRACKING_IS_OFF,
    )

def _symbols_test(name, level, dep, **kwargs):
    archives(
        name = name + "_archives",
        testonly = True,
        dep = dep,
    )
    checker_test(
        name = name,
        args = [
            level,
            "$(locations :%s_archives)" % name,
        ],
        checker = "tracking_symbols.py",
        data = [":%s_archives" % name],
        **kwargs
    )

# F53
def tracking_tests():
    """Declares them; the last shows that the one before it would see something."""
    _instructions_test()
    _symbols_test(
        name = "tracking_is_not_linked_test",
        level = "off",
        dep = "//futures-addon",
        target_compatible_with = _IF_TRACKING_IS_OFF,
    )
    _symbols_test(
        name = "tracking_is_linked_where_it_is_on_test",
        level = "on",
        dep = "//futures-addon:tracked_stacks",
    )
